import { createHash } from 'node:crypto'
import { parquetMetadata, parquetRead } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder, type EncoderOptions } from '../../../src/parquet/encoder.js'
import type { AxisStream } from '../../../src/parquet/factorised.js'
import { chunksOf } from './pages.js'
import {
  axis,
  bytesPool,
  columnOf,
  encodeAll,
  group,
  int32Pool,
  listPool,
  type Partition,
  rowsOf,
} from './partition.js'
import { exactRows, readWithDuckdb, readWithHyparquet, readWithPyarrow } from './readers.js'

const SIZES = [...new Set(Array.from({ length: 18 }, (_, k) => [2 ** k - 1, 2 ** k, 2 ** k + 1]).flat())].filter(
  (size) => size > 0,
)

/** Puts `size` distinct values into an order in which neighbours differ (2^31 - 1 is prime, so all are reached). */
const scattered = (size: number, i: number) => (i * 2_147_483_647) % size

const MIB = 1024 * 1024

/** Two row groups of 60 rows whose strings, and lists of strings, are few, over 1 MiB in all, and repeat. */
function fewLargeValues(): Partition {
  const texts = [0, 1, 2].map((i) => createHash('shake256', { outputLength: 300_000 }).update(`${i}`).digest('base64'))
  const lists = [[texts[0]!, null, 'short'], [], [texts[1]!, texts[2]!], [texts[2]!, texts[0]!, texts[0]!]]
  const part = (shift: number) => {
    const entries = Array.from({ length: 60 }, (_, row) => (row % 9 === 4 ? -1 : (row * 7 + shift) % 4))
    return group([60], [axis('row', entries)])
  }
  return {
    columns: [
      { name: 'text', type: 'string' },
      { name: 'tins', type: 'list' },
      { name: 'small', type: 'string' },
    ],
    sources: [
      { from: 'axis', axis: 0, pool: bytesPool(texts), valueOf: Int32Array.of(2, 0, -1, 1) },
      { from: 'axis', axis: 0, pool: listPool(lists), valueOf: undefined },
      { from: 'axis', axis: 0, pool: bytesPool(['a', 'b', 'c', 'd']), valueOf: undefined },
    ],
    groups: [part(0), part(1)],
  }
}

function partitionOf(size: number, stream: AxisStream, runLengths: readonly number[]): Partition {
  return {
    columns: [
      { name: 'own', type: 'int32' },
      { name: 'halved', type: 'int32' },
    ],
    sources: [
      { from: 'axis', axis: 0, pool: int32Pool(Array.from({ length: size }, (_, i) => i * 3)), valueOf: undefined },
      {
        from: 'axis',
        axis: 0,
        pool: int32Pool(Array.from({ length: size }, (_, i) => -i)),
        valueOf: Int32Array.from({ length: size }, (_, i) => (i % 5 === 4 ? -1 : i >> 1)),
      },
    ],
    groups: [group(runLengths, [stream])],
  }
}

async function columnsOf(file: Buffer): Promise<Record<string, ArrayLike<unknown>>> {
  const columns: Record<string, unknown[]> = {}
  await parquetRead({
    file: new Uint8Array(file).buffer,
    onChunk: ({ columnName, columnData }) => {
      const values = columns[columnName] ?? []
      columns[columnName] = values
      for (let i = 0; i < columnData.length; i++) values.push(columnData[i] ?? null)
    },
  })
  return columns
}

/** Compares without building a message for each of half a million values. */
function firstDifference(found: ArrayLike<unknown>, expected: ArrayLike<unknown>): string {
  if (found.length !== expected.length) return `${found.length} values instead of ${expected.length}`
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(found[i], expected[i])) return `${String(found[i])} instead of ${String(expected[i])} at ${i}`
  }
  return 'none'
}

async function expectValues(partition: Partition, entryOfRow: (row: number) => number): Promise<void> {
  const { rows } = partition.groups[0]!
  const found = await columnsOf(encodeAll(createPartitionEncoder(partition.columns), partition))
  const own = Array.from({ length: rows }, (_, row) => (entryOfRow(row) < 0 ? null : entryOfRow(row) * 3))
  const halved = Array.from({ length: rows }, (_, row) => {
    const entry = entryOfRow(row)
    return entry < 0 || entry % 5 === 4 ? null : 0 - (entry >> 1)
  })
  expect(firstDifference(found['own']!, own)).toBe('none')
  expect(firstDifference(found['halved']!, halved)).toBe('none')
}

