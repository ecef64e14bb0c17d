/** The gate: rules that were violated stop a run, or are told. */
import type { Config } from '../config/schema.js'
import { QualityError, QualityWarning } from '../runtime/errors.js'
import { groupBy } from '../runtime/group-by.js'
import type { RuleResult } from './quality-record.js'

const HINT =
  'Nothing was published. Correct the input, or change the rule under data_quality.rules. Facts that were set aside lie in quarantine/ of the run.'

/** Rules that were violated and let the run go on, one line each: what a person should be told. */
export function warningsOf(results: readonly RuleResult[]): string[] {
  return describeByRule(results.filter((r) => r.outcome === 'warned'))
}

/** @throws QualityError ETL3-QA-01 when a rule that stops the run was violated */
export function requirePassed(results: readonly RuleResult[]): void {
  const failed = describeByRule(results.filter((r) => r.outcome === 'failed'))
  if (failed.length > 0) throw new QualityError('ETL3-QA-01', failed.join('; '), { hint: HINT })
}

/** @throws QualityWarning ETL3-QA-03 when a rule was violated at all, and warnings are to stop the run */
export function requireNoWarnings(results: readonly RuleResult[], failOn: Config['data_quality']['fail_on']): void {
  const warnings = failOn === 'warn' ? warningsOf(results) : []
  if (warnings.length > 0) throw new QualityWarning('ETL3-QA-03', warnings.join('; '), { hint: HINT })
}

/** One line per rule: its worst result, and how many there are beside it. */
function describeByRule(results: readonly RuleResult[]): string[] {
  return Array.from(groupBy(results, ({ name }) => name).values(), (violated) => {
    const [worst, ...others] = violated.toSorted((a, b) => b.share - b.threshold - (a.share - a.threshold))
    if (!worst) return ''
    const more = others.map((r) => `${r.subject ?? ''} ${percent(r.share)}`)
    return `${describe(worst)}${more.length === 0 ? '' : `; also ${more.join(', ')}`}`
  })
}

function describe({
  name,
  subject,
  unit,
  failed,
  checked,
  share,
  threshold,
  meaning,
  examples,
  kind,
}: RuleResult): string {
  const allowed = `${percent(share)}, allowed are ${percent(threshold)}`
  const counted = kind === 'volume' ? `changed by ${allowed}` : `${failed} of ${checked} ${unit} break it (${allowed})`
  const example = examples[0] === undefined ? '' : `; first: ${examples[0]}`
  return `rule ${name}${subject === null ? '' : ` [${subject}]`}: ${counted}: ${meaning}${example}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
