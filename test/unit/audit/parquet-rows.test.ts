import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NotCovered } from '../../../src/audit/not-covered.js'
import { ParquetRows } from '../../../src/audit/parquet-rows.js'
import { scalarReader } from '../../../src/audit/scalars.js'
import { text } from '../../oracle/sql.js'

const LIMITS = { chunkBytes: 1024 * 1024, heapBytes: 16 * 1024 * 1024 }

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-parquet-rows-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function written(name: string, select: string, options = ''): Promise<string> {
  const file = join(folder, `${name}.parquet`)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`COPY (${select}) TO ${text(file)} (FORMAT parquet${options})`)
  connection.closeSync()
  instance.closeSync()
  return file
}

async function valuesOf(file: string, limits = LIMITS): Promise<unknown[]> {
  const rows = await ParquetRows.open(file, limits)
  try {
    const values: unknown[] = []
    for (const column of rows.columns) {
      for (const group of rows.groups) {
        const read = scalarReader(column.element)
        const stored = await rows.read(column, group)
        for (let i = 0; i < stored.length; i++) {
          const raw = stored.at(i)
          values.push(Array.isArray(raw) ? raw.map(read) : read(raw))
        }
      }
    }
    return values
  } finally {
    rows.close()
  }
}

describe('the second reader', () => {
  it.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'])('reads %s', async (codec) => {
    const select = "SELECT 'value ' || (i % 7) AS v FROM range(5000) t(i) ORDER BY i"
    const file = await written(codec, select, `, COMPRESSION ${codec}`)
    expect(await valuesOf(file)).toEqual(Array.from({ length: 5000 }, (_, i) => `value ${i % 7}`))
  })

  it('gives each value as it is stored: marks, wide decimals, dates, points in time of every unit', async () => {
    const select = `SELECT chr(65279) || 'x' AS marked, 12345678901234567890123456789012345678::DECIMAL(38,0) AS wide,
      -0.05::DECIMAL(4,2) AS small, DATE '1969-12-31' AS day, TIMESTAMP '1969-12-31 23:59:59.5' AS local,
      TIMESTAMPTZ '2025-06-01 00:00:00+02' AS utc, TIMESTAMP_MS '2025-06-01 00:00:00.001' AS millis,
      18446744073709551615::UBIGINT AS unsigned, 'ab'::BLOB AS bytes, true AS yes, ['a', NULL] AS list, NULL::VARCHAR AS nothing`
    expect(await valuesOf(await written('kinds', select))).toEqual([
      '\uFEFFx',
      { kind: 'decimal', unscaled: 12345678901234567890123456789012345678n, scale: 0 },
      { kind: 'decimal', unscaled: -5n, scale: 2 },
      { kind: 'day', days: -1n },
      { kind: 'instant', ticks: -500_000n, ticksPerSecond: 1_000_000n, utc: false },
      {
        kind: 'instant',
        ticks: BigInt(Date.parse('2025-05-31T22:00:00Z')) * 1000n,
        ticksPerSecond: 1_000_000n,
        utc: true,
      },
      { kind: 'instant', ticks: BigInt(Date.parse('2025-06-01T00:00:00.001Z')), ticksPerSecond: 1000n, utc: false },
      18446744073709551615n,
      'ab',
      true,
      ['a', null],
      null,
    ])
  })

  it('does not take statistics that are not exact, nor those of numbers, for a value', async () => {
    const long = 'x'.repeat(40)
    const texts = await written('long', `SELECT ${text(long)} || i AS v FROM range(3) t(i) ORDER BY i`)
    expect(await valuesOf(texts)).toEqual([0, 1, 2].map((i) => `${long}${i}`))
    const zeros = await written('zeros', "SELECT v FROM (VALUES (0::DOUBLE), ('-0'::DOUBLE), ('nan'::DOUBLE)) t(v)")
    expect(await valuesOf(zeros)).toEqual([0, -0, Number.NaN])
  })

  it('holds lists as numbers, and makes those that are asked for, be they NULL, empty or with NULL items', async () => {
    const lists = await written(
      'lists',
      "SELECT CASE i % 4 WHEN 0 THEN [i::VARCHAR, NULL] WHEN 1 THEN [] WHEN 2 THEN NULL ELSE ['a', 'b', 'a'] END AS v FROM range(20000) t(i) ORDER BY i",
    )
    const values = await valuesOf(lists, { ...LIMITS, heapBytes: 100_000 })
    expect(values).toHaveLength(20_000)
    for (const [i, value] of values.entries()) {
      expect(value).toEqual([[String(i), null], [], null, ['a', 'b', 'a']][i % 4])
    }
  })

  it('refuses what it cannot hold in its memory, and what is no Parquet file, as not covered', async () => {
    const file = await written('large', 'SELECT md5(i::VARCHAR) AS v FROM range(20000) t(i)')
    await expect(valuesOf(file, { ...LIMITS, chunkBytes: 100_000 })).rejects.toThrow(NotCovered)
    const decimals = await written('decimals', 'SELECT i::DECIMAL(38, 2) AS v FROM range(20000) t(i)')
    await expect(valuesOf(decimals, { ...LIMITS, heapBytes: 100_000 })).rejects.toThrow(NotCovered)
    await expect(valuesOf(import.meta.filename)).rejects.toThrow(NotCovered)
  })
})
