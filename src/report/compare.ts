/** Differences of two runs: partitions, rows, rules, times. */
import { bytesText, countText, secondsText } from '../runtime/figures.js'
import { type MarkdownColumn, markdownTable, markdownText } from '../runtime/markdown-text.js'
import { differenceText, shareText } from './report-figures.js'
import type { Breakdown, ReportedRule, RunReport } from './run-report.js'
import { valueLabel } from './value-label.js'

/** A figure of both runs. */
export interface ComparedFigure {
  readonly name: string
  readonly before: number
  readonly after: number
  readonly unit: 'count' | 'bytes' | 'megabytes' | 'seconds'
}

/** What a rule gave in each run; null where the run did not have it. */
export interface ComparedRule {
  readonly rule: string
  readonly before: Pick<ReportedRule, 'outcome' | 'failed' | 'checked' | 'share'> | null
  readonly after: Pick<ReportedRule, 'outcome' | 'failed' | 'checked' | 'share'> | null
}

/** Rows of a value in each run. */
export interface ComparedValue {
  readonly value: string | null
  readonly before: number
  readonly after: number
}

/** What `etl3 report --compare A B -o json` prints. */
export interface Comparison {
  readonly formatVersion: 1
  readonly before: { readonly runId: string; readonly finishedAt: string; readonly status: string }
  readonly after: { readonly runId: string; readonly finishedAt: string; readonly status: string }
  /** Whether both have the same input, configuration and versions. */
  readonly sameWork: boolean
  readonly figures: readonly ComparedFigure[]
  readonly rules: readonly ComparedRule[]
  /** Only values whose rows differ. */
  readonly byPayer: readonly ComparedValue[]
  readonly byState: readonly ComparedValue[]
  readonly byCategory: readonly ComparedValue[]
  readonly phases: readonly ComparedFigure[]
}

/** Compares two reports; `a` counts as the one before. */
export function compareReports(a: RunReport, b: RunReport): Comparison {
  const both = (name: string, unit: ComparedFigure['unit'], of: (report: RunReport) => number): ComparedFigure => ({
    name,
    unit,
    before: of(a),
    after: of(b),
  })
  const headOf = ({ result, finishedAt }: RunReport): Comparison['before'] => ({
    runId: result.runId,
    finishedAt,
    status: result.status,
  })
  const phases = [...new Set([...a.course.phases, ...b.course.phases].map((p) => p.phase))]
  return {
    formatVersion: 1,
    before: headOf(a),
    after: headOf(b),
    sameWork: a.work === b.work,
    figures: [
      both('partitions', 'count', (r) => r.result.partitions.total),
      both('rows', 'count', (r) => r.result.rows),
      both('facts read', 'count', (r) => r.result.facts),
      both('facts set aside', 'count', (r) => r.result.quarantined),
      both('size', 'bytes', (r) => r.result.bytes),
      both('warnings', 'count', (r) => r.result.warnings),
      both('peak memory', 'megabytes', (r) => r.result.peakMemoryMb),
      both('time', 'seconds', (r) => r.result.seconds['total'] ?? 0),
    ],
    rules: compareRules(a.rules, b.rules),
    byPayer: compareRows(a.contents.byPayer, b.contents.byPayer),
    byState: compareRows(a.contents.byState, b.contents.byState),
    byCategory: compareRows(a.contents.byCategory, b.contents.byCategory),
    phases: phases.map((phase) =>
      both(phase, 'seconds', (r) => r.course.phases.find((p) => p.phase === phase)?.seconds ?? 0),
    ),
  }
}

function compareRules(a: readonly ReportedRule[], b: readonly ReportedRule[]): ComparedRule[] {
  const nameOf = ({ name, subject }: ReportedRule): string => (subject === null ? name : `${name} (${subject})`)
  const names = [...new Set([...a, ...b].map(nameOf))]
  const pick = (rules: readonly ReportedRule[], name: string): ComparedRule['before'] => {
    const rule = rules.find((r) => nameOf(r) === name)
    return rule === undefined
      ? null
      : { outcome: rule.outcome, failed: rule.failed, checked: rule.checked, share: rule.share }
  }
  return names.map((rule) => ({ rule, before: pick(a, rule), after: pick(b, rule) }))
}

