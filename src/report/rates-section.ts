/** What is paid: the most used codes of each payer, with quartiles and the ratio to Medicare. */
import { countText } from '../runtime/figures.js'
import { html, type Markup } from './html.js'
import { details, type Table, table } from './page-parts.js'
import { codeText, rateText, termsText } from './rates-texts.js'
import { ratioText } from './report-figures.js'
import type { PricedCode, RunReport } from './run-report.js'
import { valueLabel } from './value-label.js'

/** What stands open; the others are one click away. */
const OPEN_PAYERS = 5
const OPEN_CODES = 5

/** The section's content. */
export function ratesSection({ rates }: RunReport): Markup {
  const codes = rates?.mostUsed ?? []
  if (codes.length === 0) return html`<p>There are no rates.</p>`
  const open = mostUsed(codes, OPEN_PAYERS, OPEN_CODES)
  const more = codes.length - open.length
  return html`<p>Figures are over facts: what was negotiated once for a group counts once, however many providers it has. Quartiles are rates that occur. The ratio to Medicare counts a fact once in each state.</p>
${table(codesTable('The most used codes by payer, those with the most facts first', open))}${
  more === 0
    ? undefined
    : details(`More codes and payers (${countText(codes.length)})`, table(codesTable('Codes by payer', codes)))
}`
}

/** The first codes of the first payers, in their order. */
export function mostUsed(codes: readonly PricedCode[], payers: number, each: number): readonly PricedCode[] {
  const met = new Map<string | null, number>()
  return codes.filter(({ payer }) => {
    const before = met.get(payer)
    if (before === undefined && met.size === payers) return false
    met.set(payer, (before ?? 0) + 1)
    return (before ?? 0) < each
  })
}

function codesTable(caption: string, codes: readonly PricedCode[]): Table {
  return {
    caption,
    columns: [
      { name: 'payer', kind: 'long' },
      { name: 'code', kind: 'long' },
      { name: 'median', kind: 'number' },
      { name: 'first quartile', kind: 'number' },
      { name: 'third quartile', kind: 'number' },
      { name: 'of Medicare', kind: 'number' },
      { name: 'facts', kind: 'number' },
      { name: 'rows', kind: 'number' },
      { name: 'class', kind: 'long' },
    ],
    rows: codes.map((code) => [
      valueLabel(code.payer),
      codeText(code),
      rateText(code.median, code.unit),
      rateText(code.p25, code.unit),
      rateText(code.p75, code.unit),
      code.ratio === null ? '–' : ratioText(code.ratio),
      countText(code.facts),
      countText(code.rows),
      termsText(code),
    ]),
  }
}
