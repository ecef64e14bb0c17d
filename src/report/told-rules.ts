/** Which rules a reader has to know of first: those that were broken, or that set facts aside. */
import { countText } from '../runtime/figures.js'
import type { ReportedRule } from './run-report.js'

/** The rules of a run, in two parts; each in the order of the configuration. */
export interface RulesInParts {
  readonly told: readonly ReportedRule[]
  /** Those that hold, or had nothing to judge. */
  readonly quiet: readonly ReportedRule[]
}

/** Parts the rules of a run. */
export function partRules(rules: readonly ReportedRule[]): RulesInParts {
  return { told: rules.filter(isTold), quiet: rules.filter((rule) => !isTold(rule)) }
}

/** How many of the rules that are not told passed, and how many were skipped. */
export function quietText(quiet: readonly ReportedRule[]): string {
  const skipped = quiet.filter(({ outcome }) => outcome === 'skipped').length
  const passed = `${countText(quiet.length - skipped)} passed`
  return skipped === 0 ? passed : `${passed}, ${countText(skipped)} skipped`
}

function isTold({ outcome, quarantined }: ReportedRule): boolean {
  return outcome === 'warned' || outcome === 'failed' || quarantined > 0
}
