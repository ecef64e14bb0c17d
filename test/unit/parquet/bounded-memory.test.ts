import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import type { FactorisedRows, FileColumn, ValuePool } from '../../../src/parquet/factorised.js'
import { axis, bytesPool, doublePool, group, listPool } from './partition.js'
import { inFolder } from './readers.js'

const ROW_GROUP_ROWS = 131_072
const ROW_GROUPS = 39
const NPIS = 40_000

const columns: FileColumn[] = [
  { name: 'payer', type: 'string' },
  { name: 'fact', type: 'int32' },
  { name: 'npi', type: 'string' },
  { name: 'address', type: 'string' },
  { name: 'latitude', type: 'double' },
  { name: 'rate', type: 'double' },
  { name: 'tins', type: 'list' },
]

/** Row groups of 8,192 facts of 16 rows, in arrays that are the same for all of them, as a producer would do it. */
function* rowGroups(): Generator<FactorisedRows> {
  const facts = ROW_GROUP_ROWS / 16
  const runLengths = new Int32Array(facts).fill(16)
  const npis = new Int32Array(ROW_GROUP_ROWS)
  const terms = new Int32Array(facts)
  const rates = new Float64Array(ROW_GROUP_ROWS)
  const ids = new Float64Array(facts)
  for (let group = 0; group < ROW_GROUPS; group++) {
    for (let row = 0; row < npis.length; row++) {
      npis[row] = (group * 7919 + row * 17) % NPIS
      rates[row] = (group * ROW_GROUP_ROWS + row) / 8
    }
    for (let fact = 0; fact < facts; fact++) {
      terms[fact] = fact % 5
      ids[fact] = group * facts + fact
    }
    yield {
      rows: ROW_GROUP_ROWS,
      facts,
      runLengths,
      axes: [
        { grain: 'file', entries: Int32Array.of(0) },
        { grain: 'row', entries: npis },
        { grain: 'fact', entries: terms },
      ],
      numbers: [
        { grain: 'fact', values: ids, valid: undefined },
        { grain: 'row', values: rates, valid: undefined },
      ],
    }
  }
}

describe('a partition of five million rows', () => {
  it('streams in memory that does not grow with it, and every row arrives', async () => {
    const npis = Array.from({ length: NPIS }, (_, i) => String(1_000_000_000 + i))
    const encoder = createPartitionEncoder(columns)
    encoder.bind([
      { from: 'axis', axis: 0, pool: bytesPool(['kaiser']), valueOf: undefined },
      { from: 'numbers', stream: 0 },
      { from: 'axis', axis: 1, pool: bytesPool(npis), valueOf: undefined },
      // 3 MB of distinct addresses, each about three times: PLAIN, in several pages of each row group.
      { from: 'axis', axis: 1, pool: bytesPool(npis.map((npi) => `${npi} ${'x'.repeat(60)}`)), valueOf: undefined },
      { from: 'axis', axis: 1, pool: doublePool(npis.map(Number)), valueOf: undefined },
      { from: 'numbers', stream: 1 },
      { from: 'axis', axis: 2, pool: listPool([['1', '2'], [], ['3'], ['4', '5', '6'], [null]]), valueOf: undefined },
    ])
    await inFolder(async (folder) => {
      const path = join(folder, 'large.parquet')
      const file = createWriteStream(path)
      let early = 0
      let peak = 0
      let bytes = 0
      let longest = 0
      for (const piece of encoder.encode(rowGroups(), [])) {
        bytes += piece.length
        longest = Math.max(longest, piece.length)
        if (!file.write(Buffer.from(piece))) await once(file, 'drain')
        const { rss } = process.memoryUsage()
        peak = Math.max(peak, rss)
        if (bytes < 20_000_000) early = Math.max(early, rss)
      }
      file.end()
      await finished(file)
      // Four times what the first row groups were must not need more memory than they did.
      expect(bytes).toBeGreaterThan(80_000_000)
      expect((peak - early) / 2 ** 20).toBeLessThan(64)
      expect(longest / 2 ** 20).toBeLessThan(16)

      const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '400MB' })
      const duckdb = await instance.connect()
      const reader = await duckdb.runAndReadAll(`
        SELECT count(*)::INT, count(DISTINCT fact)::INT, sum(npi::BIGINT)::DOUBLE, sum(latitude), sum(rate),
               count(*) FILTER (payer = 'kaiser')::INT, sum(len(tins))::INT, min(npi || ' ' || repeat('x', 60) = address)
        FROM read_parquet('${path}')`)
      const rows = ROW_GROUPS * ROW_GROUP_ROWS
      let npiSum = 0
      let listItems = 0
      for (const group of rowGroups()) {
        for (const entry of group.axes[1]!.entries) npiSum += 1_000_000_000 + entry
        for (const entry of group.axes[2]!.entries) listItems += [2, 0, 1, 3, 1][entry]! * 16
      }
      expect(reader.getRows()[0]).toEqual([
        rows,
        rows / 16,
        npiSum,
        npiSum,
        (rows * (rows - 1)) / 2 / 8,
        rows,
        listItems,
        true,
      ])
      duckdb.closeSync()
      instance.closeSync()
    })
  })
})

