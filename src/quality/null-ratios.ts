/** How many rows hold no value, column by column. An empty text counts as no value. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { DICTIONARY, type DictionaryColumn } from '../star/dictionary.js'
import type { StagedPaths } from '../star/staged-files.js'
import { type ActiveRule, resultOf } from './active-rule.js'
import type { RuleResult } from './quality-record.js'
import { type RowTotals, writtenFacts } from './row-weights.js'
import { unusableRule } from './rule-columns.js'

/** Words that stand for many columns. */
const PARTITION = 'partition'
const OUTPUT = 'output'

/** @throws ConfigError ETL3-CF-13 when a rule names a column that does not exist */
export function requireNullRatioColumns(rules: readonly ActiveRule<'null_ratio'>[]): void {
  for (const { name, options } of rules) {
    const unknown = options.columns.find(
      (c) => c !== PARTITION && c !== OUTPUT && !DICTIONARY.some((d) => d.name === c),
    )
    if (unknown !== undefined) {
      throw unusableRule(
        name,
        `there is no column ${JSON.stringify(unknown)}`,
        `Columns: ${PARTITION}, ${OUTPUT}, ${DICTIONARY.map((c) => c.name).join(', ')}.`,
      )
    }
  }
}

/**
 * The columns of each rule. `partition` and `output` stand for those that no other rule names, and what `partition`
 * has taken is not taken again by `output`.
 */
export function columnsOfRules(
  rules: readonly ActiveRule<'null_ratio'>[],
  partitionColumns: readonly string[],
): { readonly rule: ActiveRule<'null_ratio'>; readonly column: DictionaryColumn }[] {
  const named = (word: string): boolean => rules.some((r) => r.options.columns.includes(word))
  const inPartition = named(PARTITION) ? partitionColumns.filter((c) => !named(c)) : []
  return rules.flatMap((rule) => {
    const { columns } = rule.options
    const wanted = (name: string): boolean =>
      columns.includes(name) ||
      (columns.includes(PARTITION) && inPartition.includes(name)) ||
      (columns.includes(OUTPUT) && !named(name) && !inPartition.includes(name))
    return DICTIONARY.filter((c) => wanted(c.name)).map((column) => ({ rule, column }))
  })
}

/** Applies the rules. The tables of `weighRows` must stand. */
export async function checkNullRatios(
  engine: Engine,
  paths: StagedPaths,
  totals: RowTotals,
  rules: readonly ActiveRule<'null_ratio'>[],
  partitionColumns: readonly string[],
): Promise<RuleResult[]> {
  const wanted = columnsOfRules(rules, partitionColumns)
  const unknown = await countUnknown(
    engine,
    paths,
    totals,
    wanted.map((w) => w.column),
  )
  return wanted.map(({ rule, column }) =>
    resultOf(rule, {
      subject: column.name,
      meaning: `${column.name} is known`,
      unit: 'rows',
      checked: totals.rows,
      failed: unknown.get(column.name) ?? 0,
      examples: [],
    }),
  )
}

async function countUnknown(
  engine: Engine,
  paths: StagedPaths,
  totals: RowTotals,
  wanted: readonly DictionaryColumn[],
): Promise<ReadonlyMap<string, number>> {
  const unknown = new Map<string, number>([
    ['negotiated_rate', totals.rowsWithoutRate],
    ['fact_uid', totals.rowsWithoutUid],
  ])
  const on = (...axes: readonly DictionaryColumn['axis'][]): DictionaryColumn[] => [
    ...new Set(wanted.filter((c) => axes.includes(c.axis))),
  ]
  const files = { attr: paths.attrs, code: paths.codes, group: paths.groups, npi: paths.npis } as const
  for (const axis of ['attr', 'code', 'group', 'npi'] as const) {
    const columns = on(axis)
    if (columns.length === 0) continue
    const counts = columns.map(
      (c) => `coalesce(sum(w.rows) FILTER (${noValue('x', c)}), 0)::BIGINT AS ${sqlIdentifier(c.name)}`,
    )
    const row = await engine.row(`SELECT ${counts.join(', ')}
      FROM ${readParquet([files[axis]])} x JOIN weights_${axis} w ON w.${axis}_id = x.${axis}_id`)
    const without = axis === 'npi' ? totals.rowsWithoutNpi : 0
    for (const { name } of columns) unknown.set(name, Number(row[name]) + without)
  }
  const medicare = on('benchmark', 'ratio', 'above')
  if (medicare.length > 0) {
    const row = await medicareCounts(engine, paths, medicare)
    for (const { name } of medicare) unknown.set(name, Number(row[name] ?? 0))
  }
  return unknown
}

function noValue(alias: string, { name, type }: DictionaryColumn): string {
  const value = `${alias}.${sqlIdentifier(name)}`
  return type === 'string' ? `coalesce(${value}, '') = ''` : `${value} IS NULL`
}

/** The Medicare row depends on the fact's year and code and on the provider's state, else the market's. */
async function medicareCounts(
  engine: Engine,
  paths: StagedPaths,
  columns: readonly DictionaryColumn[],
): Promise<Record<string, unknown>> {
  const unknown = columns.map((c) => {
    const condition =
      c.axis === 'benchmark'
        ? noValue('b', c)
        : 'NOT (r.is_dollar AND coalesce(b.medicare_state_rate > 0 AND NOT isnan(b.medicare_state_rate), false))'
    return `coalesce(sum(r.rows) FILTER (${condition}), 0)::BIGINT AS ${sqlIdentifier(c.name)}`
  })
  return await engine.row(`WITH classes AS (
      SELECT attr_id, dense_rank() OVER (ORDER BY year, benchmark_state, is_dollar)::INTEGER AS class,
        year, benchmark_state, is_dollar FROM ${readParquet([paths.attrs])}),
    places AS (
      SELECT m.group_id, n.benchmark_state AS state, count(*) AS members
      FROM ${readParquet([paths.members])} m LEFT JOIN ${readParquet([paths.npis])} n ON n.npi_id = m.npi_id GROUP BY ALL),
    rows_of AS (
      SELECT a.class, f.code_id, p.state, sum(p.members) AS rows
      FROM ${writtenFacts(paths)} f JOIN classes a ON a.attr_id = f.attr_id JOIN places p ON p.group_id = f.group_id GROUP BY ALL),
    r AS (
      SELECT c.year::INTEGER AS year, c.is_dollar, o.code_id, coalesce(o.state, c.benchmark_state) AS state, o.rows
      FROM rows_of o JOIN (SELECT DISTINCT class, year, benchmark_state, is_dollar FROM classes) c ON c.class = o.class),
    b AS (
      SELECT k.year, k.code_id, s.state, m.* FROM ${readParquet([paths.benchmark_keys])} k
      JOIN ${readParquet([paths.states])} s ON s.state_id = k.state_id
      JOIN ${readParquet([paths.benchmarks])} m ON m.bench_id = k.bench_id)
    SELECT ${unknown.join(', ')} FROM r LEFT JOIN b ON b.year = r.year AND b.code_id = r.code_id AND b.state = r.state`)
}
