/** What changed since the last published run. */
import { bytesText, countOf, countText } from '../runtime/figures.js'
import type { PageCharts } from './chart.js'
import type { Content, Markup } from './html.js'
import { html } from './html.js'
import { details, figure, type Table, table } from './page-parts.js'
import { differenceText } from './report-figures.js'
import type { ChangedValue, RunReport } from './run-report.js'
import { valueLabel } from './value-label.js'

/** The section's content. */
export function changesSection({ changes, previous, result }: RunReport, { charts, drawings }: PageCharts): Markup {
  const { added, replaced, kept, removed } = changes
  const written = result.status === 'published' ? '' : ' Nothing of this is written yet.'
  const lead =
    previous === null
      ? html`<p>This is the first run of the table.${written}</p>`
      : html`<p>Compared with run <code>${previous.runId}</code>, published ${previous.publishedAt}: ${differenceText(result.rows - previous.rows)} rows (${countText(previous.rows)} before), ${differenceText(result.partitions.total - previous.partitions)} partitions${result.bytes > 0 ? `, ${differenceText(result.bytes - previous.bytes)} bytes (${bytesText(previous.bytes)} before)` : ''}.${written}</p>`
  const line = (name: string, moved: typeof added): Content[] => [
    name,
    countText(moved.partitions),
    countText(moved.rowsBefore),
    countText(moved.rowsAfter),
    differenceText(moved.rowsAfter - moved.rowsBefore),
  ]
  const data: Table = {
    caption: 'Partitions and rows by what happened',
    columns: [
      { name: 'what' },
      { name: 'partitions', kind: 'number' },
      { name: 'rows before', kind: 'number' },
      { name: 'rows after', kind: 'number' },
      { name: 'difference', kind: 'number' },
    ],
    rows: [line('added', added), line('replaced', replaced), line('kept', kept), line('removed', removed)],
  }
  const chart = charts.find((c) => c.id === 'changes')
  return html`${lead}${figure(chart, drawings, data)}${byValue('payer', changes.byPayer)}${byValue('state', changes.byState)}`
}

function byValue(what: string, values: readonly ChangedValue[] | null): Markup {
  if (values === null) {
    return html`<p class="note">Changes by ${what} are not told: it is no partition column of this table.</p>`
  }
  return details(
    `Changes by ${what} (${countOf(values.length, 'value')})`,
    table({
      caption: `Partitions and rows by ${what}, those with the most changed rows first`,
      columns: [
        { name: what },
        { name: 'added', kind: 'number' },
        { name: 'replaced', kind: 'number' },
        { name: 'kept', kind: 'number' },
        { name: 'removed', kind: 'number' },
        { name: 'rows before', kind: 'number' },
        { name: 'rows after', kind: 'number' },
        { name: 'difference', kind: 'number' },
      ],
      rows: values.map((v) => [
        valueLabel(v.value),
        countText(v.added),
        countText(v.replaced),
        countText(v.kept),
        countText(v.removed),
        countText(v.rowsBefore),
        countText(v.rowsAfter),
        differenceText(v.rowsAfter - v.rowsBefore),
      ]),
    }),
  )
}
