import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type QualityRecord, qualityRecordSchema } from '../../src/quality/quality-record.js'
import { goodFact, goodFacts, goodStar } from '../stars/good-star.js'
import { writeStar } from '../stars/star.js'
import { Home } from './support/home.js'

/** The clock of a run is real here; the months of the stars are not. */
const RULES = { freshness: { severity: 'off' } }
const OPTIONS = { star: 'star', data_quality: { rules: RULES } }

/** One zero rate and one rate that is absurd: both are set aside, and the zero rates are more than may be. */
const FAULTY = goodFacts({ 3: { negotiated_rate: 0 }, 4: { negotiated_rate: 2e6 } })

let published: Home

beforeAll(async () => {
  published = new Home(OPTIONS)
  await writeStar(join(published.root, 'star'), goodStar())
  expect(await published.start().result()).toMatchObject({ status: 'published', warnings: 0 })
})

afterAll(async () => {
  await published[Symbol.asyncDispose]()
})

async function homeWith(facts: ReturnType<typeof goodFacts>, rules: object = {}): Promise<Home> {
  const home = published.copy({ star: 'star', data_quality: { rules: { ...RULES, ...rules } } })
  await writeStar(join(home.root, 'star'), goodStar({ 'gold/fact_rate': facts }))
  return home
}

function quality(home: Home, runId: string): QualityRecord {
  return qualityRecordSchema.parse(home.record(runId, 'quality.json'))
}

/** Rules by which facts were set aside, with their number. */
async function quarantined(home: Home, runId: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const file = join(home.metadata, 'runs', runId, 'quarantine/facts.parquet')
    return (
      await connection.runAndReadAll(`SELECT rule, count(*)::INTEGER FROM '${file}' GROUP BY ALL ORDER BY ALL`)
    ).getRows()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

describe('the quality gate', () => {
  it.concurrent('publishes with warnings, and what is read is written or set aside', async () => {
    await using home = await homeWith(FAULTY, { rate_range: { max_share: 0.2 } })
    const { status, facts, quarantined: aside, warnings, runId } = await home.start().result()
    expect({ status, facts, aside }).toEqual({ status: 'published', facts: 10, aside: 2 })
    const record = quality(home, runId)
    expect(record.facts).toEqual({ read: 10, written: 8, quarantined: 2 })
    expect(await quarantined(home, runId)).toEqual([
      ['rate_range', 1],
      ['zero_rate', 1],
    ])
    const warned = new Set(record.rules.filter((r) => r.outcome === 'warned').map((r) => r.name))
    // Facts 3 and 4 have 1 and 2 rows: 3 of the 15 rows are gone, exactly the fifth part, which is no violation.
    expect([...warned]).toEqual(['zero_rate'])
    expect(warnings).toBe(1)
    expect(record.rules.find((r) => r.subject === 'rows')).toMatchObject({ share: 0.2, outcome: 'passed' })
    expect(record.figures).toMatchObject({ rows: 12, partitions: 1 })
  })

  it.concurrent.each(['run', 'validate', 'plan'])(
    '%s --fail-on warn stops before anything is published (exit 4)',
    async (command) => {
      await using home = await homeWith(FAULTY, { rate_range: { max_share: 0.2 } })
      const before = home.stamps
      const failure = await home.start({}, [command, '--fail-on', 'warn']).failure(4)
      expect(failure).toMatchObject({ kind: 'QualityWarning', code: 'ETL3-QA-03' })
      expect(failure.message).toContain('rule zero_rate: 1 of 10 facts break it')
      expect(home.stamps).toEqual(before)
    },
  )

  it.concurrent('a rule on the table as a whole stops a run after the plan (exit 3), and the table stays', async () => {
    const many = Array.from({ length: 20 }, (_, i) => goodFact(i))
    await using home = await homeWith(many, { volume: { severity: 'error' } })
    const before = home.stamps
    const failure = await home.start().failure(3)
    expect(failure).toMatchObject({ kind: 'QualityError', code: 'ETL3-QA-01' })
    expect(failure.message).toContain('rule volume [rows]: changed by 100.00 %, allowed are 20.00 %')
    expect(home.stamps).toEqual(before)
    expect(home.runIds.some((id) => id !== home.currentRun && quality(home, id).figures.rows === 30)).toBe(true)
  })

  it.concurrent("a statement of the user's sets facts aside; the same input again changes nothing", async () => {
    const odd = {
      kind: 'sql',
      sql: 'SELECT fact_row FROM fact_rates WHERE negotiated_rate >= 108',
      on_violation: 'quarantine',
      max_share: 1,
    }
    await using home = await homeWith(goodFacts(), { odd })
    const first = await home.start().result()
    expect(first).toMatchObject({ status: 'published', quarantined: 2, rows: 12 })
    expect(await quarantined(home, first.runId)).toEqual([['odd', 2]])
    expect((await home.start().result()).status).toBe('unchanged')
  })
})
