import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import type { ColumnType } from '../../../src/parquet/factorised.js'
import { axis, bytesPool, type Cell, columnOf, encodeAll, group, type Partition, rowsOf } from './partition.js'
import { limits, partitions } from './random-partition.js'
import { exact, inFolder, readWithPyarrow } from './readers.js'

const SEED = 20250801
const MAX_BOUND_BYTES = 64

/** Order of bytes, which is not the order of UTF-16 units that JavaScript compares by. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Bounds by the rules of parquet.thrift, from the values themselves. */
function boundsOf(type: ColumnType, cells: readonly Exclude<Cell, null>[]): { min: Cell; max: Cell } {
  const none = { min: null, max: null }
  if (cells.length === 0) return none
  if (type === 'string' || type === 'list') {
    const sorted = cells.map(String).sort(byBytes)
    const bounds = { min: sorted[0]!, max: sorted.at(-1)! }
    return Object.values(bounds).some((bound) => Buffer.byteLength(bound) > MAX_BOUND_BYTES) ? none : bounds
  }
  if (type === 'boolean') return { min: !cells.includes(false), max: cells.includes(true) }
  const numbers = cells.map(Number)
  if (numbers.some(Number.isNaN)) return none
  const min = Math.min(...numbers)
  const max = Math.max(...numbers)
  if (type !== 'double') return { min: exact(min), max: exact(max) }
  return { min: exact(min === 0 ? -0 : min), max: exact(max === 0 ? 0 : max) }
}

/** What a chunk's levels stand for: each row's value, or each item of its list. */
function leavesOf(type: ColumnType, cells: readonly Cell[]): Cell[] {
  if (type !== 'list') return [...cells]
  return cells.flatMap((cell): Cell[] => (Array.isArray(cell) && cell.length > 0 ? [...cell] : [null]))
}

describe('statistics', () => {
  it('hold the number of NULLs and the true bounds of every chunk, read by pyarrow', async () => {
    const cases = fc.sample(fc.tuple(partitions, limits), { seed: SEED, numRuns: 200 })
    const files = cases.map(([partition, options]) =>
      encodeAll(createPartitionEncoder(partition.columns, options), partition),
    )
    const read = await readWithPyarrow(files)
    for (const [i, [partition]] of cases.entries()) {
      for (const [g, part] of partition.groups.entries()) {
        const rows = rowsOf({ ...partition, groups: [part] })
        const expected = partition.columns.map(({ name, type }) => {
          const leaves = leavesOf(
            type,
            rows.map((row) => row[name]!),
          )
          const defined = leaves.filter((leaf) => leaf !== null)
          return { name, values: leaves.length, nulls: leaves.length - defined.length, ...boundsOf(type, defined) }
        })
        const found = read[i]!.rowGroups[g]!.chunks.map(({ path, values, nulls, min, max }) => ({
          name: path.replace('.list.element', ''),
          values,
          nulls,
          min,
          max,
        }))
        expect(found).toEqual(expected)
      }
    }
  })

  it('order strings by bytes, also where JavaScript would not', async () => {
    const partition = columnOf('string', ['\u{1F600}', '\uFFFD', 'é', 'z'])
    const [file] = await readWithPyarrow([encodeAll(createPartitionEncoder(partition.columns), partition)])
    expect(file!.rowGroups[0]!.chunks[0]).toMatchObject({ min: 'z', max: '\u{1F600}' })
  })

  it('trust a sorted pool: the lowest index is the lowest value', async () => {
    const partition: Partition = {
      columns: [{ name: 'value', type: 'string' }],
      sources: [{ from: 'axis', axis: 0, pool: bytesPool(['a', 'b', 'c', 'd', 'e'], true), valueOf: undefined }],
      groups: [group([4], [axis('row', [3, 1, 2, 2])])],
    }
    const [file] = await readWithPyarrow([encodeAll(createPartitionEncoder(partition.columns), partition)])
    expect(file!.rowGroups[0]!.chunks[0]).toMatchObject({ min: 'b', max: 'd' })
  })

  it('never hide a row from a predicate of DuckDB', async () => {
    const numbers = [0, -0, Number.NaN, 1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324]
    const texts = ['', 'a', 'b', 'é', '\u{1F600}', 'x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(70)}y`]
    const subsets = <T>(values: readonly T[]) =>
      fc.sample(fc.subarray([...values], { minLength: 1 }), { seed: SEED, numRuns: 25 })
    await inFolder(async (folder) => {
      const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
      const duckdb = await instance.connect()
      const check = async (type: 'double' | 'string', subset: readonly (number | string)[]) => {
        const partition = columnOf(type, [...subset, null])
        const path = join(folder, 'file.parquet')
        await writeFile(path, encodeAll(createPartitionEncoder(partition.columns), partition))
        // DuckDB holds the same rows in a table of its own, which has no statistics of ours.
        await duckdb.run(`CREATE OR REPLACE TABLE own (value ${type === 'double' ? 'DOUBLE' : 'VARCHAR'})`)
        const appender = await duckdb.createAppender('own')
        for (const value of subset) {
          if (typeof value === 'number') appender.appendDouble(value)
          else appender.appendVarchar(value)
          appender.endRow()
        }
        appender.closeSync()
        for (const operator of ['=', '<', '<=', '>', '>=', '<>']) {
          // One query a literal: a filter is pushed down to the statistics only when it is a constant.
          for (const value of type === 'double' ? numbers : texts) {
            const literal = typeof value === 'string' ? `'${value}'` : `'${value}'::DOUBLE`
            const [file, own] = await Promise.all(
              [`read_parquet('${path}')`, 'own'].map(async (from) =>
                (
                  await duckdb.runAndReadAll(`SELECT count(*)::INT FROM ${from} WHERE value ${operator} ${literal}`)
                ).getRows(),
              ),
            )
            expect({ subset, operator, value, rows: file }).toEqual({ subset, operator, value, rows: own })
          }
        }
      }
      for (const subset of subsets(numbers)) await check('double', subset)
      for (const subset of subsets(texts)) await check('string', subset)
      duckdb.closeSync()
      instance.closeSync()
    })
  })
})
