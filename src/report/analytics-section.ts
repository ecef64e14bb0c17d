/** The analytics table: where it is, what it has, since when, and how it is read. */
import type { AnalyticsResult } from '../contract/messages.js'
import { bytesText, countOf, countText } from '../runtime/figures.js'
import { html, type Markup } from './html.js'
import { table } from './page-parts.js'
import type { RunReport } from './run-report.js'

/** The section's content. Runs that keep no such table have none. */
export function analyticsSection({ result: { analytics }, partitionsSince }: RunReport): Markup {
  if (!analytics) return html`<p>Runs keep none.</p>`
  return html`<p>${analyticsSentence(analytics)} ${currentSentence(analytics, partitionsSince)}</p>
${table({
  caption: 'The analytics table',
  columns: [{ name: 'what' }, { name: 'value', kind: 'long' }],
  rows: analyticsFacts(analytics).map(([what, value]) => [what, html`<code>${value}</code>`]),
})}${setAsideTable(analytics)}<p>How to read it:</p>
<ul>${readingLines(analytics).map(([engine, line]) => html`<li>${engine}: <code>${line}</code></li>`)}</ul>
`
}

function setAsideTable({ committed }: AnalyticsResult): Markup | '' {
  const setAside = committed?.setAside ?? []
  if (setAside.length === 0) return ''
  return html`<p>${SET_ASIDE_SENTENCE}</p>${table({
    caption: 'What was set aside',
    columns: [
      { name: 'change', kind: 'long' },
      { name: 'how to bring it back', kind: 'long' },
    ],
    rows: setAside.map(({ what, wayBack }) => [what, wayBack]),
  })}`
}

/** What is said before the changes that were set aside. */
export const SET_ASIDE_SENTENCE =
  'Somebody else had changed the table since the run before. This run has set that aside, as output.analytics.foreign_commits says:'

/** What it is, in one sentence. */
export function analyticsSentence({ rows, files, added, addedRows, committed }: AnalyticsResult): string {
  const size = `The same ${countOf(rows, 'row')} in ${countOf(files, 'file')}`
  if (!committed) return `${size}; ${countOf(added, 'file')} would be written (${countOf(addedRows, 'row')}).`
  return `${size}, ${bytesText(committed.bytes)}, as an Iceberg table: ${countText(added)} added, ${countText(committed.removed)} removed.`
}

/** Since when each of the two tables shows the rows of the run; the analytics table may have had them before it. */
export function currentSentence({ committed }: AnalyticsResult, partitionsSince: string | null | undefined): string {
  if (!committed) return 'Nothing was written.'
  const partitions = partitionsSince ? `; the partitions followed one by one, all of them since ${partitionsSince}` : ''
  return `It shows these rows since ${committed.at}, all at once${partitions}.`
}

/** Where it is, as pairs of a name and a value. */
export function analyticsFacts({
  table: name,
  uri,
  inGlue,
  committed,
}: AnalyticsResult): (readonly [string, string])[] {
  return [
    ...(inGlue ? [['table in Glue', name] as const] : []),
    ['place', uri],
    ...(committed
      ? ([
          ['snapshot', committed.snapshotId],
          ['metadata', committed.metadataFile],
        ] as const)
      : []),
  ]
}

/** A line for each of two engines. */
export function readingLines({ table: name, uri, inGlue }: AnalyticsResult): (readonly [string, string])[] {
  if (inGlue) {
    return [
      ['Athena', `SELECT * FROM ${name} LIMIT 10`],
      [
        'Python',
        `from pyiceberg.catalog.glue import GlueCatalog; GlueCatalog('glue').load_table('${name}').scan().to_arrow()`,
      ],
    ]
  }
  return [
    ['DuckDB', `FROM iceberg_scan('${uri.replaceAll("'", "''")}') LIMIT 10`],
    [
      'Python',
      `from pyiceberg.table import StaticTable; StaticTable.from_metadata(${JSON.stringify(uri)}).scan().to_arrow()`,
    ],
  ]
}
