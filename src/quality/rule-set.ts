/** The configured rules that are on, by what they look at. */
import type { ConfiguredRule } from '../config/quality-rules.js'
import type { Config } from '../config/schema.js'
import type { ActiveRule, RuleKind } from './active-rule.js'
import {
  allowedCheck,
  coordinatesCheck,
  type EntryCheck,
  freshnessCheck,
  listedCheck,
  outlierCheck,
  patternCheck,
  rangeCheck,
  referenceCheck,
  requiredCheck,
  zeroCheck,
} from './entry-check.js'
import { requireMarkColumns } from './mark-check.js'
import { type MonthRange, monthsAround } from './months.js'
import { requireNullRatioColumns } from './null-ratios.js'
import { unusableRule } from './rule-columns.js'

/** A rule on single facts or on single providers. */
export interface EntryRule {
  readonly rule: ActiveRule
  readonly check: EntryCheck
}

/** All rules that are on. */
export interface RuleSet {
  /** On single facts, in the order in which they claim one. */
  readonly facts: readonly EntryRule[]
  /** On providers, weighted by their rows. */
  readonly providers: readonly EntryRule[]
  /** Of the facts' rules: those whose bounds are computed first. */
  readonly outliers: readonly ActiveRule<'outliers'>[]
  /** Of the facts' rules: whether the identities are to be compared. */
  readonly unique: boolean
  readonly patterns: readonly ActiveRule<'pattern'>[]
  readonly sql: readonly ActiveRule<'sql'>[]
  readonly vocabularies: readonly ActiveRule<'vocabulary'>[]
  readonly dimensionKeys: readonly ActiveRule<'unique'>[]
  readonly nullRatios: readonly ActiveRule<'null_ratio'>[]
  readonly marks: readonly ActiveRule<'marks'>[]
  readonly partitionRows: readonly ActiveRule<'partition_rows'>[]
  readonly volumes: readonly ActiveRule<'volume'>[]
  /** Names in the order of the configuration. */
  readonly order: readonly string[]
}

/** Name of the table that holds the rows of facts whose identity is not unique. */
export const REPEATED = 'repeated_facts'

/** Name of the table that holds the facts that a rule of kind `sql` sets aside. */
export function listedFacts({ name }: ActiveRule): string {
  return `listed_${name}`
}

/**
 * Sorts and checks the rules.
 *
 * @param asOf clock of the run: what dates are compared with
 * @throws ConfigError ETL3-CF-13 when a rule cannot be applied
 */
export function ruleSetOf({ rules }: Config['data_quality'], asOf: Date): RuleSet {
  const active = Object.entries(rules).flatMap(([name, options]) => activeRule(name, options))
  const entries = active.flatMap((rule) => checksOf(rule, asOf).map((check) => ({ rule, check })))
  const facts = entries.filter(({ check }) => !isOfProviders(check))
  const providers = entries.filter(({ check }) => isOfProviders(check))
  for (const rule of active) requireQuarantine(rule, facts, providers)
  const nullRatios = active.filter(isKind('null_ratio'))
  requireNullRatioColumns(nullRatios)
  const marks = active.filter(isKind('marks'))
  requireMarkColumns(marks)
  return {
    facts,
    providers,
    outliers: active.filter(isKind('outliers')),
    unique: active.some((r) => isKind('unique')(r) && r.options.of === 'fact_uid'),
    patterns: active.filter(isKind('pattern')),
    sql: active.filter(isKind('sql')),
    vocabularies: active.filter(isKind('vocabulary')),
    dimensionKeys: active.filter(isKind('unique')).filter((r) => r.options.of === 'dimension_keys'),
    nullRatios,
    marks,
    partitionRows: active.filter(isKind('partition_rows')),
    volumes: active.filter(isKind('volume')),
    order: active.map((r) => r.name),
  }
}

/**
 * What the clock adds to the work of a run: the months outside of which facts are set aside. Empty where no rule does
 * so, since then the clock changes nothing of what is written.
 */
export function clockOfWork({ rules }: Config['data_quality'], asOf: Date): Readonly<Record<string, MonthRange>> {
  const months: Record<string, MonthRange> = {}
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.kind === 'freshness' && rule.severity !== 'off' && rule.on_violation === 'quarantine')
      months[name] = monthsOf(rule, asOf)
  }
  return months
}

function activeRule(name: string, options: ConfiguredRule): ActiveRule[] {
  return options.severity === 'off' ? [] : [{ name, severity: options.severity, options }]
}

function isKind<K extends RuleKind>(kind: K): (rule: ActiveRule) => rule is ActiveRule<K> {
  return (rule): rule is ActiveRule<K> => rule.options.kind === kind
}

function checksOf(rule: ActiveRule, asOf: Date): EntryCheck[] {
  if (isKind('required')(rule)) return [requiredCheck(rule)]
  if (isKind('range')(rule)) return [rangeCheck(rule)]
  if (isKind('zero')(rule)) return [zeroCheck(rule)]
  if (isKind('allowed')(rule)) return [allowedCheck(rule)]
  if (isKind('pattern')(rule)) return [patternCheck(rule)]
  if (isKind('freshness')(rule)) return [freshnessCheck(rule, monthsOf(rule.options, asOf))]
  if (isKind('reference')(rule)) return [...new Set(rule.options.references)].map(referenceCheck)
  if (isKind('coordinates')(rule)) return [coordinatesCheck(rule)]
  if (isKind('outliers')(rule)) return [outlierCheck(rule)]
  if (isKind('unique')(rule) && rule.options.of === 'fact_uid')
    return [listedCheck('no two facts have the same fact_uid', REPEATED, "'another fact has the same fact_uid'")]
  if (isKind('sql')(rule) && rule.options.on_violation === 'quarantine')
    return [listedCheck(rule.options.meaning, listedFacts(rule), `'the statement of ${rule.name} returns it'`)]
  return []
}

function monthsOf(
  { max_months_old, max_months_ahead }: Extract<ConfiguredRule, { kind: 'freshness' }>,
  asOf: Date,
): MonthRange {
  return monthsAround(asOf, max_months_old, max_months_ahead)
}

function isOfProviders({ broken }: EntryCheck): boolean {
  return broken.some((c) => c.axis === 'npi')
}

/** @throws ConfigError ETL3-CF-13 for a rule that is to set facts aside but looks at something else */
function requireQuarantine(rule: ActiveRule, facts: readonly EntryRule[], providers: readonly EntryRule[]): void {
  if (rule.options.on_violation !== 'quarantine') return
  const other = providers.find((p) => p.rule === rule)
  if (!other && facts.some((f) => f.rule === rule)) return
  throw unusableRule(
    rule.name,
    `it cannot quarantine facts, because it looks at ${other ? `providers${other.check.subject === undefined ? '' : ` (${other.check.subject})`}` : 'the table as a whole'}`,
    'Set on_violation to keep or fail.',
  )
}