/** Text of two bytes for each of `bytes`, which Snappy can't shrink, the same in every run. */
const noise = (seed: number, bytes: number) =>
  createHash('shake256', { outputLength: bytes }).update(String(seed)).digest('hex')

/** Bytes of a row group of one column as a file, and by how much resident memory grew over what it was before. */
function encoded(
  column: FileColumn,
  pool: ValuePool,
  rows: number,
): { fileMb: number; grownMb: number; longestMb: number } {
  const encoder = createPartitionEncoder([column])
  encoder.bind([{ from: 'axis', axis: 0, pool, valueOf: undefined }])
  const entries = axis(
    'row',
    Array.from({ length: rows }, (_, row) => row % pool.count),
  )
  const before = process.memoryUsage.rss()
  let peak = before
  let bytes = 0
  let longest = 0
  for (const piece of encoder.encode([group([rows], [entries])], [])) {
    bytes += piece.length
    longest = Math.max(longest, piece.length)
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  return { fileMb: bytes / 2 ** 20, grownMb: (peak - before) / 2 ** 20, longestMb: longest / 2 ** 20 }
}

describe('a row group that is many times larger as PLAIN than its values are', () => {
  it('holds two strings of 600 kB once, however often they occur', () => {
    const strings = [noise(1, 300_000), noise(2, 300_000)]
    const { fileMb, grownMb } = encoded({ name: 'text', type: 'string' }, bytesPool(strings), 5000)
    expect(fileMb).toBeLessThan(1.2)
    expect(grownMb).toBeLessThan(64)
  })

  it('holds the 8 MB of two lists once, however often they occur', () => {
    const lists = [0, 1].map((i) => Array.from({ length: 200 }, (_, k) => noise(i * 200 + k, 10_000)))
    const { fileMb, grownMb } = encoded({ name: 'tins', type: 'list' }, listPool(lists), 2000)
    expect(fileMb).toBeLessThan(9)
    expect(grownMb).toBeLessThan(128)
  })

  it('of strings of 600 kB leaves piece by piece', () => {
    // 24 MB of distinct strings, too many for a dictionary.
    const strings = Array.from({ length: 40 }, (_, i) => noise(i, 300_000))
    const { fileMb, grownMb, longestMb } = encoded({ name: 'text', type: 'string' }, bytesPool(strings), 1000)
    expect(fileMb).toBeGreaterThan(550)
    expect(grownMb).toBeLessThan(128)
    expect(longestMb).toBeLessThan(4)
  })

  it('of lists of 500 kB leaves piece by piece', () => {
    // 40 lists of 50 items, 20 MB in all.
    const lists = Array.from({ length: 40 }, (_, i) => Array.from({ length: 50 }, (_, k) => noise(i * 50 + k, 5000)))
    const { fileMb, grownMb, longestMb } = encoded({ name: 'tins', type: 'list' }, listPool(lists), 1000)
    expect(fileMb).toBeGreaterThan(450)
    expect(grownMb).toBeLessThan(128)
    expect(longestMb).toBeLessThan(4)
  })
})
