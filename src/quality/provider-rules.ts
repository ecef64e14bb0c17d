/** The rules on providers: one scan over them, each weighted by the rows of the table that it has. */
import { type Engine, readParquet } from '../engine/engine.js'
import type { StagedPaths } from '../star/staged-files.js'
import { MOST_EXAMPLES, resultOf } from './active-rule.js'
import { maskedSql } from './mask.js'
import type { RuleResult } from './quality-record.js'
import type { EntryRule } from './rule-set.js'

/** Applies the rules. The table `weights_npi` must stand. */
export async function checkProviders(
  engine: Engine,
  paths: StagedPaths,
  rules: readonly EntryRule[],
): Promise<RuleResult[]> {
  if (rules.length === 0) return []
  const verdicts = rules.map(({ check }, i) => {
    const all = (conditions: readonly { sql: string }[]): string[] =>
      conditions.map((c) => `coalesce((${c.sql}), false)`)
    return `, ${['true', ...all(check.applies)].join(' AND ')} AS applies_${i}, (${all(check.broken).join(' OR ')}) AS broken_${i}`
  })
  await engine.run(`CREATE TEMP TABLE judged_npis AS SELECT n.npi_id, w.rows ${verdicts.join('')}
    FROM ${readParquet([paths.npis])} n JOIN weights_npi w ON w.npi_id = n.npi_id`)
  const counts = await engine.row(
    `SELECT 0 AS nothing ${rules
      .map(
        (_, i) =>
          `, coalesce(sum(rows) FILTER (applies_${i}), 0)::BIGINT AS checked_${i}, coalesce(sum(rows) FILTER (applies_${i} AND broken_${i}), 0)::BIGINT AS failed_${i}`,
      )
      .join('')} FROM judged_npis`,
  )
  const results: RuleResult[] = []
  for (const [i, { rule, check }] of rules.entries()) {
    const failed = Number(counts[`failed_${i}`])
    // Equal findings count together: a thousand providers in one odd state are one example.
    const examples =
      failed === 0
        ? []
        : await engine.column(`SELECT concat(shown, ' (', CASE WHEN count(*) = 1 THEN min(provider) ELSE concat(count(*), ' providers') END, ', ', sum(rows), ' rows)')
            FROM (SELECT ${check.shown} AS shown, concat('NPI ', ${maskedSql('n.npi')}) AS provider, j.rows, j.npi_id
              FROM ${readParquet([paths.npis])} n JOIN judged_npis j ON j.npi_id = n.npi_id WHERE applies_${i} AND broken_${i})
            GROUP BY shown ORDER BY sum(rows) DESC, shown LIMIT ${MOST_EXAMPLES}`)
    results.push(
      resultOf(rule, {
        ...(check.subject === undefined ? {} : { subject: check.subject }),
        meaning: check.meaning,
        unit: 'rows',
        checked: Number(counts[`checked_${i}`]),
        failed,
        examples: examples.map(String),
      }),
    )
  }
  await engine.run('DROP TABLE judged_npis')
  return results
}
