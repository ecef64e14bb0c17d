/** The answer to the first question: is the table good? */
import { countOf, countText } from '../runtime/figures.js'
import type { RunReport } from './run-report.js'

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
export function verdictOf({ result, rules, audit }: RunReport): Verdict {
  const failed = rules.filter((r) => r.outcome === 'failed').length
  const warned = rules.filter((r) => r.outcome === 'warned').length
  const judged = rules.filter((r) => r.outcome !== 'skipped').length
  const done = DONE[result.status]
  if (failed > 0) return { grade: 'bad', text: `${done}: ${failed} of ${countOf(judged, 'check')} failed.` }
  const audited =
    audit === null
      ? ''
      : ` The audit compared ${countOf(audit.partitions, 'written partition')} with the plan and read ${countText(audit.readAgain)} of them again, row by row.${inputAudited(audit.input)}`
  const passed = `${done}: ${countText(judged - warned)} of ${countOf(judged, 'check')} passed`
  if (warned > 0) return { grade: 'warn', text: `${passed}, ${countText(warned)} warned.${audited}` }
  const input = result.warnings > 0 ? `; the input gave ${countOf(result.warnings, 'warning')}` : ''
  return { grade: 'good', text: `${passed}${input}.${audited}` }
}

function inputAudited(input: NonNullable<RunReport['audit']>['input']): string {
  if (input === undefined) return ''
  const counted =
    input.rowsCounted === null ? '' : `, and counted the rows of all facts: ${countText(input.rowsCounted)}`
  const missed = input.leftOut === 0 ? '' : ` It could not read ${countOf(input.leftOut, 'part')} of the input.`
  return ` A second reader took ${countOf(input.facts, 'fact')} from the input, found their ${countOf(input.rows, 'row')} as written${counted}.${missed}`
}
