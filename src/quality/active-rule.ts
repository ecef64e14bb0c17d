/** A rule that is on, and how its counts become a result. */
import type { ConfiguredRule } from '../config/quality-rules.js'
import { plainText } from '../runtime/plain-text.js'
import type { RuleResult } from './quality-record.js'

/** Kind of a rule. */
export type RuleKind = ConfiguredRule['kind']

type OptionsByKind = { readonly [K in RuleKind]: Extract<ConfiguredRule, { kind: K }> }

/** A rule of the configuration that is on. */
export interface ActiveRule<K extends RuleKind = RuleKind> {
  readonly name: string
  readonly severity: RuleResult['severity']
  readonly options: OptionsByKind[K]
}

/** What a rule counted. */
export interface Counted {
  readonly subject?: string
  readonly meaning: string
  readonly unit: RuleResult['unit']
  readonly checked: number
  readonly failed: number
  /** Where it is not `failed` / `checked`. */
  readonly share?: number
  readonly quarantined?: number
  readonly examples: readonly string[]
  /** There was nothing to judge by. */
  readonly skipped?: boolean
}

/** Examples that a result keeps. */
export const MOST_EXAMPLES = 10

/** Characters of an example. */
const LONGEST_EXAMPLE = 200

/** Judges what a rule counted. */
export function resultOf({ name, severity, options }: ActiveRule, counted: Counted): RuleResult {
  const { checked, failed } = counted
  const share = counted.share ?? (checked === 0 ? 0 : failed / checked)
  const stops = severity === 'error' || options.on_violation === 'fail'
  const violated = share > options.max_share
  return {
    name,
    kind: options.kind,
    subject: counted.subject ?? null,
    meaning: counted.meaning,
    unit: counted.unit,
    checked,
    failed,
    share,
    threshold: options.max_share,
    severity,
    onViolation: options.on_violation,
    outcome: counted.skipped ? 'skipped' : violated ? (stops ? 'failed' : 'warned') : 'passed',
    quarantined: counted.quarantined ?? 0,
    examples: counted.examples.slice(0, MOST_EXAMPLES).map(shortened),
  }
}

/** Cut between characters, never inside of one. */
function shortened(example: string): string {
  const characters = [...plainText(example)]
  return characters.length <= LONGEST_EXAMPLE
    ? characters.join('')
    : `${characters.slice(0, LONGEST_EXAMPLE - 1).join('')}…`
}
