import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wrongFigure } from '../../../src/analytics/verify-metrics.js'
import { Engine } from '../../../src/engine/engine.js'
import type { ColumnMetrics, DataFile } from '../../../src/iceberg/data-file.js'
import type { ColumnType } from '../../../src/parquet/factorised.js'
import { COLUMNS, folderTable, row, writeRows } from '../iceberg/small-table.js'
import type { Row } from '../parquet/partition.js'

let scratch: string
let engine: Engine

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'etl3-metrics-'))
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch })
})
afterAll(() => {
  engine.close()
  rmSync(scratch, { recursive: true, force: true })
})

async function wrongIn(file: DataFile, figures = file.columns): Promise<string | undefined> {
  return await wrongFigure(engine, COLUMNS, { path: file.path, figures })
}

/** The figures with those of one column replaced. */
function withFigures({ columns }: DataFile, name: string, change: Partial<ColumnMetrics>): readonly ColumnMetrics[] {
  const place = COLUMNS.findIndex((column) => column.name === name)
  return columns.map((known, i) => (i === place ? { ...known, ...change } : known))
}

/** A bound as the specification has it (appendix D). */
function bound(type: ColumnType, value: string | number): string {
  const bytes = Buffer.alloc(type === 'double' ? 8 : type === 'boolean' ? 1 : 4)
  if (type === 'string') return Buffer.from(String(value)).toString('base64')
  if (type === 'double') bytes.writeDoubleLE(Number(value))
  else if (type === 'boolean') bytes.writeUInt8(Number(value))
  else bytes.writeInt32LE(Number(value))
  return bytes.toString('base64')
}

const ROWS: readonly Row[] = [
  row({ payer: 'p', text: `${'é'.repeat(16)}a`, amount: -1.5, count: -3, day: -1, flag: false, tags: ['x', null] }),
  row({ payer: 'p', text: '\u{1F600}'.repeat(18), amount: 0, count: 7, day: 20_000, flag: false }),
  row({ payer: 'p' }),
]

const cells = fc.record({
  payer: fc.constant('p'),
  text: fc.option(fc.string({ unit: 'binary', maxLength: 24 }), { nil: null }),
  amount: fc.option(fc.oneof(fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY), fc.double()), { nil: null }),
  count: fc.option(fc.integer(), { nil: null }),
  day: fc.option(fc.integer({ min: -719_162, max: 2_932_896 }), { nil: null }),
  flag: fc.option(fc.boolean(), { nil: null }),
})

describe('the figures of a file', () => {
  it('hold for whatever the encoder wrote', async () => {
    const table = folderTable()
    const files = fc.sample(fc.array(cells, { minLength: 1, maxLength: 6 }), { numRuns: 60, seed: 17 })
    for (const [i, rows] of files.entries()) {
      expect(await wrongIn(await writeRows(table, `random-${i}`, rows.map(row)))).toBeUndefined()
    }
  })

  it.each<[figure: string, column: string, change: Partial<ColumnMetrics>]>([
    // One value beyond what the file has, or less.
    ['lower bound', 'text', { lower: bound('string', `${'é'.repeat(16)}b`) }],
    ['upper bound', 'text', { upper: bound('string', '\u{1F600}'.repeat(17)) }],
    ['upper bound', 'text', { upper: bound('string', `${'\u{1F600}'.repeat(15)}\u{1F5FF}`) }],
    ['lower bound', 'amount', { lower: bound('double', -1.4999999999999998) }],
    // -0 may be in the file as well, and 0 is behind it.
    ['upper bound', 'amount', { upper: bound('double', -0) }],
    ['lower bound', 'amount', { lower: 'AAAA' }],
    ['lower bound', 'count', { lower: bound('int32', -2) }],
    ['upper bound', 'count', { upper: bound('int32', 6) }],
    ['lower bound', 'day', { lower: bound('date', 0) }],
    ['upper bound', 'day', { upper: bound('date', 19_999) }],
    ['lower bound', 'flag', { lower: bound('boolean', 1) }],
    ['count of values', 'count', { values: 2 }],
    ['count of NULLs', 'text', { nulls: 0 }],
    ['count of NULLs', 'month', { nulls: 2 }],
    ['count of NaNs', 'amount', { nans: 1 }],
    ['bound of no value', 'month', { lower: bound('string', '') }],
    ['count', 'tags', { nulls: 1 }],
    ['field id', 'flag', { fieldId: 6 }],
  ])('is found wrong: the %s of %s, %j', async (figure, column, change) => {
    const file = await writeRows(folderTable(), 'one', ROWS)
    expect(await wrongIn(file)).toBeUndefined()
    expect(await wrongIn(file, withFigures(file, column, change))).toMatch(
      new RegExp(`${figure} of the column ${column}$`),
    )
  })

  it('are found wrong where a column with a NaN has a bound, or says that it has no NaN', async () => {
    const file = await writeRows(folderTable(), 'one', [row({ payer: 'p', amount: Number.NaN }), ...ROWS])
    expect(await wrongIn(file)).toBeUndefined()
    expect(await wrongIn(file, withFigures(file, 'amount', { lower: bound('double', -2) }))).toContain('beside a NaN')
    expect(await wrongIn(file, withFigures(file, 'amount', { nans: 0 }))).toContain('count of NaNs')
  })

  it('may be missing or too wide: then readers read more, and lose nothing', async () => {
    const file = await writeRows(folderTable(), 'one', ROWS)
    for (const change of [{ upper: bound('string', '\u{10FFFF}') }, { lower: bound('string', '') }]) {
      expect(await wrongIn(file, withFigures(file, 'text', change))).toBeUndefined()
    }
    const { lower: _lower, upper: _upper, ...unbounded } = file.columns[2]!
    expect(await wrongIn(file, file.columns.with(2, unbounded))).toBeUndefined()
  })

  it('are those of all columns', async () => {
    const file = await writeRows(folderTable(), 'one', ROWS)
    expect(await wrongIn(file, file.columns.slice(1))).toBe('the number of columns')
    expect(await wrongIn(file, file.columns.with(4, file.columns[5]!))).toContain('field id')
  })

  it('are compared with the values, and not with what the footer says of them', async () => {
    const highest = 0x12_34_56_78
    const file = await writeRows(folderTable(), 'one', [
      row({ payer: 'p', count: 5 }),
      row({ payer: 'p', count: highest }),
    ])
    const bytes = readFileSync(file.path)
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
    const [said, lower] = [highest, 6].map((value) => Buffer.from(Int32Array.of(value).buffer))
    for (let at = bytes.indexOf(said!, footer); at >= 0; at = bytes.indexOf(said!, at)) lower!.copy(bytes, at)
    writeFileSync(file.path, bytes)
    const statistics = await engine.rows(
      `SELECT stats_max_value FROM parquet_metadata('${file.path}') WHERE path_in_schema = 'count'`,
    )
    expect(statistics).toEqual([{ stats_max_value: '6' }])
    expect(await wrongIn(file, withFigures(file, 'count', { upper: bound('int32', 6) }))).toContain('upper bound')
  })
})
