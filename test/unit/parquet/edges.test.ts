import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { readFooter } from '../../../src/parquet/footer-check.js'
import {
  axis,
  bytesPool,
  type Cell,
  columnOf,
  encodeAll,
  group,
  int32Pool,
  type Partition,
  rowsOf,
} from './partition.js'
import { exactRows, readWithDuckdb, readWithHyparquet, readWithPyarrow } from './readers.js'

const TYPES = ['string', 'double', 'int32', 'date', 'boolean', 'list'] as const

/** What each reader finds, to be compared with the partition's rows. */
async function expectRows(partitions: readonly Partition[]): Promise<void> {
  const files = partitions.map((partition) => encodeAll(createPartitionEncoder(partition.columns), partition))
  const expected = partitions.map((partition) => exactRows(rowsOf(partition)))
  for (const [i, file] of files.entries()) expect(exactRows(await readWithHyparquet(file))).toEqual(expected[i])
  expect((await readWithDuckdb(files)).map(exactRows)).toEqual(expected)
  expect((await readWithPyarrow(files)).map(({ rows }) => rows)).toEqual(expected)
}

describe('every reader takes', () => {
  it('a single row of each type, with a value and with NULL', async () => {
    const values: Record<(typeof TYPES)[number], Cell> = {
      string: 'x',
      double: 1.5,
      int32: -1,
      date: 20_000,
      boolean: true,
      list: ['a', null],
    }
    await expectRows(TYPES.flatMap((type) => [columnOf(type, [values[type]]), columnOf(type, [null])]))
  })

  it('columns of NULLs only: as NULL entries, as NULL values and as NULL numbers', async () => {
    await expectRows(TYPES.map((type) => columnOf(type, new Array<null>(1000).fill(null))))
    await expectRows([
      {
        columns: [
          { name: 'valueOf', type: 'string' },
          { name: 'numbers', type: 'double' },
        ],
        sources: [
          { from: 'axis', axis: 0, pool: bytesPool([]), valueOf: Int32Array.of(-1, -1) },
          { from: 'numbers', stream: 0 },
        ],
        groups: [
          group(
            [2, 5],
            [axis('fact', [0, 1])],
            [{ grain: 'fact', values: new Float64Array(2), valid: new Uint8Array(2) }],
          ),
        ],
      },
    ])
  })

  it('empty strings, empty lists and lists of NULLs, apart from NULL', async () => {
    await expectRows([
      columnOf('string', ['', null, '', 'a']),
      columnOf('string', ['', '', '']),
      columnOf('list', [[], null, [null], [''], [null, null]]),
      columnOf('list', [[], []]),
      columnOf('list', [[null], [null]]),
    ])
  })

  it('strings of 1 MiB, repeated or not', async () => {
    const long = (letter: string) => letter.repeat(1024 * 1024)
    await expectRows([
      columnOf('string', [long('a')]),
      columnOf('string', ['short', long('b'), long('c'), null, long('b')]),
      columnOf('list', [[long('d'), 'short'], [long('d')]]),
    ])
  })

  it('long lists, repeated for many rows', async () => {
    const list = Array.from({ length: 500 }, (_, i) => (i % 50 === 49 ? null : `item ${i % 97}`))
    await expectRows([
      {
        columns: [{ name: 'tins', type: 'list' }],
        sources: columnOf('list', [list, ['a'], []]).sources,
        groups: [group([300, 1, 77, 40], [axis('fact', [0, 1, 0, 2])])],
      },
    ])
  })

  it('lists over several pages of about 1 MiB', async () => {
    const lists = Array.from({ length: 40 }, (_, i) => Array.from({ length: 60 + i }, (_, k) => `${i * 31 + k * 7}`))
    const partition: Partition = {
      columns: [{ name: 'tins', type: 'list' }],
      sources: columnOf('list', lists).sources,
      groups: [
        group(
          lists.map((_, i) => 500 + i),
          [
            axis(
              'fact',
              lists.map((_, i) => i),
            ),
          ],
        ),
      ],
    }
    const file = encodeAll(createPartitionEncoder(partition.columns), partition)
    const expected = rowsOf(partition)
    expect(await readWithHyparquet(file)).toEqual(expected)
    expect((await readWithDuckdb([file]))[0]).toEqual(expected)
  })

  it('a partition without rows', async () => {
    const partition: Partition = { ...columnOf('string', ['a']), groups: [group([], [axis('row', [])])] }
    await expectRows([partition, { ...partition, groups: [] }])
    const file = encodeAll(createPartitionEncoder(partition.columns), partition)
    expect(readFooter(file).rowGroups).toEqual([])
  })

  it('column names with dots, blanks, quotes and other alphabets', async () => {
    const pool = int32Pool([1])
    const columns = ['a.b', ' ', '"', "it's", 'größe', '数', 'list'].map((name) => ({ name, type: 'int32' as const }))
    await expectRows([
      {
        columns,
        sources: columns.map(() => ({ from: 'axis', axis: 0, pool, valueOf: undefined })),
        groups: [group([3], [axis('file', [0])])],
      },
    ])
  })
})

