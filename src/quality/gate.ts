/** The gate: rules that were violated stop a run, or are told. */
import { QualityError } from '../runtime/errors.js'
import type { RuleResult } from './rules.js'

/** Splits results into what stops a run and what is only told. */
export function judge(results: readonly RuleResult[]): {
  errors: readonly RuleResult[]
  warnings: readonly RuleResult[]
} {
  const violated = results.filter((r) => r.violated)
  return {
    errors: violated.filter((r) => r.severity === 'error'),
    warnings: violated.filter((r) => r.severity === 'warn'),
  }
}

/** One line for people on a rule that was violated. */
export function describeViolation({ name, failed, checked, share, maxShare, meaning, examples }: RuleResult): string {
  const shares = `${(100 * share).toFixed(2)} %, allowed are ${(100 * maxShare).toFixed(2)} %`
  const example = examples[0] === undefined ? '' : `; first: ${examples[0]}`
  return `rule ${name}: ${failed} of ${checked} facts break it (${shares}): ${meaning}${example}`
}

/** @throws QualityError ETL3-QA-01 when a rule of severity error was violated */
export function requirePassed(results: readonly RuleResult[]): void {
  const { errors } = judge(results)
  if (errors.length === 0) return
  throw new QualityError('ETL3-QA-01', errors.map(describeViolation).join('; '), {
    hint: 'Nothing was published. Mend the input, or set the thresholds under data_quality. The facts lie in quarantine/ of the run.',
  })
}
