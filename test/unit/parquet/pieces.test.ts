import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { readFooter } from '../../../src/parquet/footer-check.js'
import { chunksOf } from './pages.js'
import { axis, bytesPool, encodeAll, group, listPool, type Partition, rowsOf } from './partition.js'
import { exactRows, readWithDuckdb, readWithHyparquet, readWithPyarrow } from './readers.js'

const MIB = 2 ** 20

/** Text that no codec shrinks much, and that is the same in every run. */
function noise(seed: string, length: number): string {
  return createHash('shake256', { outputLength: length }).update(seed).digest('base64').slice(0, length)
}

const ROWS = 1200

/**
 * Two row groups whose chunks have several MiB each: strings that do not repeat, with NULLs; lists that do not repeat,
 * with NULLs, NULL items and empty ones; long lists of items that do. Small columns stand before, between and after.
 */
function severalMebibytes(): Partition {
  const texts = Array.from({ length: ROWS }, (_, i) => noise(`text ${i}`, 2000 + ((i * 37) % 900)))
  const lists = Array.from({ length: ROWS }, (_, i) =>
    i % 11 === 5 ? [] : Array.from({ length: i % 5 }, (_, k) => ((i + k) % 17 === 0 ? null : noise(`${i} ${k}`, 1300))),
  )
  const members = Array.from({ length: 90 }, (_, i) =>
    Array.from({ length: 800 + i }, (_, k) =>
      k % 101 === 100 ? null : String((Math.imul(k + i * 900, 0x9e3779b1) >>> 0) % 5000),
    ),
  )
  const everyRow = (entryOf: (row: number) => number) =>
    axis(
      'row',
      Array.from({ length: ROWS }, (_, i) => entryOf(i)),
    )
  const part = (shift: number) =>
    group(
      Array.from({ length: ROWS }, () => 1),
      [
        axis('file', [shift]),
        everyRow((row) => (row % 7 === 3 ? -1 : (row + shift) % ROWS)),
        everyRow((row) => (row % 13 === 8 ? -1 : (row + shift * 100) % ROWS)),
        everyRow((row) => (row * 7 + shift) % 90),
      ],
      [{ grain: 'row', values: Float64Array.from({ length: ROWS }, (_, i) => (i + shift) / 7), valid: undefined }],
    )
  return {
    columns: [
      { name: 'payer', type: 'string' },
      { name: 'text', type: 'string' },
      { name: 'rate', type: 'double' },
      { name: 'tins', type: 'list' },
      { name: 'members', type: 'list' },
      { name: 'last', type: 'string' },
    ],
    sources: [
      { from: 'axis', axis: 0, pool: bytesPool(['Aetna', 'Kaiser']), valueOf: undefined },
      { from: 'axis', axis: 1, pool: bytesPool(texts), valueOf: undefined },
      { from: 'numbers', stream: 0 },
      { from: 'axis', axis: 2, pool: listPool(lists), valueOf: undefined },
      { from: 'axis', axis: 3, pool: listPool(members), valueOf: undefined },
      { from: 'axis', axis: 0, pool: bytesPool(['end', 'END']), valueOf: undefined },
    ],
    groups: [part(0), part(1)],
  }
}

describe('a column chunk of several MiB', () => {
  const partition = severalMebibytes()
  const encoder = createPartitionEncoder(partition.columns, { pageBytes: MIB / 4 })
  encoder.bind(partition.sources)
  const pieces = Array.from(encoder.encode(partition.groups, []), (piece) => Buffer.from(piece))
  const file = Buffer.concat(pieces)

  it('is handed over in several pieces, which end with a page', () => {
    let length = 0
    const ends = pieces.map((piece) => (length += piece.length))
    const large = [1, 3, 4, 7, 9, 10].map((index) => chunksOf(file)[index]!.pages)
    for (const pages of large) expect(pages.slice(0, -1).some(({ end }) => ends.includes(end))).toBe(true)
    const longest = Math.max(...pieces.map((piece) => piece.length))
    expect(longest).toBeLessThan(1.3 * MIB)
  })

  it('gives every reader its rows', async () => {
    const expected = exactRows(rowsOf(partition))
    expect(exactRows(await readWithHyparquet(file))).toEqual(expected)
    expect(exactRows((await readWithDuckdb([file]))[0]!)).toEqual(expected)
    expect((await readWithPyarrow([file]))[0]!.rows).toEqual(expected)
  })

  it('lies where the footer says, page after page, with as many bytes and values', () => {
    let end = 4
    for (const chunk of chunksOf(file)) {
      expect(chunk.pages[0]!.offset).toBe(end)
      const data = chunk.pages.filter(({ isDictionary }) => !isDictionary)
      expect(chunk.pages.findIndex(({ isDictionary }) => isDictionary)).toBe(
        chunk.dictionaryOffset === undefined ? -1 : 0,
      )
      expect(chunk.pages.length - data.length).toBe(chunk.dictionaryOffset === undefined ? 0 : 1)
      expect(chunk.dataOffset).toBe(data[0]!.offset)
      end = chunk.pages.at(-1)!.end
      expect(end - chunk.pages[0]!.offset).toBe(chunk.compressed)
      expect(chunk.pages.reduce((sum, { uncompressed }) => sum + uncompressed, 0)).toBe(chunk.uncompressed)
      expect(data.reduce((sum, { values }) => sum + values, 0)).toBe(chunk.values)
    }
    expect(end).toBe(file.length - 8 - file.readUInt32LE(file.length - 8))
    const byGroup = [0, 6].map((first) =>
      chunksOf(file)
        .slice(first, first + 6)
        .reduce((sum, { uncompressed }) => sum + uncompressed, 0),
    )
    expect(readFooter(file).rowGroups.map(({ bytes }) => bytes)).toEqual(byGroup)
  })

  it('has the same bytes when its row groups are streamed', async () => {
    async function* rowGroups() {
      for (const rows of partition.groups) yield await Promise.resolve({ sources: partition.sources, rows })
    }
    const streamed: Buffer[] = []
    for await (const piece of encoder.encodeStream(rowGroups(), [])) streamed.push(Buffer.from(piece))
    expect(Buffer.concat(streamed).equals(file)).toBe(true)
  })

  it('is not gone on with once another file took the buffers, and leaves nothing to it', () => {
    const iterator = encoder.encode(partition.groups, [])[Symbol.iterator]()
    iterator.next()
    expect(encodeAll(encoder, partition).equals(file)).toBe(true)
    expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'ETL3-PQ-07' }))
    expect(encodeAll(encoder, partition).equals(file)).toBe(true)
  })
})
