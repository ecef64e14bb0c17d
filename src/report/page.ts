/**
 * `report.html`: one file that needs nothing else: no script, no font, no request. The order is that of the questions
 * somebody asks in the morning.
 */
import { bytesText, countOf, countText, secondsText } from '../runtime/figures.js'
import { analyticsSection } from './analytics-section.js'
import { changesSection } from './changes-section.js'
import type { PageCharts } from './chart.js'
import { contentsSection } from './contents-section.js'
import { courseSection } from './course-section.js'
import { html, Markup } from './html.js'
import { movesSection } from './moves-section.js'
import { section, tiles } from './page-parts.js'
import { PAGE_STYLE } from './page-style.js'
import { placementSection } from './placement-section.js'
import { qualitySection } from './quality-section.js'
import { ratesSection } from './rates-section.js'
import { receiptSection } from './receipt-section.js'
import type { RunReport } from './run-report.js'

/** Nothing is loaded and nothing runs, whatever a value of the data holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

const SECTIONS = [
  ['good', 'Is the table good?', qualitySection],
  ['changed', 'What changed?', changesSection],
  ['moved', 'What moved?', movesSection],
  ['contents', 'What is in it?', contentsSection],
  ['paid', 'What is paid?', ratesSection],
  ['partitions', 'Where are the partitions?', placementSection],
  ['analytics', 'Where is the analytics table?', analyticsSection],
  ['course', 'How did the run go?', courseSection],
  ['receipt', 'Receipt', receiptSection],
] as const satisfies readonly (readonly [string, string, (report: RunReport, charts: PageCharts) => Markup])[]

/** What a run has nothing to say about. */
function absentSections({ result, rates }: RunReport): ReadonlySet<string> {
  return new Set([...(result.analytics ? [] : ['analytics']), ...(rates ? [] : ['moved', 'paid'])])
}

/** The page of a run. The same report and drawings give the same bytes. */
export function reportPage(report: RunReport, charts: PageCharts): string {
  const { result } = report
  const absent = absentSections(report)
  const sections = SECTIONS.filter(([id]) => !absent.has(id))
  const title = `${result.table}: run ${result.runId}`
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(POLICY)}">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(PAGE_STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>${result.table}</h1>
<p class="lead">Run <code>${result.runId}</code>, ${result.status}, finished ${report.finishedAt} (UTC). Table: <code>${result.outputUri}</code></p>
${tiles([
  { label: 'Rows', figure: countText(result.rows) },
  {
    label: 'Partitions',
    figure: countText(result.partitions.total),
    ...(result.bytes > 0 ? { note: bytesText(result.bytes) } : {}),
  },
  { label: 'Facts read', figure: countText(result.facts), note: `${countText(result.quarantined)} set aside` },
  { label: 'Time', figure: secondsText(result.seconds['total'] ?? 0) },
  {
    label: 'Peak memory',
    figure: `${countText(Math.ceil(result.peakMemoryMb))} MB`,
    note: `limit ${countText(result.memoryLimitMb)} MB`,
  },
  { label: 'Warnings', figure: countText(result.warnings) },
])}<nav aria-label="Sections"><ol>${sections.map(([id, heading]) => html`<li><a href="#${id}">${heading}</a></li>`)}</ol></nav>
</header>
<main id="main">
${sections.map(([id, heading, content]) => section(id, heading, content(report, charts)))}</main>
<footer><p>${countOf(report.inputs.length, 'input table')}, ETL3 ${report.versions.etl3}. All figures count rows of the table, weighted by the members of each group, unless they say facts. Percentages are never averaged with dollars.</p></footer>
</body>
</html>
`
  return page.text
}
