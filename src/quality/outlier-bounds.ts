/**
 * Usual rates of each code: the median of its dollar rates, and the median absolute deviation from it (MAD) times a
 * factor to either side. Percentages never count, nor do rates that are not above 0.
 */
import { type Engine, readParquet } from '../engine/engine.js'
import type { ActiveRule } from './active-rule.js'

/** Local paths of what the bounds are computed from. */
export interface BoundsPaths {
  readonly facts: string
  readonly attrs: string
}

/** A median holds all its values at once: this many facts, 16 bytes each, are looked at together. */
const FACTS_AT_ONCE = 2_000_000

/**
 * Makes the table `bounds_<rule>` (code_id, low, high). A code has no row when it has too few facts, or when more than
 * half of its rates are equal: then the MAD is 0, and any other rate would be an outlier.
 */
export async function computeBounds(
  engine: Engine,
  { facts, attrs }: BoundsPaths,
  rules: readonly ActiveRule<'outliers'>[],
): Promise<void> {
  if (rules.length === 0) return
  const dollars = `SELECT attr_id FROM ${readParquet([attrs])} WHERE lower(negotiated_type) <> 'percentage'`
  await engine.run(`CREATE TEMP TABLE code_facts AS
    SELECT code_id, count(*) AS n FROM ${readParquet([facts])} GROUP BY code_id`)
  const ranges = await engine.rows(`SELECT min(code_id) AS first, max(code_id) AS last FROM (
      SELECT code_id, (sum(n) OVER (ORDER BY code_id) - n) // ${FACTS_AT_ONCE} AS bucket FROM code_facts)
    GROUP BY bucket ORDER BY first`)
  await engine.run('DROP TABLE code_facts')
  await engine.run('CREATE TEMP TABLE code_medians (code_id INTEGER, n BIGINT, median DOUBLE, mad DOUBLE)')
  for (const { first, last } of ranges) {
    await engine.run(`CREATE TEMP TABLE rates AS
      SELECT code_id, negotiated_rate AS rate FROM ${readParquet([facts])}
      WHERE code_id BETWEEN ${first} AND ${last} AND negotiated_rate > 0 AND isfinite(negotiated_rate) AND attr_id IN (${dollars})`)
    await engine.run(`INSERT INTO code_medians
      WITH medians AS (SELECT code_id, median(rate) AS median, count(*) AS n FROM rates GROUP BY code_id)
      SELECT code_id, any_value(m.n), any_value(m.median), median(abs(r.rate - m.median))
      FROM rates r JOIN medians m USING (code_id) GROUP BY code_id`)
    await engine.run('DROP TABLE rates')
  }
  for (const { name, options } of rules) {
    await engine.run(`CREATE TEMP TABLE bounds_${name} AS
      SELECT code_id, median - ${options.deviations} * mad AS low, median + ${options.deviations} * mad AS high
      FROM code_medians WHERE mad > 0 AND n >= ${options.min_facts}`)
  }
  await engine.run('DROP TABLE code_medians')
}
