/** What moved since the last published run: medians by code and payer, new and vanished codes. */
import { countOf, countText } from '../runtime/figures.js'
import { html, type Markup } from './html.js'
import { details, table } from './page-parts.js'
import { FEWEST_FACTS, SMALLEST_MOVE } from './rate-moves.js'
import { codeText, moveText, rateText, termsText } from './rates-texts.js'
import type { RateMoves, RunReport } from './run-report.js'
import { valueLabel } from './value-label.js'

/** Moves that stand open; the others are one click away. */
const OPEN_MOVES = 15

/** The section's content. */
export function movesSection({ rates, previous }: RunReport): Markup {
  const moves = rates?.moves
  if (previous === null) return html`<p>This is the first run of the table.</p>`
  if (!moves) return html`<p>The last published run kept no rates.</p>`
  const more = moves.largest.length - OPEN_MOVES
  return html`<p>${movesSentence(moves)}</p>
${moves.largest.length === 0 ? undefined : movesTable('The largest moves of a median, by code and payer', moves.largest.slice(0, OPEN_MOVES))}${
  more > 0
    ? details(
        `More moves (${countText(more)})`,
        movesTable('Further moves of a median', moves.largest.slice(OPEN_MOVES)),
      )
    : undefined
}${payers('New payers', moves.newPayers)}${payers('Payers that are gone', moves.gonePayers)}${codes('New codes', moves.newCodes)}${codes('Codes that are gone', moves.goneCodes)}`
}

/** How many medians moved, and what is left out. */
export function movesSentence({ compared, changed, moved }: RateMoves): string {
  if (compared === 0) return 'No code of a payer has a rate in both runs.'
  if (changed === 0) return `None of ${countOf(compared, 'median')} by code and payer changed.`
  const others = changed === moved ? '' : `; ${countText(changed - moved)} more changed by less or have fewer facts`
  return `${countText(moved)} of ${countOf(compared, 'median')} by code and payer moved by at least ${100 * SMALLEST_MOVE} %, with ${countText(FEWEST_FACTS)} or more facts in both runs${others}.`
}

function movesTable(caption: string, moves: RateMoves['largest']): Markup {
  return table({
    caption,
    columns: [
      { name: 'payer', kind: 'long' },
      { name: 'code', kind: 'long' },
      { name: 'moved', kind: 'number' },
      { name: 'median before', kind: 'number' },
      { name: 'median now', kind: 'number' },
      { name: 'facts before', kind: 'number' },
      { name: 'facts now', kind: 'number' },
      { name: 'class', kind: 'long' },
    ],
    rows: moves.map((move) => [
      valueLabel(move.payer),
      codeText(move),
      moveText(move.before, move.after),
      rateText(move.before, move.unit),
      rateText(move.after, move.unit),
      countText(move.factsBefore),
      countText(move.factsAfter),
      termsText(move),
    ]),
  })
}

function payers(what: string, found: RateMoves['newPayers']): Markup | undefined {
  if (found.count === 0) return undefined
  return details(
    `${what} (${countText(found.count)})`,
    table({
      caption: `${what}, those with the most facts first`,
      columns: [{ name: 'payer' }, { name: 'facts', kind: 'number' }],
      rows: found.payers.map(({ payer, facts }) => [valueLabel(payer), countText(facts)]),
    }),
  )
}

function codes(what: string, found: RateMoves['newCodes']): Markup | undefined {
  if (found.count === 0) return undefined
  return details(
    `${what} (${countText(found.count)})`,
    table({
      caption: `${what} of payers that both runs have, those with the most facts first`,
      columns: [{ name: 'payer' }, { name: 'code', kind: 'long' }, { name: 'facts', kind: 'number' }],
      rows: found.codes.map((code) => [valueLabel(code.payer), codeText(code), countText(code.facts)]),
    }),
  )
}
