/** The screen: sets aside the facts that break a rule, before the plan is made (design §5). */
import { join } from 'node:path'
import { type Engine, readParquet } from '../runtime/engine.js'
import { sqlString } from '../runtime/sql.js'
import type { FactRule, RuleResult, Severity } from './rules.js'

/** Local paths of the staged files that the screen reads. */
export interface ScreenPaths {
  readonly facts: string
  readonly attrs: string
  readonly codes: string
  readonly groups: string
}

/** What the screen found. */
export interface ScreenFindings {
  readonly facts: number
  readonly quarantined: number
  readonly rules: readonly RuleResult[]
}

const MAX_EXAMPLES = 10

/**
 * Applies the rules in one scan. Leaves `quarantined.parquet` (the staged rows that are set aside) and
 * `facts.parquet` under `quarantine/` (those facts in full, with the rule's name) in `folder`.
 */
export async function screenFacts(
  engine: Engine,
  paths: ScreenPaths,
  rules: readonly FactRule[],
  uniqueUid: Severity,
  folder: string,
): Promise<ScreenFindings> {
  const verdict = `CASE ${rules.map((r, i) => `WHEN ${r.broken} THEN ${i}`).join(' ')} END`
  const found = `CASE ${rules.map((r) => `WHEN ${r.broken} THEN ${r.found}`).join(' ')} END`
  await engine.run(`CREATE TABLE broken AS
    SELECT f.fact_row, ${verdict} AS rule, ${found} AS found, f.fact_uid, f.negotiated_rate, f.attr_id, f.code_id, f.group_id
    FROM ${readParquet([paths.facts])} f
    JOIN ${readParquet([paths.attrs])} a ON a.attr_id = f.attr_id
    JOIN ${readParquet([paths.codes])} c ON c.code_id = f.code_id
    JOIN ${readParquet([paths.groups])} g ON g.group_id = f.group_id
    WHERE ${rules.map((r) => `(${r.broken})`).join(' OR ')}`)
  const facts = await engine.count(`SELECT count(*) FROM ${readParquet([paths.facts])}`)
  const results: RuleResult[] = []
  for (const [i, rule] of rules.entries()) {
    const failed = await engine.count(`SELECT count(*) FROM broken WHERE rule = ${i}`)
    const examples = await engine.column(
      `SELECT concat(coalesce(fact_uid, '(no fact_uid)'), ': ', found) FROM broken WHERE rule = ${i} ORDER BY fact_row LIMIT ${MAX_EXAMPLES}`,
    )
    results.push(resultOf(rule, facts, failed, examples.map(String)))
  }
  results.push(await uniqueness(engine, paths, facts, uniqueUid))
  await engine.run(
    `COPY (SELECT fact_row FROM broken ORDER BY fact_row) TO ${sqlString(join(folder, 'quarantined.parquet'))} (FORMAT parquet)`,
  )
  const names = `CASE b.rule ${rules.map((r, i) => `WHEN ${i} THEN ${sqlString(r.name)}`).join(' ')} END`
  await engine.run(`COPY (
    SELECT ${names} AS rule, b.found, b.fact_uid, a.key_payer_slug AS payer_slug, a.key_state AS state, a.key_year_month AS year_month,
      a.key_billing_class AS billing_class, c.key_code_type AS code_type, c.key_code AS code, g.key_pg_uid AS pg_uid,
      g.key_provider_group_id_raw AS provider_group_id_raw, a.key_pos_set_id AS pos_set_id, a.key_negotiated_type AS negotiated_type,
      a.key_negotiation_arrangement AS negotiation_arrangement, b.negotiated_rate, a.key_expiration_date AS expiration_date,
      a.key_reporting_entity_name AS reporting_entity_name
    FROM broken b JOIN ${readParquet([paths.attrs])} a ON a.attr_id = b.attr_id
    JOIN ${readParquet([paths.codes])} c ON c.code_id = b.code_id JOIN ${readParquet([paths.groups])} g ON g.group_id = b.group_id
    ORDER BY b.fact_row) TO ${sqlString(join(folder, 'quarantine.parquet'))} (FORMAT parquet)`)
  return { facts, quarantined: await engine.count('SELECT count(*) FROM broken'), rules: results }
}

function resultOf(rule: FactRule, checked: number, failed: number, examples: readonly string[]): RuleResult {
  const share = checked === 0 ? 0 : failed / checked
  const { name, severity, meaning, maxShare } = rule
  return { name, severity, meaning, checked, failed, share, maxShare, violated: share > maxShare, examples }
}

/** Counts fact_uids that occur more than once. Distinct hashes prove distinct texts; equal hashes are looked at. */
async function uniqueness(engine: Engine, paths: ScreenPaths, facts: number, severity: Severity): Promise<RuleResult> {
  const source = readParquet([paths.facts])
  const hashes = await engine.count(`SELECT count(*) FROM (SELECT DISTINCT uid_hash FROM ${source})`)
  let failed = 0
  let examples: unknown[] = []
  if (hashes < facts) {
    await engine.run(`CREATE TABLE repeated AS
      SELECT fact_uid, count(*) AS n FROM ${source}
      WHERE fact_uid IS NOT NULL AND uid_hash IN (SELECT uid_hash FROM ${source} GROUP BY uid_hash HAVING count(*) > 1)
      GROUP BY fact_uid HAVING count(*) > 1`)
    failed = await engine.count('SELECT coalesce(sum(n), 0)::BIGINT FROM repeated')
    examples = await engine.column(
      `SELECT concat(fact_uid, ': ', n, ' facts') FROM repeated ORDER BY fact_uid LIMIT ${MAX_EXAMPLES}`,
    )
  }
  return {
    name: 'unique_fact_uid',
    severity,
    meaning: 'no two facts have the same fact_uid',
    checked: facts,
    failed,
    share: facts === 0 ? 0 : failed / facts,
    maxShare: 0,
    violated: failed > 0,
    examples: examples.map(String),
  }
}