describe('a file', () => {
  it('is compressed chunk by chunk, only where that makes it smaller', async () => {
    const random = Array.from({ length: 400 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 0).toString(36))
    const partition: Partition = {
      columns: [
        { name: 'repetitive', type: 'string' },
        { name: 'random', type: 'double' },
        { name: 'tiny', type: 'string' },
      ],
      sources: [
        {
          from: 'axis',
          axis: 0,
          pool: bytesPool(random.map((text) => `${'prefix '.repeat(9)}${text}`)),
          valueOf: undefined,
        },
        { from: 'numbers', stream: 0 },
        { from: 'axis', axis: 1, pool: bytesPool(['t']), valueOf: undefined },
      ],
      groups: [
        group(
          random.map(() => 1),
          [
            axis(
              'fact',
              random.map((_, i) => i),
            ),
            axis('file', [0]),
          ],
          [{ grain: 'fact', values: Float64Array.from(random, (_, i) => Math.sin(i + 1)), valid: undefined }],
        ),
      ],
    }
    const file = encodeAll(createPartitionEncoder(partition.columns), partition)
    const [read] = await readWithPyarrow([file])
    expect(read!.rowGroups[0]!.chunks.map(({ codec }) => codec)).toEqual(['SNAPPY', 'UNCOMPRESSED', 'UNCOMPRESSED'])
    for (const { compressed, uncompressed } of read!.rowGroups[0]!.chunks)
      expect(compressed).toBeLessThanOrEqual(uncompressed)
  })

  it('shows nothing of the values of a pool that it does not hold', () => {
    const of = (others: number): Partition => ({
      columns: [{ name: 'city', type: 'string' }],
      sources: [
        {
          from: 'axis',
          axis: 0,
          pool: bytesPool([...Array.from({ length: others }, (_, i) => `other ${i}`), 'Aptos', 'Zion']),
          valueOf: Int32Array.of(others, others + 1, others, others + 1, others),
        },
      ],
      groups: [
        group(
          [50],
          [
            axis(
              'row',
              Array.from({ length: 50 }, (_, i) => (i * 3) % 5),
            ),
          ],
        ),
      ],
    })
    const [small, large] = [0, 100_000].map((others) => encodeAll(createPartitionEncoder(of(0).columns), of(others)))
    expect(large).toEqual(small)
  })

  it('is the same for numbers from a pool and from a stream: NaN is one value, -0 and +0 are two', () => {
    const numbers = Array.from({ length: 300 }, (_, i) => [Number.NaN, 0, -0, 1.5, Number.NaN][(i * i) % 5]!)
    const pooled = columnOf('double', numbers)
    const values = Float64Array.from(numbers)
    const streamed: Partition = {
      columns: pooled.columns,
      sources: [{ from: 'numbers', stream: 0 }],
      groups: [group([300], [], [{ grain: 'row', values, valid: undefined }])],
    }
    const encoder = createPartitionEncoder(pooled.columns)
    expect(encodeAll(encoder, streamed)).toEqual(encodeAll(encoder, pooled))
  })

  it('names its writer, and keeps metadata in its order', async () => {
    const partition = columnOf('string', ['a'])
    const pairs = [
      ['z', '1'],
      ['a', 'ünï'],
      ['empty', ''],
    ] as const
    const file = encodeAll(createPartitionEncoder(partition.columns), partition, pairs)
    const footer = parquetMetadata(new Uint8Array(file).buffer)
    expect(footer.key_value_metadata).toEqual(pairs.map(([key, value]) => ({ key, value })))
    expect(footer.created_by).toBe('etl3 version 1.0.0 (build factorised)')
    expect(footer.version).toBe(1)
    const named = createPartitionEncoder(partition.columns, { createdBy: 'other version 2' })
    expect(readFooter(encodeAll(named, partition)).createdBy).toBe('other version 2')
  })

  it('says where every page is, also in pieces', async () => {
    // Columns of 600 kB each, so that pieces end between columns of a row group.
    const texts = Array.from({ length: 3000 }, (_, i) => `${(Math.imul(i, 0x9e3779b1) >>> 0).toString(36)}-`.repeat(25))
    const columns = Array.from({ length: 6 }, (_, i) => ({ name: `c${i}`, type: 'string' as const }))
    const pool = bytesPool(texts)
    const part = group(
      [texts.length],
      [
        axis(
          'row',
          texts.map((_, i) => i),
        ),
      ],
    )
    const partition: Partition = {
      columns,
      sources: columns.map(() => ({ from: 'axis', axis: 0, pool, valueOf: undefined })),
      groups: [part, part, part],
    }
    const encoder = createPartitionEncoder(columns, { compressFromBytes: Number.POSITIVE_INFINITY })
    encoder.bind(partition.sources)
    const pieces = Array.from(encoder.encode(partition.groups, []), (piece) => Buffer.from(piece))
    expect(pieces.length).toBeGreaterThan(3)
    const file = Buffer.concat(pieces)
    expect(encodeAll(encoder, partition).equals(file)).toBe(true)
    const expected = rowsOf(partition)
    expect(await readWithHyparquet(file)).toEqual(expected)
    expect((await readWithDuckdb([file]))[0]).toEqual(expected)
  })
})
