import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { DICTIONARY } from '../../../src/star/dictionary.js'
import { createOracleTable, DEFAULT_OPTIONS, tablesUnder } from '../../oracle/oracle-table.js'
import { quoted } from '../../oracle/sql.js'
import { seededStar } from '../../stars/random-star.js'
import { type JudgedStar, judged, withJudged } from './judged-star.js'

/** Figures of the joined table, row by row: what the rules count without building a row. */
async function joined({ root }: JudgedStar, figures: Readonly<Record<string, string>>): Promise<Map<string, number>> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await createOracleTable(connection, tablesUnder(root), DEFAULT_OPTIONS)
    const columns = Object.entries(figures).map(([name, sql]) => `(${sql})::DOUBLE AS ${quoted(name)}`)
    const [row] = (await connection.runAndReadAll(`SELECT ${columns.join(', ')} FROM oracle`)).getRowObjects()
    return new Map(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value ?? Number.NaN)]))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const OF_ROWS = {
  rows: 'count(*)',
  facts: 'count(DISTINCT fact_uid)',
  mean: `avg(negotiated_rate) FILTER (lower(translate(negotiated_type, ' _' || chr(160) || chr(8203), ''))
    IN ('negotiated', 'derived', 'feeschedule', 'perdiem', 'caserate'))`,
  provider_state: "count(*) FILTER (state NOT IN ('TX', 'ID'))",
  provider_state_checked: "count(*) FILTER (state <> '')",
  npi: "count(*) FILTER (NOT regexp_matches(npi, '^\\d{9}1$'))",
  city: "count(*) FILTER (city LIKE '%a%')",
}

const RULES = {
  provider_state: { values: ['TX', 'ID'] },
  npi: { pattern: '\\d{9}1', check_digit: 'none' },
  own: { kind: 'pattern', column: 'city', pattern: '(?s)[^a]*' },
}

describe('rules that speak of the table', () => {
  it.each([11, 12, 13, 14])('count what an independent join has, for random star %i', async (seed) => {
    const star = seededStar(seed, { missingParts: false, maxFacts: 60 })
    await withJudged(star, { rules: RULES }, async (it) => {
      const unknown = DICTIONARY.map(
        ({ name, type }) =>
          [
            name,
            `count(*) FILTER (${type === 'string' ? `coalesce(${quoted(name)}, '') = ''` : `${quoted(name)} IS NULL`})`,
          ] as const,
      )
      const expected = await joined(it, {
        ...OF_ROWS,
        ...Object.fromEntries(unknown.map(([n, sql]) => [`no ${n}`, sql])),
      })
      const { table, results } = it
      expect(table.figures.rows).toBe(expected.get('rows'))
      expect(table.facts).toBe(expected.get('facts'))
      if (table.figures.meanRate !== null)
        expect(table.figures.meanRate / (expected.get('mean') ?? 0)).toBeCloseTo(1, 9)
      for (const { name } of DICTIONARY) {
        const counted = results.find((r) => r.kind === 'null_ratio' && r.subject === name)
        expect([name, counted?.checked, counted?.failed]).toEqual([
          name,
          expected.get('rows'),
          expected.get(`no ${name}`),
        ])
      }
      expect(it.result('provider_state').failed).toBe(expected.get('provider_state'))
      expect(it.result('provider_state').checked).toBe(expected.get('provider_state_checked'))
      expect(it.result('npi').failed).toBe(expected.get('npi'))
      expect(it.result('own').failed).toBe(expected.get('city'))
    })
  })

  it('give the same record for the same input, quarantine included', async () => {
    const star = seededStar(15, { missingParts: false })
    const [a, b] = [await judged(star, { rules: RULES }), await judged(star, { rules: RULES })]
    // The input's files lie in another folder each time.
    const placeless = ({ screen, root }: typeof a): unknown => JSON.parse(JSON.stringify(screen).replaceAll(root, ''))
    expect(placeless(a)).toEqual(placeless(b))
    expect(a.table).toEqual(b.table)
    expect(a.quarantine).toEqual(b.quarantine)
  })
})
