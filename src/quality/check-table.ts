/** The rules that look at the whole: from the staged star and the plan, weighted by rows, before any row exists. */
import type { Engine } from '../engine/engine.js'
import { plannedPartitions } from '../partition-files/plan-file.js'
import type { StagedPaths } from '../star/staged-files.js'
import { type ActiveRule, MOST_EXAMPLES, resultOf } from './active-rule.js'
import { checkMarks } from './mark-check.js'
import { checkNullRatios } from './null-ratios.js'
import { checkProviders } from './provider-rules.js'
import type { QualityRecord, RuleResult } from './quality-record.js'
import { weighRows } from './row-weights.js'
import type { RuleSet } from './rule-set.js'
import { checkVocabularies } from './vocabulary-rules.js'

/** What validation counted of the keys of a dimension. */
export interface DimensionKeys {
  readonly name: string
  readonly rows: number
  readonly equalDuplicates: number
  readonly differingKeys: number
}

/** What the check works on. */
export interface TableCheck {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan. */
  readonly plan: string
  readonly rules: RuleSet
  readonly partitionColumns: readonly string[]
  /** Dimensions that have a key. */
  readonly dimensions: readonly DimensionKeys[]
  /** Figures of the run that the table shows now; undefined where there is none, or it left none. */
  readonly before: QualityRecord['figures'] | undefined
}

/** What the check found. */
export interface TableFindings {
  /** Facts that are written. */
  readonly facts: number
  readonly figures: QualityRecord['figures']
  readonly rules: readonly RuleResult[]
}

/** Applies the rules. */
export async function checkTable(input: TableCheck): Promise<TableFindings> {
  const { engine, paths, rules, partitionColumns } = input
  const totals = await weighRows(engine, paths)
  const partitions = await engine.count(`SELECT count(*) FROM ${plannedPartitions(input.plan, { columns: [] })}`)
  const figures = { rows: totals.rows, partitions, meanRate: totals.meanRate }
  return {
    facts: totals.facts,
    figures,
    rules: [
      ...(await checkProviders(engine, paths, rules.providers)),
      ...(await checkVocabularies(engine, paths, rules.vocabularies)),
      ...rules.dimensionKeys.flatMap((rule) => input.dimensions.map((d) => checkKeys(rule, d))),
      ...(await checkNullRatios(engine, paths, totals, rules.nullRatios, partitionColumns)),
      ...(await checkMarks(engine, paths, totals, rules.marks)),
      ...(await checkPartitionRows(input)),
      ...rules.volumes.flatMap((rule) => checkVolume(rule, figures, input.before)),
    ],
  }
}

function checkKeys(
  rule: ActiveRule<'unique'>,
  { name, rows, equalDuplicates, differingKeys }: DimensionKeys,
): RuleResult {
  return resultOf(rule, {
    subject: name,
    meaning: `no two rows of ${name} have the same key`,
    unit: 'keys',
    checked: rows,
    failed: equalDuplicates + differingKeys,
    examples: [
      ...(equalDuplicates > 0 ? [`${equalDuplicates} rows repeat another one: they count once`] : []),
      ...(differingKeys > 0 ? [`${differingKeys} keys have rows that differ: the first of each counts`] : []),
    ],
  })
}

async function checkPartitionRows({ engine, plan, rules }: TableCheck): Promise<RuleResult[]> {
  const results: RuleResult[] = []
  for (const rule of rules.partitionRows) {
    const { min_rows_per_partition: min, max_rows_per_partition: max } = rule.options
    const planned = plannedPartitions(plan, { columns: ['key', 'rows'] })
    const outside = `rows NOT BETWEEN ${min} AND ${max}`
    const examples = await engine.column(
      `SELECT concat(rows, ' rows in ', key) FROM ${planned} WHERE ${outside} ORDER BY rows < ${min}, rows DESC, key LIMIT ${MOST_EXAMPLES}`,
    )
    results.push(
      resultOf(rule, {
        meaning: `a partition has ${min} to ${max} rows`,
        unit: 'partitions',
        checked: await engine.count(`SELECT count(*) FROM ${planned}`),
        failed: await engine.count(`SELECT count(*) FROM ${planned} WHERE ${outside}`),
        examples: examples.map(String),
      }),
    )
  }
  return results
}

function checkVolume(
  rule: ActiveRule<'volume'>,
  now: QualityRecord['figures'],
  before: QualityRecord['figures'] | undefined,
): RuleResult[] {
  const figures = {
    rows: [before?.rows, now.rows],
    partitions: [before?.partitions, now.partitions],
    mean_rate: [before?.meanRate, now.meanRate],
  } as const
  return rule.options.measures.map((measure) => {
    const [then, current] = figures[measure]
    const meaning = `${measure} is about what it was in the last published run`
    const known = typeof then === 'number' && typeof current === 'number'
    const share = known ? changeOf(then, current) : 0
    return resultOf(rule, {
      subject: measure,
      meaning,
      unit: 'runs',
      checked: known ? 1 : 0,
      failed: share > rule.options.max_share ? 1 : 0,
      share,
      skipped: !known,
      examples: [known ? `${rounded(then)} before, ${rounded(current)} now` : 'there is nothing to compare with'],
    })
  })
}

function changeOf(before: number, now: number): number {
  if (before === now) return 0
  return before === 0 ? 1 : Math.abs(now - before) / Math.abs(before)
}

function rounded(figure: number): string {
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(2)
}
