/** What is in the table: rows by payer, state and category; rates, and rates against Medicare. */
import { countText } from '../runtime/figures.js'
import type { PageCharts } from './chart.js'
import { dimensionName } from './dimension-counts.js'
import { html, type Markup } from './html.js'
import { details, figure, type Table, table } from './page-parts.js'
import { dollarsText, ratioText, shareText } from './report-figures.js'
import type { Breakdown, Contents, RateSummary, RunReport } from './run-report.js'
import { valueLabel } from './value-label.js'

/** The section's content. */
export function contentsSection(report: RunReport, { charts, drawings }: PageCharts): Markup {
  const { contents, result, dimensions } = report
  const chart = (id: string): (typeof charts)[number] | undefined => charts.find((c) => c.id === id)
  return html`<div class="columns">
${figure(chart('rows-by-payer'), drawings, breakdownTable('payer', contents.byPayer, result.rows))}
${figure(chart('rows-by-state'), drawings, breakdownTable('state', contents.byState, result.rows))}
${figure(chart('rows-by-category'), drawings, breakdownTable('category', contents.byCategory, result.rows))}
</div>
<div class="columns two">
${contents.rates.dollars.figures === null ? undefined : figure(chart('rates'), drawings, ratesTable(contents.rates.dollars))}
${contents.medicare.ratios === null ? undefined : figure(chart('medicare'), drawings, medicareTable(contents.medicare))}
</div>
${kindsTable(contents)}
${details(
  'What the input held',
  table({
    caption: 'Counts of the staged star',
    columns: [
      { name: 'what', kind: 'long' },
      { name: 'count', kind: 'number' },
    ],
    rows: Object.entries(dimensions).map(([name, n]) => [dimensionName(name), countText(n)]),
  }),
)}`
}

function breakdownTable(what: string, { entries, others }: Breakdown, total: number): Table {
  const hasFacts = entries.some((e) => e.facts !== null)
  const rest =
    others.values === 0
      ? []
      : [
          [
            `${countText(others.values)} others`,
            ...(hasFacts ? ['–'] : []),
            countText(others.rows),
            shareText(others.rows, total),
          ],
        ]
  return {
    caption: `Rows by ${what}`,
    columns: [
      { name: what },
      ...(hasFacts ? [{ name: 'facts', kind: 'number' } as const] : []),
      { name: 'rows', kind: 'number' },
      { name: 'share', kind: 'number' },
    ],
    rows: [
      ...entries.map((e) => [
        valueLabel(e.value),
        ...(hasFacts ? [e.facts === null ? '–' : countText(e.facts)] : []),
        countText(e.rows),
        shareText(e.rows, total),
      ]),
      ...rest,
    ],
  }
}

function ratesTable({ bins, rows }: RateSummary): Table {
  return {
    caption: 'Rows by rate in dollars',
    columns: [
      { name: 'from', kind: 'number' },
      { name: 'to below', kind: 'number' },
      { name: 'rows', kind: 'number' },
      { name: 'share', kind: 'number' },
    ],
    rows: bins.map((b) => [dollarsText(b.from), dollarsText(b.to), countText(b.rows), shareText(b.rows, rows)]),
  }
}

function medicareTable({ bins, rows }: Contents['medicare']): Table {
  return {
    caption: 'Rows by rate as a multiple of the Medicare rate',
    columns: [
      { name: 'from', kind: 'number' },
      { name: 'to below', kind: 'number' },
      { name: 'rows', kind: 'number' },
      { name: 'share', kind: 'number' },
    ],
    rows: bins.map((b) => [ratioText(b.from), ratioText(b.to), countText(b.rows), shareText(b.rows, rows)]),
  }
}

/** Rates by what they mean; a percentage and a dollar amount share no average. */
function kindsTable({ rates }: Contents): Markup {
  const percent = (value: number): string => `${value.toLocaleString('en-US', { maximumFractionDigits: 2 })} %`
  const plain = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 })
  const kinds: readonly (readonly [string, RateSummary, (value: number) => string])[] = [
    ['dollars', rates.dollars, dollarsText],
    ['percentages', rates.percentages, percent],
    ['unknown: no negotiated_type', rates.unknown, plain],
  ]
  return table({
    caption:
      'Rates by what they mean, over rows. Off scale: zero, negative or missing. p10: a tenth of the rows is at or below.',
    columns: [
      { name: 'rate in' },
      { name: 'facts', kind: 'number' },
      { name: 'rows', kind: 'number' },
      { name: 'off scale', kind: 'number' },
      { name: 'lowest', kind: 'number' },
      { name: 'p10', kind: 'number' },
      { name: 'median', kind: 'number' },
      { name: 'mean', kind: 'number' },
      { name: 'p90', kind: 'number' },
      { name: 'highest', kind: 'number' },
    ],
    rows: kinds
      .filter(([, { rows }]) => rows > 0)
      .map(([name, { rows, facts, offScale, figures }, text]) => [
        name,
        countText(facts),
        countText(rows),
        countText(offScale),
        ...(figures === null
          ? ['–', '–', '–', '–', '–', '–']
          : [figures.lowest, figures.p10, figures.p50, figures.mean, figures.p90, figures.highest].map(text)),
      ]),
  })
}
