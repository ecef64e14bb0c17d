/** The screen: the rules on single facts, and the facts that they set aside before the plan is made. */
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import type { ActiveRule } from './active-rule.js'
import { MOST_EXAMPLES, resultOf } from './active-rule.js'
import { type Condition, SHOWN_FACT } from './entry-check.js'
import { computeBounds } from './outlier-bounds.js'
import type { RuleResult } from './quality-record.js'
import { inOrder } from './rule-order.js'
import { type EntryRule, listedFacts, REPEATED, type RuleSet } from './rule-set.js'
import { sourceColumns, takeRuleSources } from './rule-sources.js'
import { type StatementFindings, statementResult } from './run-statements.js'

/** Local paths of the staged files that the screen reads, and what the facts were staged from. */
export interface ScreenPaths {
  /** Paths or addresses of the input files of the facts, in their order. */
  readonly factFiles: readonly string[]
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

/**
 * Applies the rules on facts: one scan counts, and a second one, where there is anything to set aside, collects it.
 * Leaves `quarantined.parquet` (the staged rows that are set aside) and `quarantine.parquet` (those facts in full, with
 * the rule's name) in `folder`.
 *
 * @param statements what the statements of the rules of kind `sql` returned (`runStatements`)
 */
export async function screenFacts(
  engine: Engine,
  paths: ScreenPaths,
  rules: RuleSet,
  statements: ReadonlyMap<ActiveRule, StatementFindings>,
  folder: string,
): Promise<ScreenFindings> {
  await listStatements(engine, rules, statements)
  if (rules.unique) await listRepeated(engine, paths)
  await computeBounds(engine, paths, rules.outliers)
  const scan = await prepareScan(engine, paths, rules)
  const counts = await countBroken(engine, scan, rules.facts)
  await claim(engine, scan, rules.facts, counts)
  const claimed = await claimedByRule(engine)
  const examples = await examplesByRule(engine, paths, rules.facts, counts)
  const judged = rules.facts.map(({ rule, check }, i) => {
    const { checked, failed } = counts.rules[i] ?? NOTHING
    return resultOf(rule, {
      ...(check.subject === undefined ? {} : { subject: check.subject }),
      meaning: check.meaning,
      unit: 'facts',
      checked,
      failed,
      quarantined: claimed.get(i) ?? 0,
      examples: examples.get(i) ?? [],
    })
  })
  const told = [...judged.keys()].filter((i) => isTold(judged[i]))
  const sources = await takeRuleSources(engine, scan, told, paths.factFiles)
  const results = judged.map((result, i): RuleResult => {
    const found = sources.get(i)
    return found ? { ...result, sources: found } : result
  })
  for (const rule of rules.sql) {
    const found = statements.get(rule)
    if (found && rule.options.on_violation !== 'quarantine') results.push(statementResult(rule, counts.facts, found))
  }
  await writeQuarantine(engine, paths, rules.facts, folder)
  const quarantined = [...claimed.values()].reduce((sum, n) => sum + n, 0)
  return { facts: counts.facts, quarantined, rules: inOrder(results, rules.order) }
}

/** Whether a reader has to know what broke the rule. */
function isTold(result: RuleResult | undefined): boolean {
  return result?.outcome === 'warned' || result?.outcome === 'failed' || (result?.quarantined ?? 0) > 0
}

/** The facts that statements returned, as tables that the scan can ask. */
async function listStatements(
  engine: Engine,
  { sql }: RuleSet,
  statements: ReadonlyMap<ActiveRule, StatementFindings>,
): Promise<void> {
  for (const rule of sql) {
    if (rule.options.on_violation !== 'quarantine') continue
    await engine.run(`CREATE TABLE ${listedFacts(rule)} (fact_row INTEGER)`)
    await engine.append(listedFacts(rule), oneColumn(statements.get(rule)?.factRows ?? []))
  }
}

function* oneColumn(values: Iterable<number>): Generator<[number]> {
  for (const value of values) yield [value]
}

interface Broken {
  readonly checked: number
  readonly failed: number
  /** The first of them, by `fact_row`. */
  readonly rows: readonly number[]
}

const NOTHING: Broken = { checked: 0, failed: 0, rows: [] }

interface ScanCounts {
  readonly facts: number
  readonly rules: readonly Broken[]
}

/** Distinct hashes prove distinct texts; only where hashes are equal, the texts are looked at. */
async function listRepeated(engine: Engine, { facts }: ScreenPaths): Promise<void> {
  const source = readParquet([facts])
  await engine.run(`CREATE TEMP TABLE ${REPEATED} (fact_row INTEGER)`)
  const known = 'uid_bytes > 0'
  const total = await engine.count(`SELECT count(*) FROM ${source} WHERE ${known}`)
  const hashes = await engine.count(`SELECT count(*) FROM (SELECT DISTINCT uid_hash FROM ${source} WHERE ${known})`)
  if (hashes === total) return
  await engine.run(`INSERT INTO ${REPEATED}
    WITH suspects AS (
      SELECT fact_row, fact_uid FROM ${source}
      WHERE ${known} AND uid_hash IN (SELECT uid_hash FROM ${source} WHERE ${known} GROUP BY uid_hash HAVING count(*) > 1))
    SELECT fact_row FROM suspects
    WHERE fact_uid IN (SELECT fact_uid FROM suspects GROUP BY fact_uid HAVING count(*) > 1)`)
}

/**
 * Evaluates each condition once per entry of its axis, so that a regular expression runs once per distinct value and not
 * once per fact, and answers the scan that puts them together.
 */
async function prepareScan(engine: Engine, paths: ScreenPaths, { facts: rules, outliers }: RuleSet): Promise<string> {
  await engine.run(`CREATE TEMP VIEW seen_attrs AS SELECT * FROM ${readParquet([paths.attrs])}`)
  await engine.run(`CREATE TEMP VIEW seen_codes AS
    SELECT c.* ${outliers.map(({ name }) => `, bounds_${name}.low AS low_${name}, bounds_${name}.high AS high_${name}`).join('')}
    FROM ${readParquet([paths.codes])} c
    ${outliers.map(({ name }) => `LEFT JOIN bounds_${name} ON bounds_${name}.code_id = c.code_id`).join(' ')}`)
  await engine.run(`CREATE TEMP VIEW seen_groups AS SELECT * FROM ${readParquet([paths.groups])}`)

  const columns = {
    attr: ['is_dollar', 'is_percentage', 'key_payer_slug'],
    code: [] as string[],
    group: [] as string[],
  }
  for (const { name } of outliers) columns.code.push(`low_${name}`, `high_${name}`)
  const conditions = rules.flatMap(({ check }, i) => [
    ...check.applies.map((condition, k) => ({ condition, name: `applies_${i}_${k}` })),
    ...check.broken.map((condition, k) => ({ condition, name: `broken_${i}_${k}` })),
  ])
  for (const [axis, alias] of [
    ['attr', 'a'],
    ['code', 'c'],
    ['group', 'g'],
  ] as const) {
    const own = conditions.filter(({ condition }) => condition.axis === axis)
    const flags = own.map(({ condition, name }) => `, coalesce((${condition.sql}), false) AS ${name}`)
    await engine.run(`CREATE TEMP TABLE flags_${axis} AS
      SELECT ${[`${axis}_id`, ...columns[axis]].map((c) => `${alias}.${c}`).join(', ')} ${flags.join('')} FROM seen_${axis}s ${alias}`)
  }
  const term = (condition: Condition, name: string): string =>
    condition.axis === 'fact' ? `coalesce((${condition.sql}), false)` : name
  const verdicts = rules.map(({ check }, i) => {
    const applies = check.applies.map((c, k) => term(c, `applies_${i}_${k}`))
    const broken = check.broken.map((c, k) => term(c, `broken_${i}_${k}`))
    return `${['true', ...applies].join(' AND ')} AS applies_${i}, (${broken.join(' OR ')}) AS broken_${i}`
  })
  return `SELECT f.fact_row, ${await sourceColumns(engine, paths)} ${verdicts.map((v) => `, ${v}`).join('')}
    FROM ${readParquet([paths.facts])} f JOIN flags_attr a ON a.attr_id = f.attr_id
    JOIN flags_code c ON c.code_id = f.code_id JOIN flags_group g ON g.group_id = f.group_id`
}

async function countBroken(engine: Engine, scan: string, rules: readonly EntryRule[]): Promise<ScanCounts> {
  const counts = rules.map((_, i) => {
    const broken = `FILTER (applies_${i} AND broken_${i})`
    return `, count(*) FILTER (applies_${i})::BIGINT AS checked_${i}, count(*) ${broken}::BIGINT AS failed_${i},
      array_to_string(min(fact_row, ${MOST_EXAMPLES}) ${broken}, ',') AS rows_${i}`
  })
  const row = await engine.row(`SELECT count(*)::BIGINT AS facts ${counts.join('')} FROM (${scan})`)
  return {
    facts: Number(row['facts']),
    rules: rules.map((_, i) => ({
      checked: Number(row[`checked_${i}`]),
      failed: Number(row[`failed_${i}`]),
      rows: String(row[`rows_${i}`] ?? '')
        .split(',')
        .filter((text) => text !== '')
        .map(Number),
    })),
  }
}

/** Leaves the table `claimed`: each fact that is set aside, with the first rule that does so. */
async function claim(
  engine: Engine,
  scan: string,
  rules: readonly EntryRule[],
  { rules: counts }: ScanCounts,
): Promise<void> {
  await engine.run('CREATE TEMP TABLE claimed (fact_row INTEGER, rule INTEGER)')
  const claiming = rules.flatMap(({ rule }, i) =>
    rule.options.on_violation === 'quarantine' && (counts[i]?.failed ?? 0) > 0 ? [i] : [],
  )
  if (claiming.length === 0) return
  const verdict = `CASE ${claiming.map((i) => `WHEN applies_${i} AND broken_${i} THEN ${i}`).join(' ')} END`
  await engine.run(
    `INSERT INTO claimed SELECT * FROM (SELECT fact_row, ${verdict} AS rule FROM (${scan})) WHERE rule IS NOT NULL`,
  )
}

async function claimedByRule(engine: Engine): Promise<Map<number, number>> {
  const rows = await engine.rows('SELECT rule, count(*)::BIGINT AS n FROM claimed GROUP BY rule')
  return new Map(rows.map(({ rule, n }) => [Number(rule), Number(n)]))
}

/** The first facts that break each rule, in one scan for all rules. */
async function examplesByRule(
  engine: Engine,
  { facts }: ScreenPaths,
  rules: readonly EntryRule[],
  { rules: counts }: ScanCounts,
): Promise<Map<number, string[]>> {
  const examples = new Map<number, string[]>()
  const wanted = counts.flatMap(({ rows }, i) => rows.map((row) => `(${row}, ${i})`))
  if (wanted.length === 0) return examples
  const broken = [...counts.keys()].filter((i) => (counts[i]?.failed ?? 0) > 0)
  const shown = `CASE e.rule ${broken.map((i) => `WHEN ${i} THEN ${rules[i]?.check.shown}`).join(' ')} END`
  const rows = await engine.rows(`SELECT e.rule, concat(${SHOWN_FACT}, ': ', ${shown}) AS text
    FROM ${factsInFull(facts)} JOIN (VALUES ${wanted.join(', ')}) e(fact_row, rule) ON e.fact_row = f.fact_row
    WHERE f.fact_row IN (${[...new Set(counts.flatMap((c) => c.rows))].join(', ')}) ORDER BY e.rule, f.fact_row`)
  for (const { rule, text } of rows) {
    examples.set(Number(rule), [...(examples.get(Number(rule)) ?? []), String(text)])
  }
  return examples
}

async function writeQuarantine(
  engine: Engine,
  { facts }: ScreenPaths,
  rules: readonly EntryRule[],
  folder: string,
): Promise<void> {
  await engine.run(
    `COPY (SELECT fact_row FROM claimed ORDER BY fact_row) TO ${sqlString(join(folder, 'quarantined.parquet'))} (FORMAT parquet)`,
  )
  const byRule = (text: (rule: EntryRule) => string): string =>
    rules.length === 0 ? "''" : `CASE b.rule ${rules.map((r, i) => `WHEN ${i} THEN ${text(r)}`).join(' ')} END`
  await engine.run(`COPY (
    SELECT ${byRule(({ rule }) => sqlString(rule.name))} AS rule, ${byRule(({ check }) => check.found)} AS found, f.fact_uid,
      a.key_payer_slug AS payer_slug, a.key_state AS state, a.key_year_month AS year_month,
      a.key_billing_class AS billing_class, c.key_code_type AS code_type, c.key_code AS code, g.key_pg_uid AS pg_uid,
      g.key_provider_group_id_raw AS provider_group_id_raw, a.key_pos_set_id AS pos_set_id, a.key_negotiated_type AS negotiated_type,
      a.key_negotiation_arrangement AS negotiation_arrangement, f.negotiated_rate, a.key_expiration_date AS expiration_date,
      a.key_reporting_entity_name AS reporting_entity_name
    FROM ${factsInFull(facts)} JOIN claimed b ON b.fact_row = f.fact_row
    ORDER BY b.fact_row) TO ${sqlString(join(folder, 'quarantine.parquet'))} (FORMAT parquet)`)
}

function factsInFull(facts: string): string {
  return `${readParquet([facts])} f JOIN seen_attrs a ON a.attr_id = f.attr_id
    JOIN seen_codes c ON c.code_id = f.code_id JOIN seen_groups g ON g.group_id = f.group_id`
}
