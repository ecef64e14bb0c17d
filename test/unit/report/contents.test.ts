import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { writeDemoStar } from '../../../src/demo/write-star.js'
import { type Cell, Engine } from '../../../src/engine/engine.js'
import { takeContents } from '../../../src/report/contents.js'
import type { Contents } from '../../../src/report/run-report.js'
import { pathsIn, runInProcess } from '../../pipeline/run-in-process.js'

/** Asks the files of the table, as somebody would who does not know how they came about. */
let table: (sql: string) => Promise<Record<string, Cell>[]>
let contents: Contents

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'etl3-contents-'))
  const star = join(root, 'star')
  await writeDemoStar({ out: star, facts: 3_000, seed: 7 })
  const out = join(root, 'table')
  await runInProcess({ star, partitionColumns: ['payer_slug', 'procedure_set'], out, scratch: root })
  const engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: root })
  contents = await takeContents(engine, pathsIn(join(root, 'staged')))
  await engine.run(
    `CREATE VIEW enriched AS SELECT * FROM read_parquet('${out}/**/*.parquet', hive_partitioning = false)`,
  )
  table = async (sql) => await engine.rows(sql)
  return () => engine.close()
}, 120_000)

const DOLLARS = "negotiated_type IS NOT NULL AND lower(negotiated_type) <> 'percentage'"

describe('what a report says of the contents is what the table holds', () => {
  it.each([
    ['byPayer', 'payer_slug'],
    ['byState', 'state'],
    ['byCategory', 'procedure_set'],
  ] as const)('%s: rows and facts of every value', async (name, column) => {
    const due = await table(
      `SELECT nullif(${column}, '') AS value, count(*)::INTEGER AS rows, count(DISTINCT fact_uid)::INTEGER AS facts
       FROM enriched GROUP BY 1 ORDER BY rows DESC, value NULLS FIRST`,
    )
    expect(due.length).toBeGreaterThan(2)
    const { entries, others } = contents[name]
    const hasFacts = name !== 'byState'
    expect(entries).toEqual(due.map((row) => (hasFacts ? row : { ...row, facts: null })))
    expect(others).toEqual({ values: 0, rows: 0 })
  })

  it.each([
    ['dollars', DOLLARS],
    ['percentages', "lower(negotiated_type) = 'percentage'"],
    ['unknown', 'negotiated_type IS NULL'],
  ] as const)('rates in %s: rows, range, mean and quantiles, of this kind alone', async (kind, condition) => {
    const [due] =
      await table(`SELECT count(*)::INTEGER AS rows, min(negotiated_rate) AS lowest, max(negotiated_rate) AS highest,
      avg(negotiated_rate) AS mean, quantile_disc(negotiated_rate, 0.1) AS p10, quantile_disc(negotiated_rate, 0.5) AS p50,
      quantile_disc(negotiated_rate, 0.9) AS p90 FROM enriched WHERE ${condition}`)
    const { rows, figures, bins, offScale } = contents.rates[kind]
    expect(rows).toBeGreaterThan(0)
    const { mean, ...exact } = figures ?? { mean: 0 }
    const { mean: dueMean, ...dueExact } = due ?? {}
    expect({ rows, ...exact }).toEqual(dueExact)
    expect(mean).toBeCloseTo(Number(dueMean), 6)
    expect(offScale).toBe(0)
    for (const bin of bins) {
      const [found] = await table(
        `SELECT count(*)::INTEGER AS n FROM enriched WHERE ${condition} AND negotiated_rate >= ${bin.from} AND negotiated_rate < ${bin.to}`,
      )
      expect(bin).toMatchObject({ rows: found?.['n'] })
    }
    expect(bins.reduce((sum, b) => sum + b.rows, 0)).toBe(rows)
  })

  it('rates against Medicare: as the column rate_to_medicare_ratio has them', async () => {
    const [due] = await table(`SELECT count(rate_to_medicare_ratio)::INTEGER AS rows,
      count(*) FILTER (is_above_medicare)::INTEGER AS above, quantile_disc(rate_to_medicare_ratio, 0.1) AS p10,
      quantile_disc(rate_to_medicare_ratio, 0.5) AS p50, quantile_disc(rate_to_medicare_ratio, 0.9) AS p90 FROM enriched`)
    const { rows, above, ratios, bins } = contents.medicare
    expect({ rows, above }).toEqual({ rows: due?.['rows'], above: due?.['above'] })
    expect(rows).toBeGreaterThan(100)
    for (const name of ['p10', 'p50', 'p90'] as const) {
      expect(Math.abs((ratios?.[name] ?? 0) / Number(due?.[name]) - 1)).toBeLessThan(0.001)
    }
    for (const bin of bins) {
      const [found] = await table(
        `SELECT count(*)::INTEGER AS n FROM enriched WHERE rate_to_medicare_ratio >= ${bin.from} AND rate_to_medicare_ratio < ${bin.to}`,
      )
      expect(bin).toMatchObject({ rows: found?.['n'] })
    }
  })
})
