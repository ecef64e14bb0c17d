/** The answer to a query as text that comes piece by piece: an aligned table, CSV, JSON. */
import { plainText } from '../runtime/plain-text.js'
import { cutToWidth, displayWidth } from './output/display-width.js'
import { jsonLine } from './output/json-text.js'
import type { Palette } from './output/palette.js'
import type { CatalogAnswer } from './services.js'

/** A wider cell is cut, so that one long text does not push everything else off the screen. */
const WIDEST_CELL = 60

/** Rows that the widths of a table's columns are taken from; a terminal gets no more of them. */
export const TABLE_ROWS = 1_000

/** Types of plain numbers, of DuckDB and Athena; not of lists and structures of them. */
const NUMBER_TYPE = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL\(\d+,\d+\))$/

type Row = readonly unknown[]

/**
 * One JSON object: `columns` with names and types, then `rows`, each an object by column name on a line of its own. It is
 * valid only when its end has come. A name that occurs again has a number behind it: `a`, `a_1`.
 */
export async function* jsonPieces({ columns, pieces, filesScanned }: CatalogAnswer): AsyncGenerator<string> {
  const names = distinctNames(columns.map(({ name }) => name))
  const described = columns.map((column, i) => ({ ...column, name: names[i] }))
  yield `{\n  "columns": ${jsonLine(described)},\n  "rows": [`
  const keys = names.map((name) => jsonLine(name))
  let separator = '\n    '
  for await (const rows of pieces) {
    let text = ''
    for (const row of rows) {
      text += `${separator}{${keys.map((key, i) => `${key}:${jsonLine(jsonValue(row[i]))}`).join(',')}}`
      separator = ',\n    '
    }
    yield text
  }
  const end = separator.startsWith(',') ? '\n  ]' : ']'
  yield `${end}${filesScanned === undefined ? '' : `,\n  "filesScanned": ${filesScanned}`}\n}\n`
}

/**
 * RFC 4180: CRLF line ends, quotes where needed. NULL is an empty field, the empty text is `""`.
 * @param visible shows control characters as escapes, for a terminal; elsewhere the characters are the data
 */
export async function* csvPieces(
  { columns, pieces }: CatalogAnswer,
  { visible }: { readonly visible: boolean },
): AsyncGenerator<string> {
  const field = visible ? (value: unknown): string => csvField(value, plainText) : csvField
  const lineOf = (row: Row): string => `${columns.map((_, i) => field(row[i])).join(',')}\r\n`
  yield lineOf(columns.map(({ name }) => name))
  for await (const rows of pieces) yield rows.map(lineOf).join('')
}

/** What became of a table that was cut. */
export interface TableEnd {
  /** Whether there are rows that were not shown. */
  cut: boolean
}

/**
 * Columns aligned, numbers to the right, control characters as escapes. The first rows give the columns their widths;
 * cells that are wider and come later stand out.
 *
 * @param options.most rows that are shown; undefined: all
 * @param end told whether there were more
 */
export async function* tablePieces(
  { columns, pieces }: CatalogAnswer,
  { palette, most }: { readonly palette: Palette; readonly most: number | undefined },
  end: TableEnd,
): AsyncGenerator<string> {
  const names = columns.map(({ name }) => cutToWidth(plainText(name), WIDEST_CELL))
  const right = columns.map(({ type }) => NUMBER_TYPE.test(type))
  let layout: ((cells: readonly string[]) => string) | undefined
  let first: string[][] = []
  const beginning = (): string => {
    const widths = names.map((name, i) =>
      first.reduce((widest, cells) => Math.max(widest, displayWidth(cells[i] ?? '')), displayWidth(name)),
    )
    const line = lineOf(widths, right)
    layout = line
    const head = [palette.bold(line(names)), line(widths.map((width) => '─'.repeat(width)))]
    return [...head, ...first.map(line)].map((text) => `${text}\n`).join('')
  }
  for await (const rows of pieces) {
    const lines = rows.map((row) => columns.map((_, i) => cellText(row[i])))
    if (layout) {
      const line = layout
      yield lines.map((cells) => `${line(cells)}\n`).join('')
      continue
    }
    first = [...first, ...lines]
    if (most !== undefined && first.length > most) {
      first.length = most
      end.cut = true
      break
    }
    if (most === undefined && first.length >= TABLE_ROWS) yield beginning()
  }
  if (!layout) yield beginning()
}

function lineOf(widths: readonly number[], right: readonly boolean[]): (texts: readonly string[]) => string {
  return (texts) =>
    texts
      .map((text, i) => {
        const blanks = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(text)))
        return right[i] ? blanks + text : text + blanks
      })
      .join('  ')
      .trimEnd()
}

/** The same names, those that occur again with a number behind them. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let n = 1; taken.has(unique); n++) unique = `${name}_${n}`
    taken.add(unique)
    return unique
  })
}

function cellText(value: unknown): string {
  return cutToWidth(shownValue(value), WIDEST_CELL)
}

/** A value of any length for a terminal, control characters as escapes. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  return plainText(typeof value === 'string' ? value : plainValue(value))
}

function csvField(value: unknown, shown: (text: string) => string = (text) => text): string {
  if (value === null || value === undefined) return ''
  const text = shown(typeof value === 'string' ? value : plainValue(value))
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function plainValue(value: unknown): string {
  if (typeof value === 'object') return JSON.stringify(jsonValue(value))
  return String(value)
}

/** A value as JSON can hold it: whole numbers beyond 2^53 as text, dates as ISO 8601. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(jsonValue)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  // Engine types (decimals, dates, intervals) know how they are written.
  if (Object.getPrototypeOf(value) !== Object.prototype) return String(value)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonValue(item)]))
}