describe('a dictionary of', () => {
  for (const size of SIZES) {
    it(`${size} values is read back bit-packed, with NULLs, and in runs`, async () => {
      const rows = size * 3
      const packed = Int32Array.from({ length: rows }, (_, row) => scattered(size, row))
      await expectValues(partitionOf(size, axis('row', packed), [rows]), (row) => packed[row]!)

      const sparse = packed.map((entry, row) => (row % 7 === 3 ? -1 : entry))
      await expectValues(partitionOf(size, axis('row', sparse), [rows]), (row) => sparse[row]!)

      // Runs of 1 … 11 rows, so that long ones and bit-packed ones take turns.
      const facts = Math.min(size, 20_000)
      const lengths = Array.from({ length: facts }, (_, fact) => 1 + ((fact * 5) % 11))
      const entries = Int32Array.from({ length: facts }, (_, fact) => scattered(size, fact))
      const ofRow = lengths.flatMap((length, fact) => new Array<number>(length).fill(entries[fact]!))
      await expectValues(partitionOf(size, axis('fact', entries), lengths), (row) => ofRow[row]!)
    })
  }
})

describe('a dictionary page', () => {
  const chunkOf = (file: Buffer) => parquetMetadata(new Uint8Array(file).buffer).row_groups[0]!.columns[0]!.meta_data!

  /** 1,000 strings that are `bytes` long in PLAIN encoding, each `times` times. */
  function stringsOf(bytes: number, times = 3): Partition {
    const length = Math.floor(bytes / 1000) - 4
    const values = Array.from({ length: 1000 }, (_, i) => String(i).padStart(length, 'x'))
    values[999] = values[999]! + 'y'.repeat(bytes - 1000 * (length + 4))
    return {
      columns: [{ name: 'text', type: 'string' }],
      sources: [{ from: 'axis', axis: 0, pool: bytesPool(values), valueOf: undefined }],
      groups: [
        group(
          [1000 * times],
          [
            axis(
              'row',
              Array.from({ length: 1000 * times }, (_, i) => i % 1000),
            ),
          ],
        ),
      ],
    }
  }

  it('may have 1 MiB', () => {
    const chunk = chunkOf(encodeAll(createPartitionEncoder([{ name: 'text', type: 'string' }]), stringsOf(1024 * 1024)))
    expect(chunk.encodings).toContain('RLE_DICTIONARY')
    expect(chunk.dictionary_page_offset).toBe(4n)
  })

  for (const [what, bytes, times, hasDictionary] of [
    ['may have no byte more where its strings occur three times: the chunk is PLAIN', MIB + 1, 3, false],
    ['may not have it where they occur four times, as indexes come on top', MIB + 1, 4, false],
    ['may have it where they occur five times', MIB + 1, 5, true],
    ['may have 16 MiB then', 16 * MIB, 5, true],
    ['may never have a byte more', 16 * MIB + 1, 5, false],
  ] as const) {
    it(what, async () => {
      const partition = stringsOf(bytes, times)
      const file = encodeAll(createPartitionEncoder(partition.columns), partition)
      const chunk = chunkOf(file)
      expect(chunk.encodings).toEqual(hasDictionary ? ['PLAIN', 'RLE', 'RLE_DICTIONARY'] : ['PLAIN', 'RLE'])
      expect(chunk.dictionary_page_offset).toBe(hasDictionary ? 4n : undefined)
      const { text } = await columnsOf(file)
      const pool = partition.sources[0]!
      if (pool.from !== 'axis' || pool.pool.kind !== 'bytes') throw new Error('the test has other sources')
      const { data, offsets } = pool.pool
      const expected = Array.from({ length: 1000 * times }, (_, i) =>
        Buffer.from(data.subarray(offsets[i % 1000]! + 4, offsets[(i % 1000) + 1])).toString(),
      )
      expect(firstDifference(text!, expected)).toBe('none')
    })
  }

  it('over 1 MiB, of strings and of lists, with NULLs, gives every reader its rows', async () => {
    const partition = fewLargeValues()
    const encoder = createPartitionEncoder(partition.columns)
    const file = encodeAll(encoder, partition)
    const chunks = chunksOf(file)
    expect(chunks.map(({ dictionaryOffset }) => dictionaryOffset !== undefined)).toEqual(new Array(6).fill(true))
    for (const { pages } of [chunks[0]!, chunks[1]!, chunks[3]!, chunks[4]!]) {
      expect(pages[0]!.uncompressed).toBeGreaterThan(MIB)
    }
    for (const { dictionaryOffset, dataOffset, pages } of chunks) {
      expect([dictionaryOffset, dataOffset]).toEqual([pages[0]!.offset, pages[1]!.offset])
    }
    const expected = exactRows(rowsOf(partition))
    expect(exactRows(await readWithHyparquet(file))).toEqual(expected)
    expect(exactRows((await readWithDuckdb([file]))[0]!)).toEqual(expected)
    expect((await readWithPyarrow([file]))[0]!.rows).toEqual(expected)
  })

  it('of lists obeys the same rule', () => {
    // 60 strings of 20 kB, 1.2 MB in all, in lists of three that have none in common.
    const lists = Array.from({ length: 20 }, (_, i) => [0, 1, 2].map((k) => `${i * 3 + k} `.padEnd(20_000, 'x')))
    const hasDictionary = (times: number, options?: EncoderOptions) => {
      const partition = columnOf(
        'list',
        Array.from({ length: 20 * times }, (_, i) => lists[i % 20]!),
      )
      return chunkOf(encodeAll(createPartitionEncoder(partition.columns, options), partition)).encodings.length === 3
    }
    expect([2, 3, 4, 5].map((times) => hasDictionary(times))).toEqual([false, false, false, true])
    expect(hasDictionary(5, { largeDictionaryLimitBytes: 1_200_239 })).toBe(false)
    expect(hasDictionary(5, { largeDictionaryLimitBytes: 1_200_240 })).toBe(true)
  })

  for (const [distinct, hasDictionary] of [
    [131_072, true],
    [131_073, false],
  ] as const) {
    it(`of ${distinct} numbers is ${hasDictionary ? 'written' : 'not written'}`, async () => {
      const rows = distinct * 3
      const values = Float64Array.from({ length: rows }, (_, row) => (row % distinct) / 7)
      const partition: Partition = {
        columns: [{ name: 'rate', type: 'double' }],
        sources: [{ from: 'numbers', stream: 0 }],
        groups: [group([rows], [], [{ grain: 'row', values, valid: undefined }])],
      }
      const file = encodeAll(createPartitionEncoder(partition.columns), partition)
      expect(chunkOf(file).dictionary_page_offset !== undefined).toBe(hasDictionary)
      const { rate } = await columnsOf(file)
      expect(firstDifference(rate!, values)).toBe('none')
    })
  }

  it('is left out where no value repeats, and where repeating it would be longer', () => {
    const distinct = encodeAll(createPartitionEncoder([{ name: 'v', type: 'int32' }]), {
      columns: [{ name: 'v', type: 'int32' }],
      sources: [{ from: 'numbers', stream: 0 }],
      groups: [
        group([100], [], [{ grain: 'row', values: Float64Array.from({ length: 100 }, (_, i) => i), valid: undefined }]),
      ],
    })
    expect(chunkOf(distinct).encodings).toEqual(['PLAIN', 'RLE'])
    const nearly = encodeAll(createPartitionEncoder([{ name: 'v', type: 'int32' }]), {
      columns: [{ name: 'v', type: 'int32' }],
      sources: [{ from: 'numbers', stream: 0 }],
      groups: [
        group(
          [100],
          [],
          [{ grain: 'row', values: Float64Array.from({ length: 100 }, (_, i) => i % 90), valid: undefined }],
        ),
      ],
    })
    expect(chunkOf(nearly).encodings).toEqual(['PLAIN', 'RLE'])
    const often = encodeAll(createPartitionEncoder([{ name: 'v', type: 'int32' }]), {
      columns: [{ name: 'v', type: 'int32' }],
      sources: [{ from: 'numbers', stream: 0 }],
      groups: [
        group(
          [100],
          [],
          [{ grain: 'row', values: Float64Array.from({ length: 100 }, (_, i) => i % 9), valid: undefined }],
        ),
      ],
    })
    expect(chunkOf(often).encodings).toContain('RLE_DICTIONARY')
  })
})
