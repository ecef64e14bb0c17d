/** Which rules a reader has to know of first: those that were broken, or that set facts aside. */
import type { ReportedRule } from './run-report.js'

/** The rules of a run, in two parts; each in the order of the configuration. */
export interface RulesInParts {
  readonly told: readonly ReportedRule[]
  /** Those that hold. */
  readonly quiet: readonly ReportedRule[]
}

/** Parts the rules of a run. */
export function partRules(rules: readonly ReportedRule[]): RulesInParts {
  return { told: rules.filter(isTold), quiet: rules.filter((rule) => !isTold(rule)) }
}

function isTold({ outcome, quarantined }: ReportedRule): boolean {
  return outcome === 'warned' || outcome === 'failed' || quarantined > 0
}
