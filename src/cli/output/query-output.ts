/** The answer to a query as an aligned table, as CSV and as JSON. */
import { plainText } from '../../runtime/plain-text.js'
import type { QueryAnswer } from '../services.js'
import { cutToWidth, displayWidth } from './display-width.js'
import type { Palette } from './palette.js'

/** A wider cell is cut, so that one long text does not push everything else off the screen. */
const WIDEST_CELL = 60

/** Types of plain numbers, of DuckDB and Athena; not of lists and structures of them. */
const NUMBER_TYPE = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL\(\d+,\d+\))$/

/** Rows as objects by column name; `columns` keeps the order and the types. */
export function jsonRows({ columns, rows, filesScanned }: QueryAnswer): Readonly<Record<string, unknown>> {
  return {
    columns,
    rows: rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, jsonValue(row[index])]))),
    ...(filesScanned === undefined ? {} : { filesScanned }),
  }
}

/** RFC 4180: CRLF line ends, quotes where needed. NULL is an empty field, the empty text is `""`. */
export function csvText({ columns, rows }: QueryAnswer): string {
  const lines = [columns.map(({ name }) => csvField(name)), ...rows.map((row) => row.map(csvField))]
  return lines.map((fields) => `${fields.join(',')}\r\n`).join('')
}

/** Columns aligned, numbers to the right, control characters as escapes. */
export function tableText({ columns, rows }: QueryAnswer, palette: Palette): string {
  const cells = rows.map((row) => columns.map((_, index) => cellText(row[index])))
  const names = columns.map(({ name }) => cutToWidth(plainText(name), WIDEST_CELL))
  const widths = names.map((name, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), displayWidth(name)),
  )
  const right = columns.map(({ type }) => NUMBER_TYPE.test(type))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const blanks = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)))
        return right[index] ? blanks + text : text + blanks
      })
      .join('  ')
      .trimEnd()
  return [palette.bold(line(names)), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n')
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  return cutToWidth(plainText(typeof value === 'string' ? value : plainValue(value)), WIDEST_CELL)
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : plainValue(value)
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
