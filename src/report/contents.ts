/**
 * What is in the table, from the factorised star: each fact counts as often as its group has members, so no enriched
 * row is made. Memory: one counter per attr, code, group and distinct rate, in the engine, which spills.
 */
import { type Engine, readParquet } from '../engine/engine.js'
import type { StagedPaths } from '../star/staged-files.js'
import { LogBins, SortedQuantiles, UnsortedQuantiles } from './rate-distribution.js'
import type { Breakdown, Contents, MedicareComparison, RateSummary } from './run-report.js'

/** Values of a breakdown that are told one by one, the largest first; the others are summed up. */
const MOST_VALUES = 200

const FACTS = 'kept_facts'

/** Counts rows by payer, state and category, and how rates are distributed. Facts that were set aside do not count. */
export async function takeContents(engine: Engine, paths: StagedPaths): Promise<Contents> {
  await countFacts(engine, paths)
  return {
    byPayer: await breakdown(
      engine,
      `SELECT nullif(a.payer_slug, '') AS value, sum(t.rows)::BIGINT AS rows, sum(t.facts)::BIGINT AS facts
       FROM tally t JOIN ${readParquet([paths.attrs])} a ON a.attr_id = t.attr_id GROUP BY 1`,
    ),
    byState: await breakdown(
      engine,
      `SELECT nullif(n.state, '') AS value, sum(t.facts)::BIGINT AS rows, NULL AS facts
       FROM tally t JOIN ${readParquet([paths.members])} m ON m.group_id = t.group_id
       LEFT JOIN ${readParquet([paths.npis])} n ON n.npi_id = m.npi_id GROUP BY 1`,
    ),
    byCategory: await breakdown(
      engine,
      `SELECT nullif(c.procedure_set, '') AS value, sum(t.rows)::BIGINT AS rows, sum(t.facts)::BIGINT AS facts
       FROM tally t JOIN ${readParquet([paths.codes])} c ON c.code_id = t.code_id GROUP BY 1`,
    ),
    rates: await rates(engine, paths),
    medicare: await medicare(engine, paths),
  }
}

/** Members of each group (`weights`), and in one scan the facts and rows of each attr, code and group (`tally`). */
async function countFacts(engine: Engine, paths: StagedPaths): Promise<void> {
  await engine.run(`CREATE TEMP TABLE weights AS
    SELECT group_id, count(*)::INTEGER AS n FROM ${readParquet([paths.members])} GROUP BY group_id`)
  await engine.run(`CREATE TEMP VIEW ${FACTS} AS
    SELECT * FROM ${readParquet([paths.facts])} WHERE fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})`)
  await engine.run(`CREATE TEMP TABLE tally AS
    SELECT f.attr_id, f.code_id, f.group_id, count(*) AS facts, sum(w.n)::BIGINT AS rows
    FROM ${FACTS} f JOIN weights w ON w.group_id = f.group_id
    GROUP BY GROUPING SETS ((f.attr_id), (f.code_id), (f.group_id))`)
}