function compareRows(a: Breakdown, b: Breakdown): ComparedValue[] {
  const rowsOf = ({ entries }: Breakdown): Map<string | null, number> => new Map(entries.map((e) => [e.value, e.rows]))
  const before = rowsOf(a)
  const after = rowsOf(b)
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((value) => ({ value, before: before.get(value) ?? 0, after: after.get(value) ?? 0 }))
    .filter((v) => v.before !== v.after)
    .toSorted((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before))
}

/** Values that the text names one by one. */
const MOST_VALUES = 10

/** The comparison as Markdown. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { before, after, figures, rules, phases } = comparison
  const columns: MarkdownColumn[] = [
    { name: '' },
    { name: markdownText(before.runId), number: true },
    { name: markdownText(after.runId), number: true },
    { name: 'difference', number: true },
  ]
  return [
    `# Runs ${markdownText(before.runId)} and ${markdownText(after.runId)}`,
    '',
    `${before.status} ${before.finishedAt}; ${after.status} ${after.finishedAt}. ${comparison.sameWork ? 'Both have the same input, configuration and versions.' : 'Input, configuration or versions differ.'}`,
    '',
    ...markdownTable(columns, figures.map(figureLine)),
    '',
    ...rulesThatDiffer(rules, columns.slice(0, 3)),
    ...rowsOfValues('payer', comparison.byPayer, columns),
    ...rowsOfValues('state', comparison.byState, columns),
    ...rowsOfValues('category', comparison.byCategory, columns),
    '## Phases',
    '',
    ...markdownTable(columns, phases.map(figureLine)),
    '',
  ].join('\n')
}

function figureLine({ name, before, after, unit }: ComparedFigure): string[] {
  const text = TEXT_OF[unit]
  const difference = after - before
  const sign = difference < 0 ? '−' : '+'
  return [name, text(before), text(after), difference === 0 ? '±0' : `${sign}${text(Math.abs(difference))}`]
}

const TEXT_OF: Readonly<Record<ComparedFigure['unit'], (n: number) => string>> = {
  count: countText,
  bytes: bytesText,
  megabytes: (mb) => `${countText(Math.ceil(mb))} MB`,
  seconds: secondsText,
}

/** Most of the rules give the same in both runs: they would hide the others. */
function rulesThatDiffer(rules: readonly ComparedRule[], columns: readonly MarkdownColumn[]): string[] {
  const lines = rules
    .map((r) => [markdownText(r.rule), outcomeText(r.before), outcomeText(r.after)])
    .filter(([, before, after]) => before !== after)
  const same = rules.length - lines.length
  return [
    '## Rules, where they differ',
    '',
    ...(lines.length === 0 ? [] : [...markdownTable(columns, lines), '']),
    ...(same === 0 ? [] : [`${countText(same)} ${same === 1 ? 'check gives' : 'checks give'} the same in both.`, '']),
  ]
}

function outcomeText(rule: ComparedRule['before']): string {
  return rule === null ? 'not there' : `${rule.outcome}, ${countText(rule.failed)} (${shareText(rule.share, 1)})`
}

function rowsOfValues(what: string, values: readonly ComparedValue[], columns: readonly MarkdownColumn[]): string[] {
  if (values.length === 0) return []
  const more = values.length - MOST_VALUES
  return [
    `## Rows by ${what}, where they differ`,
    '',
    ...markdownTable(
      columns,
      values
        .slice(0, MOST_VALUES)
        .map((v) => [
          markdownText(valueLabel(v.value)),
          countText(v.before),
          countText(v.after),
          differenceText(v.after - v.before),
        ]),
    ),
    ...(more > 0 ? ['', `and ${countText(more)} more, see \`-o json\``] : []),
    '',
  ]
}
