/**
 * Compares what the table's metadata will say of a file's columns with what the file holds: how many values and NULLs
 * there are, and bounds that leave none of them out. A reader passes over a file by these figures, so one that is wrong
 * loses rows. The figures are read here by the specification's words (appendix D), and not by the code that made them.
 */
import type { Cell, Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import type { ColumnMetrics } from '../iceberg/data-file.js'
import type { TableColumn } from '../iceberg/table-columns.js'
import type { ColumnType } from '../parquet/factorised.js'

/** A file, and what the metadata will say of it. */
interface FileWithFigures {
  /** Absolute path of the file, or of a copy. */
  readonly path: string
  /** In the order of the table's columns. */
  readonly figures: readonly ColumnMetrics[]
}

/** What a file has in one column. */
interface Found {
  readonly values: number
  readonly nans: number
  /** The lowest and the highest value; null where there is none. NaN is neither. */
  readonly lowest: Cell
  readonly highest: Cell
}

/** Columns that are read at once. All of them took 100 MB beside the engine's own limit. */
const COLUMNS_AT_ONCE = 8

/**
 * Reads each column of a file once.
 *
 * @returns a figure that does not hold, in words; undefined where all of them do
 */
export async function wrongFigure(
  engine: Engine,
  columns: readonly TableColumn[],
  { path, figures }: FileWithFigures,
): Promise<string | undefined> {
  if (figures.length !== columns.length) return 'the number of columns'
  const row: Record<string, Cell> = {}
  for (let from = 0; from < columns.length; from += COLUMNS_AT_ONCE) {
    const some = columns.slice(from, from + COLUMNS_AT_ONCE)
    const read = some.flatMap((column, i) => (column.type === 'list' ? [] : aggregates(column, from + i)))
    Object.assign(
      row,
      await engine.row(`SELECT ${['count(*) AS rows', ...read].join(', ')} FROM ${readParquet([path])}`),
    )
  }
  for (const [i, column] of columns.entries()) {
    const said = figures[i]
    const wrong = said && wrongOf(column, said, Number(row['rows']), foundIn(row, i))
    if (wrong !== undefined) return `${wrong} of the column ${column.name}`
  }
  return undefined
}

function aggregates({ name, type }: TableColumn, i: number): string[] {
  const column = sqlIdentifier(name)
  const value = type === 'date' ? `(${column} - DATE '1970-01-01')` : column
  const isNumber = type === 'double' ? ` FILTER (NOT isnan(${column}))` : ''
  return [
    `count(${column}) AS values_${i}`,
    `min(${value})${isNumber} AS lowest_${i}`,
    `max(${value})${isNumber} AS highest_${i}`,
    ...(type === 'double' ? [`count(*) FILTER (isnan(${column})) AS nans_${i}`] : []),
  ]
}

/** Of a list nothing was asked. */
function foundIn(row: Readonly<Record<string, Cell>>, i: number): Found {
  return {
    values: Number(row[`values_${i}`] ?? 0),
    nans: Number(row[`nans_${i}`] ?? 0),
    lowest: row[`lowest_${i}`] ?? null,
    highest: row[`highest_${i}`] ?? null,
  }
}

function wrongOf(
  { type, fieldId, elementFieldId }: TableColumn,
  said: ColumnMetrics,
  rows: number,
  found: Found,
): string | undefined {
  if (said.fieldId !== (elementFieldId ?? fieldId)) return 'the field id'
  // Readers take no count and no bound of a list for anything but that of its elements.
  if (type === 'list') return hasFigures(said) ? 'a count' : undefined
  if (said.values !== rows) return 'the count of values'
  if (said.nulls !== rows - found.values) return 'the count of NULLs'
  if (said.nans !== undefined && said.nans !== found.nans) return 'the count of NaNs'
  const hasBounds = said.lower !== undefined || said.upper !== undefined
  // To some readers NaN is larger than every number, to others it is none.
  if (found.nans > 0) return hasBounds ? 'a bound beside a NaN' : undefined
  if (found.lowest === null || found.highest === null) return hasBounds ? 'a bound of no value' : undefined
  if (said.lower !== undefined && !isAtMost(type, said.lower, lowestForm(found.lowest))) return 'the lower bound'
  if (said.upper !== undefined && !isAtLeast(type, said.upper, highestForm(found.highest))) return 'the upper bound'
  return undefined
}

function hasFigures({ values, nulls, nans, lower, upper }: ColumnMetrics): boolean {
  return [values, nulls, nans, lower, upper].some((figure) => figure !== undefined)
}

/** To the engine the two zeros are one: either may be in the file. */
function lowestForm(value: Cell): Cell {
  return value === 0 ? -0 : value
}

function highestForm(value: Cell): Cell {
  return value === 0 ? 0 : value
}

function isAtMost(type: ColumnType, bound: string, value: Cell): boolean {
  return compare(type, Buffer.from(bound, 'base64'), value) <= 0
}

function isAtLeast(type: ColumnType, bound: string, value: Cell): boolean {
  return compare(type, Buffer.from(bound, 'base64'), value) >= 0
}

/** Texts are in the order of their bytes, -0 is before 0. NaN where a bound has not the form of its type. */
function compare(type: ColumnType, bound: Buffer, value: Cell): number {
  if (type === 'string') return Buffer.compare(bound, Buffer.from(String(value)))
  if (bound.byteLength !== BYTES[type]) return Number.NaN
  const number = numberOf(type, bound)
  const other = Number(value)
  if (number === 0 && other === 0) return Number(Object.is(other, -0)) - Number(Object.is(number, -0))
  return number === other ? 0 : number < other ? -1 : number > other ? 1 : Number.NaN
}

const BYTES: Readonly<Record<ColumnType, number>> = { string: -1, double: 8, int32: 4, date: 4, boolean: 1, list: -1 }

function numberOf(type: ColumnType, bytes: Buffer): number {
  if (type === 'double') return bytes.readDoubleLE()
  return type === 'boolean' ? bytes.readUInt8() : bytes.readInt32LE()
}