/** @param sql value, rows and facts; facts is NULL where a fact can belong to several values */
async function breakdown(engine: Engine, sql: string): Promise<Breakdown> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE parts AS ${sql}`)
  const top = await engine.rows(`SELECT * FROM parts ORDER BY rows DESC, value NULLS FIRST LIMIT ${MOST_VALUES}`)
  const all = await engine.row('SELECT count(*) AS n, coalesce(sum(rows), 0)::BIGINT AS rows FROM parts')
  const entries = top.map(({ value, rows, facts }) => ({
    value: value === null || value === undefined ? null : String(value),
    rows: Number(rows),
    facts: facts === null || facts === undefined ? null : Number(facts),
  }))
  return {
    entries,
    others: {
      values: Number(all['n']) - entries.length,
      rows: Number(all['rows']) - entries.reduce((sum, e) => sum + e.rows, 0),
    },
  }
}

/** What negotiated_rate means, by negotiated_type: 0 dollars, 1 percentages, 2 unknown. The kinds are never mixed. */
async function rates(engine: Engine, paths: StagedPaths): Promise<Contents['rates']> {
  await engine.run(`CREATE TEMP TABLE distinct_rates AS
    SELECT CASE WHEN a.negotiated_type IS NULL THEN 2 WHEN lower(a.negotiated_type) = 'percentage' THEN 1 ELSE 0 END AS kind,
      f.negotiated_rate AS rate, sum(w.n)::BIGINT AS rows, count(*) AS facts
    FROM ${FACTS} f JOIN weights w ON w.group_id = f.group_id JOIN ${readParquet([paths.attrs])} a ON a.attr_id = f.attr_id
    GROUP BY ALL`)
  // One after the other: a connection streams one result at a time.
  const dollars = await rateSummary(engine, 0)
  const percentages = await rateSummary(engine, 1)
  return { dollars, percentages, unknown: await rateSummary(engine, 2) }
}

/** A rate that has no place on a scale: missing, not a number, infinite, zero or below. */
const ON_SCALE = 'coalesce(isfinite(rate) AND rate > 0, false)'

async function rateSummary(engine: Engine, kind: number): Promise<RateSummary> {
  const of = `FROM distinct_rates WHERE kind = ${kind}`
  const all = await engine.row(`SELECT coalesce(sum(rows), 0)::BIGINT AS rows, coalesce(sum(facts), 0)::BIGINT AS facts,
    coalesce(sum(rows) FILTER (${ON_SCALE}), 0)::BIGINT AS on_scale ${of}`)
  const onScale = Number(all['on_scale'])
  const quantiles = new SortedQuantiles(onScale)
  const bins = new LogBins()
  let lowest = Number.NaN
  let highest = Number.NaN
  let sum = 0
  for await (const chunk of engine.chunks(`SELECT rate, rows::DOUBLE ${of} AND ${ON_SCALE} ORDER BY rate`)) {
    const values = chunk.float64(0)
    const rows = chunk.float64(1)
    for (let i = 0; i < chunk.rows; i++) {
      const value = values[i]!
      if (Number.isNaN(lowest)) lowest = value
      highest = value
      sum += value * rows[i]!
      quantiles.add(value, rows[i]!)
      bins.add(value, rows[i]!)
    }
  }
  const rows = Number(all['rows'])
  return {
    rows,
    facts: Number(all['facts']),
    offScale: rows - onScale,
    figures: onScale === 0 ? null : { lowest, highest, mean: sum / onScale, ...quantiles.quantiles() },
    bins: bins.bins(),
  }
}

/** Dollar rates as multiples of the Medicare rate of the row's state, by the rule of the column rate_to_medicare_ratio. */
async function medicare(engine: Engine, paths: StagedPaths): Promise<MedicareComparison> {
  const nothing = -1
  await engine.run(`CREATE TEMP TABLE markets AS
    SELECT a.attr_id, a.year::INTEGER AS year, coalesce(s.state_id, ${nothing}) AS market_id
    FROM ${readParquet([paths.attrs])} a LEFT JOIN ${readParquet([paths.states])} s ON s.state = a.market_state
    WHERE a.negotiated_type IS NOT NULL AND lower(a.negotiated_type) <> 'percentage'`)
  // NULL: the provider's state is unknown, and the fact's market decides.
  await engine.run(`CREATE TEMP TABLE weights_by_state AS
    SELECT m.group_id, CASE WHEN nullif(n.state, '') IS NOT NULL THEN coalesce(s.state_id, ${nothing}) END AS state_id, count(*)::INTEGER AS n
    FROM ${readParquet([paths.members])} m LEFT JOIN ${readParquet([paths.npis])} n ON n.npi_id = m.npi_id
    LEFT JOIN ${readParquet([paths.states])} s ON s.state = n.state GROUP BY ALL`)
  await engine.run(`CREATE TEMP TABLE medicare_rates AS
    SELECT k.year, k.code_id, k.state_id, b.medicare_state_rate AS medicare
    FROM ${readParquet([paths.benchmark_keys])} k JOIN ${readParquet([paths.benchmarks])} b ON b.bench_id = k.bench_id
    WHERE b.medicare_state_rate > 0 AND NOT isnan(b.medicare_state_rate)`)
  const bins = new LogBins()
  const quantiles = new UnsortedQuantiles()
  let rows = 0
  let above = 0
  for await (const chunk of engine.chunks(
    `SELECT f.negotiated_rate / r.medicare, w.n, f.negotiated_rate > r.medicare
     FROM ${FACTS} f JOIN markets a ON a.attr_id = f.attr_id JOIN weights_by_state w ON w.group_id = f.group_id
     JOIN medicare_rates r ON r.year = a.year AND r.code_id = f.code_id AND r.state_id = coalesce(w.state_id, a.market_id)
     WHERE isfinite(f.negotiated_rate) AND f.negotiated_rate > 0`,
  )) {
    const ratios = chunk.float64(0)
    const weights = chunk.int32(1)
    const isAbove = chunk.uint8(2)
    for (let i = 0; i < chunk.rows; i++) {
      const weight = weights[i]!
      bins.add(ratios[i]!, weight)
      quantiles.add(ratios[i]!, weight)
      rows += weight
      if (isAbove[i] === 1) above += weight
    }
  }
  return { rows, above, ratios: rows === 0 ? null : quantiles.quantiles(), bins: bins.bins() }
}
