/** Is the table good: the verdict, the rules, what the input gave warnings about. */
import { countOf, countText } from '../runtime/figures.js'
import { html, type Markup } from './html.js'
import { details, table } from './page-parts.js'
import { shareText } from './report-figures.js'
import type { ReportedRule, RunReport } from './run-report.js'
import { partRules, quietText } from './told-rules.js'
import { valueLabel } from './value-label.js'
import { verdictOf } from './verdict.js'

const SIGNS = { good: '✓', warn: '!', bad: '✕' } as const
const TAG_OF = { passed: 'good', warned: 'warn', failed: 'bad', skipped: 'none' } as const

/** The section's content. */
export function qualitySection(report: RunReport): Markup {
  const { rules, inputWarnings, result } = report
  const { grade, text } = verdictOf(report)
  return html`<div class="verdict ${grade}"><span aria-hidden="true">${SIGNS[grade]}</span><p>${text}</p></div>
${rulesOf(rules)}${sourcesOf(rules)}${examplesOf(rules)}${warningsAbout('the input', inputWarnings)}${warningsAbout('the table', result.tableWarnings ?? [])}`
}

function warningsAbout(what: string, warnings: readonly string[]): Markup | undefined {
  if (warnings.length === 0) return undefined
  return details(
    `Warnings about ${what} (${countText(warnings.length)})`,
    html`<ul class="plain">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`,
  )
}

/** What a reader has to know first: the rules that were broken, or that set facts aside. The others are one click away. */
function rulesOf(rules: readonly ReportedRule[]): Markup {
  const { told, quiet } = partRules(rules)
  return html`${told.length === 0 ? undefined : rulesTable('Checks that failed, or that set facts aside', told)}${
    quiet.length === 0 ? undefined : details(`Other checks: ${quietText(quiet)}`, rulesTable('Other checks', quiet))
  }`
}

/** What decides stands first, because a phone shows only the first columns until the reader scrolls. */
function rulesTable(caption: string, rules: readonly ReportedRule[]): Markup {
  return table({
    caption,
    columns: [
      { name: 'rule' },
      { name: 'result' },
      { name: 'share', kind: 'number' },
      { name: 'allowed', kind: 'number' },
      { name: 'broken by', kind: 'number' },
      { name: 'set aside', kind: 'number' },
      { name: 'severity' },
      { name: 'what holds', kind: 'long' },
    ],
    rows: rules.map((rule) => [
      nameOf(rule),
      html`<span class="tag ${TAG_OF[rule.outcome]}">${rule.outcome}</span>`,
      rule.outcome === 'skipped' ? '–' : unbroken(shareText(rule.share, 1)),
      unbroken(shareText(rule.threshold, 1)),
      rule.outcome === 'skipped' ? '–' : `${countText(rule.failed)} of ${countText(rule.checked)} ${rule.unit}`,
      countText(rule.quarantined),
      rule.severity,
      rule.meaning,
    ]),
  })
}

/** A figure and its unit, on one line. */
function unbroken(figure: string): Markup {
  return html`<span class="one">${figure}</span>`
}

function nameOf({ name, subject }: ReportedRule): string {
  return subject === null ? name : `${name}: ${subject}`
}

/** Which payer and which file: a line each. */
function sourcesOf(rules: readonly ReportedRule[]): Markup | undefined {
  const rows = rules.flatMap((rule) => {
    const { first = [], others } = rule.sources ?? {}
    const lines = first.map(({ payer, file, failed }) => [
      nameOf(rule),
      valueLabel(payer),
      countText(failed),
      file === null ? '–' : html`<code>${file}</code>`,
    ])
    return others && others.sources > 0
      ? [...lines, [nameOf(rule), countOf(others.sources, 'other source'), countText(others.failed), '–']]
      : lines
  })
  if (rows.length === 0) return undefined
  return details(
    `Where they come from (${countText(rows.length)})`,
    table({
      caption: 'Where the facts that broke a rule come from, up to five sources for each',
      columns: [
        { name: 'rule' },
        { name: 'payer', kind: 'long' },
        { name: 'facts', kind: 'number' },
        { name: 'input file', kind: 'long' },
      ],
      rows,
    }),
  )
}

function examplesOf(rules: readonly ReportedRule[]): Markup | undefined {
  const rows = rules.flatMap((rule) => rule.examples.map((example) => [nameOf(rule), html`<code>${example}</code>`]))
  if (rows.length === 0) return undefined
  return details(
    `Examples (${countText(rows.length)})`,
    table({
      caption: 'What broke a rule, up to ten for each',
      columns: [{ name: 'rule' }, { name: 'example', kind: 'long' }],
      rows,
    }),
  )
}
