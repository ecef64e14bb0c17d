import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { isoDate, isoMonth } from '../../../src/audit/calendar.js'
import { dayOfText, monthOfText } from '../../../src/star/text-dates.js'
import { text } from '../../oracle/sql.js'

/** What staging and the audit of the input read: a run in which they differ cannot end. */
interface Readings {
  readonly text: string
  readonly day: string
  readonly month: string
}

async function staged(texts: readonly string[]): Promise<Readings[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run("SET TimeZone = 'UTC'")
    const values = texts.map((t) => `(${text(t)})`).join(', ')
    const answer = await connection.runAndReadAll(
      `SELECT x, ${dayOfText('x')}, ${monthOfText('x')} FROM (VALUES ${values}) v(x)`,
    )
    return answer.getRows().map(([x, day, month]) => ({ text: String(x), day: String(day), month: String(month) }))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function audited(texts: readonly string[]): Readings[] {
  return texts.map((t) => ({ text: t, day: isoDate(t), month: isoMonth(t) }))
}

const DAYS = [
  ...['2025-06-01', '2025-6-1', '2025/06/01', '2025/6/1', '2025-06/01', '2025/6-1', '20250601', '20250231'],
  ...['2025-02-30', '2025/2/30', '2024-02-29', '2025-13-01', '2025-00-10', '0000-01-01', '0000/1/1', '00000101'],
  ...['0001-01-01', '9999-12-31', '9999/12/31'],
]
const CLOCKS = [
  ...['', 'T00:00', 'T00:00:00', ' 23:59:59.999999', 'T23:59:59.9999999', ' 24:00:00', 'T24:00', 'T24:00:00.000'],
  ...[' 24:00:01', ' 24:30', ' 25:00:00', 'T12:60:00', 'T23:59:60', ' 12:30', 'T12:30:45.', 't12:00', 'T2:00'],
]
const ZONES = [
  ...['', 'Z', 'z', ' Z', 'UTC', '+00', '+0000', '-05:00', '+05:30', ' -0500', '+14:00', '-12:00', '+23:59'],
  ...['+24:00', '-99:99', '+05:60', '+5', '+05:3', 'GMT', ' America/New_York'],
]
const MONTHS = ['June 2025', '2025-6', '2025/6', '202506', '202513', '2025-13', '2025/00', '2025', '06/2025', '0000-01']
const TEXTS = [
  ...DAYS.flatMap((day) => CLOCKS.flatMap((clock) => ZONES.map((zone) => day + clock + zone))),
  ...[...DAYS, ...MONTHS].flatMap((t) => [` ${t}`, `${t}\n`, `\u00a0${t}`, `\t${t}\r\n`]),
  ...MONTHS,
]

describe('texts of days and months', () => {
  it('are read by staging and by the audit of the input in the same way', async () => {
    expect(await staged(TEXTS)).toEqual(audited(TEXTS))
  })

  it.each([
    ['2025-12-31 24:00:00', '2025-12-31'],
    ['2025-12-31T24:00Z', '2026-01-01'],
    ['2025-12-31 23:59:60', '2025-12-31 23:59:60'],
    ['2025-02-30T00:00:00', '2025-02-30T00:00:00'],
    ['9999-12-31T23:59:59-05:00', '9999-12-31T23:59:59-05:00'],
    ['0001-01-01T00:00+01', '0001-01-01T00:00+01'],
    ['0000/1/1', '0000/1/1'],
    ['2025-06/01', '2025-06/01'],
    ['2025-06-01T23:30:00.5 -0500', '2025-06-02'],
  ])('%j is %j', async (given, day) => {
    expect((await staged([given]))[0]?.day).toBe(day)
    expect(isoDate(given)).toBe(day)
  })
})
