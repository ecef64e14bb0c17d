/** Results in the order of the configuration. */
import type { RuleResult } from './quality-record.js'

/** Sorts results by their rule; results of one rule keep their order. */
export function inOrder(results: readonly RuleResult[], order: readonly string[]): RuleResult[] {
  return results.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
}
