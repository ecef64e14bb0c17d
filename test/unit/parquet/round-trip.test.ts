import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { readFooter } from '../../../src/parquet/footer-check.js'
import { footerByParquetjs } from '../../../src/parquet/parquetjs-footer.js'
import { encodeAll, type Row, rowsOf } from './partition.js'
import { limits, metadata, partitions } from './random-partition.js'
import { exactRows, readWithDuckdb, readWithHyparquet, readWithPyarrow, writeWithHyparquet } from './readers.js'
import { everyType } from './stars.js'

function unsignedZeros(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === 0 ? 0 : cell]))
}

const SEED = 20250801

describe('the same rows come out', () => {
  it('of every reader, for a small file of every type', async () => {
    const file = encodeAll(createPartitionEncoder(everyType.columns), everyType, [['k', 'v']])
    const expected = exactRows(rowsOf(everyType))
    expect(exactRows(await readWithHyparquet(file))).toEqual(expected)
    expect(exactRows((await readWithDuckdb([file]))[0]!)).toEqual(expected)
    const [arrow] = await readWithPyarrow([file])
    expect(arrow!.rows).toEqual(expected)
    expect(arrow!.types).toEqual({
      payer: 'string',
      code: 'string',
      npi: 'string',
      rate: 'double',
      score: 'double',
      year: 'int32',
      day: 'date32[day]',
      sole: 'bool',
      tins: 'list<element: string>',
      nothing: 'string',
    })
  })

  it('of hyparquet, whatever the partition and whatever the limits', async () => {
    await fc.assert(
      fc.asyncProperty(partitions, limits, async (partition, options) => {
        const file = encodeAll(createPartitionEncoder(partition.columns, options), partition)
        expect(exactRows(await readWithHyparquet(file))).toEqual(exactRows(rowsOf(partition)))
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })

  it('of DuckDB and of pyarrow, whatever the partition and whatever the limits', async () => {
    const cases = fc.sample(fc.tuple(partitions, limits), { seed: SEED + 1, numRuns: 300 })
    const files = cases.map(([partition, options]) =>
      encodeAll(createPartitionEncoder(partition.columns, options), partition),
    )
    const expected = cases.map(([partition]) => exactRows(rowsOf(partition)))
    expect((await readWithDuckdb(files)).map(exactRows)).toEqual(expected)
    expect((await readWithPyarrow(files)).map(({ rows }) => rows)).toEqual(expected)
  })

  it('as of the file that hyparquet-writer makes of the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(partitions, async (partition) => {
        const ours = await readWithHyparquet(encodeAll(createPartitionEncoder(partition.columns), partition))
        const theirs = await readWithHyparquet(writeWithHyparquet(partition.columns, rowsOf(partition)))
        // hyparquet-writer's dictionary takes -0 and +0 for one value, and keeps the first.
        expect(exactRows(ours.map(unsignedZeros))).toEqual(exactRows(theirs.map(unsignedZeros)))
      }),
      { seed: SEED + 2, numRuns: 200 },
    )
  })

  it('with an encoder that wrote other partitions before', async () => {
    const cases = fc.sample(partitions, { seed: SEED + 3, numRuns: 300 })
    const byColumns = new Map<string, ReturnType<typeof createPartitionEncoder>>()
    for (const partition of cases) {
      const key = JSON.stringify(partition.columns)
      const used = byColumns.get(key) ?? createPartitionEncoder(partition.columns)
      byColumns.set(key, used)
      const fresh = encodeAll(createPartitionEncoder(partition.columns), partition)
      expect(encodeAll(used, partition).equals(fresh)).toBe(true)
      expect(encodeAll(used, partition).equals(fresh)).toBe(true)
    }
  })
})

describe('the footer', () => {
  it('says to parquetjs-lite and to hyparquet how many rows, which columns and which metadata there are', async () => {
    await fc.assert(
      fc.asyncProperty(partitions, metadata, async (partition, pairs) => {
        const file = encodeAll(createPartitionEncoder(partition.columns), partition, pairs)
        const footer = await footerByParquetjs(file)
        expect(readFooter(file)).toEqual(footer)
        expect(footer.rows).toBe(rowsOf(partition).length)
        expect(footer.rowGroups.map(({ rows }) => rows)).toEqual(partition.groups.map(({ rows }) => rows))
        expect(footer.columns).toEqual(partition.columns.map(({ name }) => name))
        expect(footer.metadata).toEqual(new Map(pairs))
      }),
      { seed: SEED, numRuns: 200 },
    )
  })
})
