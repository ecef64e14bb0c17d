/** The answer to the first question: is the table good? */
import { countOf, countText } from '../runtime/figures.js'
import type { ReportedRule, RunReport } from './run-report.js'

/** How good it is, and why in a sentence. */
export interface Verdict {
  readonly grade: 'good' | 'warn' | 'bad'
  readonly text: string
}

/** What happened to the table, by status. */
const DONE = {
  published: 'Published',
  unchanged: 'Unchanged',
  validated: 'Validated, not written',
  planned: 'Planned, not written',
  failed: 'Failed, not published',
} as const

/** Judges a run by its rules and its warnings. */
export function verdictOf(report: RunReport): Verdict {
  const { result, rules, audit } = report
  const failed = rules.filter((r) => r.outcome === 'failed').length
  const warned = rules.filter((r) => r.outcome === 'warned')
  const judged = rules.filter((r) => r.outcome !== 'skipped').length
  const done = DONE[result.status]
  if (failed > 0) return { grade: 'bad', text: `${done}: ${failed} of ${countOf(judged, 'check')} failed.` }
  const audited =
    audit === null
      ? ''
      : ` The audit compared ${countOf(audit.partitions, 'written partition')} with the plan and read ${countText(audit.readAgain)} of them again, row by row.${inputAudited(audit.input)}`
  const passed = `${done}: ${countText(judged - warned.length)} of ${countOf(judged, 'check')} passed`
  return { grade: warned.length > 0 ? 'warn' : 'good', text: `${passed}${warningsText(report, warned)}.${audited}` }
}

/** How many warnings the run gave, and where they come from: a rule gives one, however many of its checks are broken. */
function warningsText({ result, inputWarnings }: RunReport, warned: readonly ReportedRule[]): string {
  if (result.warnings === 0) return ''
  const { tableWarnings = [] } = result
  const rules = new Set(warned.map(({ name }) => name)).size
  const sources = [
    ...(rules === 0 ? [] : [`${countOf(rules, 'rule')} broken in ${countOf(warned.length, 'check')}`]),
    ...(inputWarnings.length === 0 ? [] : [`${countText(inputWarnings.length)} about the input`]),
    ...(tableWarnings.length === 0 ? [] : [`${countText(tableWarnings.length)} about the table`]),
  ]
  return `, ${countOf(result.warnings, 'warning')} (${sources.join(', ')})`
}

function inputAudited(input: NonNullable<RunReport['audit']>['input']): string {
  if (input === undefined) return ''
  const counted =
    input.rowsCounted === null ? '' : `, and counted the rows of all facts: ${countText(input.rowsCounted)}`
  const missed = input.leftOut === 0 ? '' : ` It could not read ${countOf(input.leftOut, 'part')} of the input.`
  return ` A second reader took ${countOf(input.facts, 'fact')} from the input, found their ${countOf(input.rows, 'row')} as written${counted}.${missed}`
}
