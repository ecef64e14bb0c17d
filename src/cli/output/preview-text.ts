/** A few rows of a wide table on a terminal: the columns that fit, or all columns one below the other. */
import { shownValue, tablePieces } from '../answer-text.js'
import type { CatalogAnswer } from '../services.js'
import { displayWidth } from './display-width.js'
import type { Palette } from './palette.js'
import { cutLine, wrapLine } from './wrapped-line.js'

/** The widest cell of a narrowed table: ids of 32 digits are whole. */
const WIDEST = 32

/** Blanks between two columns of a table. */
const GAP = 2

/** What one looks for first: the ids that `etl3 why` takes, then what the row says. */
const FIRST: readonly string[] = [
  ...['fact_uid', 'npi', 'code', 'negotiated_rate', 'state', 'payer_slug', 'billing_class', 'code_type'],
  ...['negotiated_type', 'rate_to_medicare_ratio', 'year', 'month', 'last_name', 'organization_name'],
  ...['primary_taxonomy_code', 'stat_area_name', 'procedure_set', 'procedure_class', 'code_name'],
]

/** What became of the columns. */
export interface PreviewEnd {
  /** Columns that were not shown. */
  hidden: number
}

/** How a preview is shown. */
export interface PreviewStyle {
  readonly palette: Palette
  /** Columns of the terminal. */
  readonly width: number
  /** All columns, one below the other. */
  readonly vertical: boolean
  /** Whether a person chose the columns: then they stand in the order of the answer. */
  readonly chosen: boolean
}

/** @param end told how many columns were left out */
export async function* previewPieces(
  answer: CatalogAnswer,
  style: PreviewStyle,
  end: PreviewEnd,
): AsyncGenerator<string> {
  const rows: (readonly unknown[])[] = []
  for await (const piece of answer.pieces) rows.push(...piece)
  if (style.vertical) yield vertical(answer, rows, style)
  else yield* narrowed(answer, rows, style, end)
}

function vertical({ columns }: CatalogAnswer, rows: readonly (readonly unknown[])[], style: PreviewStyle): string {
  const names = columns.map(({ name }) => shownValue(name))
  const indent = Math.max(0, ...names.map(displayWidth)) + GAP
  const lines = rows.flatMap((row, n) => [
    style.palette.bold(`row ${n + 1}`),
    ...names.flatMap((name, i) =>
      wrapLine(shownValue(row[i]), Math.max(WIDEST, style.width - indent), 0)
        .split('\n')
        .map((line, k) => `${(k === 0 ? name : '').padEnd(indent)}${line}`),
    ),
    '',
  ])
  return lines
    .slice(0, -1)
    .map((line) => `${line}\n`)
    .join('')
}

async function* narrowed(
  answer: CatalogAnswer,
  rows: readonly (readonly unknown[])[],
  { palette, width, chosen }: PreviewStyle,
  end: PreviewEnd,
): AsyncGenerator<string> {
  const { columns } = answer
  const shown = rows.map((row) => columns.map((_, i) => narrowCell(row[i])))
  const order = chosen ? [...columns.keys()] : inOrderOfInterest(columns)
  const fitting: number[] = []
  let free = width + GAP
  for (const i of order) {
    const cells = shown.map((row) => displayWidth(shownValue(row[i])))
    const needed = Math.max(displayWidth(columns[i]?.name ?? ''), ...cells) + GAP
    // One column is shown in any case: a table without columns says nothing.
    if (needed > free && fitting.length > 0) continue
    fitting.push(i)
    free -= needed
  }
  end.hidden = columns.length - fitting.length
  const pieces = (async function* () {
    yield shown.map((row) => fitting.map((i) => row[i]))
  })()
  const narrow = { ...answer, columns: fitting.flatMap((i) => columns[i] ?? []), pieces }
  yield* tablePieces(narrow, { palette, most: undefined }, { cut: false })
}

/** Columns by which a row is known first; the others in the order of the answer. */
function inOrderOfInterest(columns: CatalogAnswer['columns']): number[] {
  const rank = (i: number): number => {
    const place = FIRST.indexOf(columns[i]?.name ?? '')
    return place < 0 ? FIRST.length : place
  }
  return [...columns.keys()].sort((a, b) => rank(a) - rank(b))
}

/** A long text ends after a word. What is no text stays as it is, for the table to align. */
function narrowCell(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value
  return cutLine(shownValue(value), WIDEST)
}
