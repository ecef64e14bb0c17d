/**
 * The page of `etl3 explore`: one file that needs nothing else. Its one script and its one style are named by their digests
 * in a policy that allows nothing besides them, and no address at all: whatever a value of the data holds, nothing of it
 * runs, and nothing is asked of a network.
 */
import { readFileSync } from 'node:fs'
import { html, Markup } from '../report/html.js'
import { section, tiles } from '../report/page-parts.js'
import { bytesText, countOf, countText } from '../runtime/figures.js'
import { EXPLORE_STYLE } from './explore-style.js'
import type { PageData } from './page-data.js'
import { jsonForScript, policySource } from './script-text.js'

/** What the head of the page tells. */
export interface PageTitle {
  /** With its database. */
  readonly table: string
  readonly rows: number
  readonly bytes: number
  /** ISO 8601, UTC. */
  readonly finishedAt: string
  readonly version: string
}

/** The program of the page. It is checked by the compiler as it stands, and is no module of ETL3. */
const PROGRAM = new URL('./browser/explorer.js', import.meta.url)

/** The page, as one text. */
export function explorePage(data: PageData, title: PageTitle): string {
  const program = readFileSync(PROGRAM, 'utf8')
  if (/<\/script|<!--/i.test(program)) throw new Error('the program of the page would end its element')
  const policy = `default-src 'none'; script-src ${policySource(program)}; style-src ${policySource(EXPLORE_STYLE)}; base-uri 'none'; form-action 'none'`
  const { partitions, rates } = data
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="referrer" content="no-referrer">
<title>${title.table}: explore run ${data.run}</title>
<style>${new Markup(EXPLORE_STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the search</a>
<header>
<h1>${title.table}</h1>
<p class="lead">Rates and partitions of run <code>${data.run}</code>, finished ${title.finishedAt} (UTC). Table: <code>${data.root}</code></p>
${tiles([
  { label: 'Rows', figure: countText(title.rows) },
  {
    label: 'Partitions',
    figure: countText(partitions.rows.length + partitions.left.partitions),
    note: bytesText(title.bytes),
  },
  { label: 'Codes with rates', figure: rates ? countText(rates.code.length + rates.left.codes) : '–' },
])}</header>
<main id="main" tabindex="-1">
<noscript><p>This page searches its own data with a script; without one it shows nothing.</p></noscript>
<section class="search" aria-labelledby="search-heading">
<h2 id="search-heading">Search</h2>
<label for="words">Code, words of its name, values of a partition, or a path</label>
<input type="search" id="words" autocomplete="off" spellcheck="false" aria-describedby="search-help">
<p class="note" id="search-help">All words must occur. <code>state=MN</code> is a column’s value as a whole, <code>state=</code> none; quotes hold blanks together: <code>"procedure_class=Office Visits"</code>. Arrow keys go to what was found and through it, Enter opens it, Escape goes back.</p>
<p class="note" id="status" role="status"></p>
</section>
<div class="found">
${section('codes', 'Codes', html`<p class="note" id="codes-count"></p><ul class="results" id="codes-list"></ul>`)}${section(
  'partitions',
  'Partitions',
  html`<p class="note" id="partitions-count"></p><ul class="results" id="partitions-list"></ul>`,
)}</div>
<section id="detail" aria-labelledby="detail-heading" hidden><h2 id="detail-heading" tabindex="-1"></h2><div id="detail-body"></div></section>
${section('about', 'What is on this page', html`<ul class="plain">${aboutOf(data).map((line) => html`<li>${line}</li>`)}</ul>`)}</main>
<footer><p>Figures of rates are over facts: what was negotiated once for a group counts once, however many providers it has. Quartiles are rates that occur. ETL3 ${title.version}.</p></footer>
<script type="application/json" id="data">${new Markup(jsonForScript(data))}</script>
<script>${new Markup(program)}</script>
</body>
</html>
`
  return page.text
}

/** What the page holds, what it leaves out, and how to ask for that. */
function aboutOf({ partitions, rates, table, queryCommand }: PageData): string[] {
  const lines: string[] = []
  const { left } = partitions
  lines.push(
    left.partitions === 0
      ? `All ${countOf(partitions.rows.length, 'partition')}.`
      : `The ${countOf(partitions.rows.length, 'partition')} with the most rows. Left out: ${countOf(left.partitions, 'smaller one')} with ${countOf(left.rows, 'row')} together. Ask for them with a query by key columns: ${queryCommand} 'select …, count(*) from ${table} where … group by …'`,
  )
  if (!rates) return [...lines, 'No rates: the run kept none. Runs of this version do.']
  const { codes, codesByState } = rates.left
  const shown = rates.code.length
  lines.push(
    codes === 0
      ? `The rates of all ${countOf(shown, 'code')}.`
      : `The rates of the ${countOf(shown, 'code')} with the most facts. Left out: ${countOf(codes, 'code')}.`,
  )
  if (codesByState > 0)
    lines.push(`Rates by state of ${countText(shown - codesByState)} of them; of the others only all states together.`)
  lines.push(`All rates are in ${rates.uri}, a Parquet file for any reader.`)
  return lines
}
