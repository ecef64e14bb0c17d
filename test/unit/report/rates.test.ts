import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { PAYER_RATE_COLUMNS } from '../../../src/rates/rate-columns.js'
import { reportMarkdown } from '../../../src/report/markdown.js'
import { takeMostUsedCodes } from '../../../src/report/most-used-codes.js'
import { reportPage } from '../../../src/report/page.js'
import { takeRateMoves } from '../../../src/report/rate-moves.js'
import { moveText, rateText } from '../../../src/report/rates-texts.js'
import { sampleReport } from './sample-report.js'

/** One row of rates_by_payer: what is not named is NULL. */
interface Rates {
  readonly payer: string | null
  readonly code: string | null
  readonly facts: number
  readonly median: number | null
  readonly unit?: string
  readonly class?: string
}

const ENGINE_TYPES = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE' } as const

async function withRates<T>(
  tables: readonly (readonly Rates[])[],
  use: (engine: Engine, ...paths: string[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-report-rates-'))
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: folder })
  const literal = (value: string | number | null | undefined): string =>
    typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value ?? 'NULL')
  try {
    const paths: string[] = []
    for (const [i, rows] of tables.entries()) {
      await engine.run(
        `CREATE TABLE t${i} (${PAYER_RATE_COLUMNS.map(({ name, type }) => `${name} ${ENGINE_TYPES[type]}`).join(', ')})`,
      )
      for (const { payer, code, facts, median, unit = 'dollars', class: billingClass = 'professional' } of rows) {
        await engine.run(`INSERT INTO t${i} (payer_slug, billing_class, code_type, code, rate_unit, facts, rows, rate_count, rate_median)
          VALUES (${[payer, billingClass, 'CPT', code, unit, facts, 2 * facts, median === null ? 0 : facts, median].map(literal).join(', ')})`)
      }
      const path = join(folder, `t${i}.parquet`)
      await engine.run(`COPY t${i} TO '${path}' (FORMAT parquet)`)
      paths.push(path)
    }
    return await use(engine, ...paths)
  } finally {
    engine.close()
  }
}

describe('the most used codes', () => {
  it('stand by payer, payers and codes with the most facts first, of each payer no more than ten', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ payer: 'many', code: `C${i}`, facts: 10 + i, median: 5 }))
    const few = [{ payer: null, code: "it's", facts: 3, median: null }]
    const codes = await withRates([[...few, ...many]], (engine, path = '') => takeMostUsedCodes(engine, path))
    expect(codes.map(({ payer, code }) => [payer, code])).toEqual([
      ...Array.from({ length: 10 }, (_, i) => ['many', `C${11 - i}`]),
      [null, "it's"],
    ])
    expect(codes.at(-1)).toMatchObject({ facts: 3, rows: 6, median: null, ratio: null, unit: 'dollars' })
  })
})

describe('what moved', () => {
  it('is the medians of enough facts that moved by a hundredth or more, the largest first, up and down alike', async () => {
    const rates = (payer: string, code: string, median: number | null, facts = 9, unit = 'dollars') => ({
      payer,
      code,
      facts,
      median,
      unit,
    })
    const before = [
      rates('p', 'doubled', 100),
      rates('p', 'a third', 300),
      rates('p', 'rounding', 1000),
      rates('p', 'few', 10, 4),
      rates('p', 'same', 7),
      rates('p', 'no rate', null),
      rates('p', 'gone', 1),
      rates('p', 'another unit', 50),
      rates('gone payer', 'x', 1, 2),
    ]
    const after = [
      rates('p', 'doubled', 200),
      rates('p', 'a third', 100),
      rates('p', 'rounding', 1001),
      rates('p', 'few', 20),
      rates('p', 'same', 7),
      rates('p', 'no rate', 5),
      rates('p', 'new', 1, 3),
      rates('p', 'another unit', 50, 9, 'percent'),
      rates('new payer', 'y', 1, 2),
    ]
    const moves = await withRates([before, after], (engine, b = '', a = '') =>
      takeRateMoves(engine, { before: b, after: a }),
    )
    expect(moves).toMatchObject({ compared: 5, changed: 4, moved: 2 })
    expect(moves.largest.map(({ code, before: b, after: a }) => [code, b, a])).toEqual([
      ['a third', 300, 100],
      ['doubled', 100, 200],
    ])
    expect(moves.newPayers).toEqual({ count: 1, payers: [{ payer: 'new payer', facts: 2 }] })
    expect(moves.gonePayers).toEqual({ count: 1, payers: [{ payer: 'gone payer', facts: 2 }] })
    // A code that has another unit or class is not new.
    expect(moves.newCodes.codes.map(({ code, facts }) => [code, facts])).toEqual([['new', 3]])
    expect(moves.goneCodes.codes.map(({ code }) => code)).toEqual(['gone'])
  })

  it('is nothing between two runs with the same rates, codes and payers without a name included', async () => {
    const same = [{ payer: null, code: null, facts: 9, median: 5 }]
    const moves = await withRates([same, same], (engine, b = '', a = '') =>
      takeRateMoves(engine, { before: b, after: a }),
    )
    expect(moves).toMatchObject({ compared: 1, changed: 0, moved: 0, newPayers: { count: 0 }, goneCodes: { count: 0 } })
  })
})

describe('rates in a report', () => {
  it('have a section each for what moved and what is paid, in the page as in the text', () => {
    const report = sampleReport()
    const page = reportPage(report, { charts: [], drawings: undefined })
    for (const text of [page, reportMarkdown(report)]) {
      expect(text).toContain('What moved?')
      expect(text).toContain(
        '1 of 40 medians by code and payer moved by at least 1 %, with 5 or more facts in both runs; 3 more changed by less or have fewer facts.',
      )
      expect(text).toContain('What is paid?')
      expect(text).toContain('CPT 99213: Office visit')
      expect(text).toMatch(/\$120\.50.*1\.2×/s)
    }
  })

  it('are not told by the report of an earlier version, nor moves by the first run', () => {
    const { rates: _, ...earlier } = sampleReport()
    const charts = { charts: [], drawings: undefined }
    expect(reportPage(earlier, charts)).not.toMatch(/What moved\?|What is paid\?/)
    const first = sampleReport(undefined, { previous: null, rates: { ...sampleReport().rates!, moves: null } })
    expect(reportPage(first, charts)).toMatch(/id="moved".*This is the first run of the table\./s)
  })

  it.each([
    [12.5, 'dollars', '$12.50'],
    [1200, 'dollars per day', '$1,200.00'],
    [65, 'percent', '65 %'],
    [0.125, 'unknown', '0.13'],
    [null, 'dollars', '–'],
  ])('are written in their unit: %s %s is %s', (rate, unit, due) => {
    expect(rateText(rate, unit)).toBe(due)
  })

  it.each([
    [100, 125, '+25 %'],
    [100, 40, '−60 %'],
    [3, 90, '× 30'],
  ])('move from %s to %s by %s', (before, after, due) => {
    expect(moveText(before, after)).toBe(due)
  })
})
