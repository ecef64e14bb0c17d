/** Where the partitions are: their sizes, the largest, the smallest, the skew. */
import { bytesText, countOf, countText } from '../runtime/figures.js'
import type { PageCharts } from './chart.js'
import { html, type Markup } from './html.js'
import { details, figure, table } from './page-parts.js'
import { rangeText } from './placement-chart.js'
import { shareText } from './report-figures.js'
import type { Placement, RunReport, SizeSummary } from './run-report.js'

/** The section's content. */
export function placementSection({ placement, partitionColumns }: RunReport, { charts, drawings }: PageCharts): Markup {
  const { rows, bytes, skew, histogram } = placement
  if (rows === null) return html`<p>There is no partition.</p>`
  const line = (name: string, s: SizeSummary, text: (n: number) => string): string[] => [
    name,
    ...[s.smallest, s.p10, s.p50, s.p90, s.p99, s.largest].map(text),
  ]
  return html`<p>${countOf(placement.partitions, 'partition')} by <code>${partitionColumns.join(', ')}</code>. The largest ${countOf(skew.topPartitions, 'partition')} (1 %) hold ${shareText(skew.shareOfRows, 1)} of the rows; the largest has ${countText(Math.round(rows.largest / rows.p50))} times as many as the median.</p>
${table({
  caption: 'Sizes of partitions. p10: a tenth of them is at or below.',
  columns: ['', 'smallest', 'p10', 'median', 'p90', 'p99', 'largest'].map((name, i) =>
    i === 0 ? { name: 'each has' } : { name, kind: 'number' },
  ),
  rows: [line('rows', rows, countText), ...(bytes === null ? [] : [line('bytes', bytes, bytesText)])],
})}${figure(
  charts.find((c) => c.id === 'placement'),
  drawings,
  {
    caption: 'Partitions by their rows',
    columns: [
      { name: 'rows of a partition', kind: 'number' },
      { name: 'partitions', kind: 'number' },
      { name: 'rows in them', kind: 'number' },
    ],
    rows: histogram.map((b) => [rangeText(b.from, b.to), countText(b.partitions), countText(b.rows)]),
  },
)}${details('The largest partitions', named('The largest partitions', placement.largest))}${details('The smallest partitions', named('The smallest partitions', placement.smallest))}`
}

function named(caption: string, partitions: Placement['largest']): Markup {
  return table({
    caption,
    columns: [
      { name: 'partition', kind: 'long' },
      { name: 'rows', kind: 'number' },
      { name: 'facts', kind: 'number' },
      { name: 'size', kind: 'number' },
    ],
    rows: partitions.map((p) => [
      html`<code>${p.key}</code>`,
      countText(p.rows),
      countText(p.facts),
      p.bytes === null ? '–' : bytesText(p.bytes),
    ]),
  })
}
