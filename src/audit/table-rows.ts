/** Finds rows of an input table by a key, in files that may hold millions: all of the key column, little of the others. */
import { asInteger, asNumber, type ContractValue, type ValueRule } from './contract-values.js'
import type { Coverage } from './coverage.js'
import { KeyFilter } from './key-filter.js'
import {
  type FileColumn,
  NotCovered,
  ParquetRows,
  type RawValue,
  type ReadLimits,
  type RowRange,
} from './parquet-rows.js'
import { isStoredAsText, type Scalar, type ScalarReader, scalarReader } from './scalars.js'
import { STAR_TABLES, type StarColumn, type StarTableName } from './star-tables.js'

/** A file of an input table. */
export interface AuditedFile {
  /** As the run knows it. */
  readonly path: string
  /** Where this machine reads it. */
  readonly local: string
  /** Decides which of its facts are taken: a number that only depends on what the file holds. */
  readonly seed: number
  /** Columns that stand in the file's path and not in the file. */
  readonly pathColumns: ReadonlyMap<string, string | null>
}

/** An input table. */
export interface AuditedTable {
  readonly name: StarTableName
  readonly files: readonly AuditedFile[]
}

/** Values of one row, by column. A column that could not be read is not there. */
export interface FoundRow {
  readonly file: string
  readonly values: ReadonlyMap<string, ContractValue>
}

/** What a search found. */
export interface FoundRows {
  /** Rows by key. */
  readonly rows: ReadonlyMap<string, readonly FoundRow[]>
  /** Keys of which some rows were not read: too far from the others, or in a file that the reader cannot read. */
  readonly unread: (key: string) => boolean
}

/** How far reading goes. */
export interface ReadingDepth {
  readonly limits: ReadLimits
  /** Values beside those of the key that are read of one table at most; one lot of row groups in any case. */
  readonly valuesPerTable: number
  /** Called between pieces of work. @throws when the run is cancelled */
  readonly breathe: () => Promise<void>
}

/** Values of a column in some rows, after its rule. Each is made when it is asked for: most never are. */
export interface ColumnValues {
  readonly length: number
  /** @throws NotCovered where the value is none of the contract's */
  at(i: number): ContractValue
  /** Whether the value may be one that the filter knows; never false where it is. */
  mayBe(i: number, filter: KeyFilter): boolean
  /**
   * What a function gives of each value. A value that the file stores once for many rows is asked for once.
   * @param known what was asked for before, of one column and one function; of no column whose rule needs `code_type`
   */
  each<T>(of: (value: ContractValue) => T, known: Map<unknown, T>): (i: number) => T
}

/** Reads a column. @throws NotCovered when it cannot be read */
export type ColumnReader = (range: RowRange) => Promise<ColumnValues>

/** Opens a file, calls `act`, and closes it. A file that cannot be read is told and passed over. */
export async function withFile<T>(
  table: StarTableName,
  file: AuditedFile,
  { limits, coverage }: { readonly limits: ReadLimits; readonly coverage: Coverage },
  act: (rows: ParquetRows) => Promise<T>,
): Promise<T | undefined> {
  let rows: ParquetRows | undefined
  try {
    rows = await ParquetRows.open(file.local, limits)
    return await act(rows)
  } catch (error) {
    if (!(error instanceof NotCovered)) throw error
    coverage.leaveOut(table, file.path, error.message)
    return undefined
  } finally {
    rows?.close()
  }
}

/**
 * A reader of one column of the contract in one file, or of what stands in its place: the path's value, or NULL where
 * the file has no such column.
 */
export function columnReader(rows: ParquetRows, file: AuditedFile, column: StarColumn): ColumnReader {
  const found = columnOf(rows, column.name)
  if (!found) {
    const inPath = file.pathColumns.get(column.name) ?? null
    return sameEverywhere(column.list ? null : column.rule(pathScalar(column, inPath)))
  }
  // A column of the type Null holds nothing, whatever its physical type and its nesting are.
  if (found.element.logical_type?.type === 'NULL' && !found.list) return sameEverywhere(null)
  if (found.list !== column.list) throw new NotCovered(`column ${found.name} is ${found.list ? 'a' : 'no'} list`)
  const scalar = scalarReader(found.element)
  const type = column.byCodeType ? typeReader(rows, file) : undefined
  return async (range) => {
    const types = await type?.(range)
    const raw = await rows.read(found, range)
    const isText = isStoredAsText(found.element)
    if (column.list) return valuesOf(raw, isText, listReader(scalar, column.rule))
    return valuesOf(raw, isText, (value, i) => column.rule(scalar(value), textOf(types?.at(i))))
  }
}

/** The reader of a column that holds one value in all rows. */
function sameEverywhere(value: ContractValue): ColumnReader {
  return async ({ from, to }) => ({
    length: to - from,
    at: () => value,
    mayBe: () => value !== null,
    each: (of) => {
      const result = of(value)
      return () => result
    },
  })
}

/** What stands in a path is text, but for columns of numbers: these take a whole number as such. */
function pathScalar({ rule }: StarColumn, text: string | null): Scalar {
  const isNumber = rule === asNumber || rule === asInteger
  return isNumber && text !== null && /^-?[0-9]{1,18}$/.test(text) ? BigInt(text) : text
}

function valuesOf(
  raw: readonly RawValue[],
  isText: boolean,
  valueAt: (raw: RawValue, i: number) => ContractValue,
): ColumnValues {
  const at = (i: number): ContractValue => valueAt(raw[i] ?? null, i)
  return {
    length: raw.length,
    at,
    mayBe: (i, filter) => {
      const value = raw[i]
      // Bytes of a decimal or a UUID are not those of its digits.
      if (isText && value instanceof Uint8Array) return filter.mayBe(value)
      return value !== null && value !== undefined
    },
    each: (of, known) => (i) => {
      const stored = raw[i]
      const found = known.get(stored)
      if (found !== undefined) return found
      const result = of(at(i))
      if (known.size < MOST_KNOWN) known.set(stored, result)
      return result
    },
  }
}

/** Entries of a dictionary, which come as the same bytes again and again, are seldom more. */
const MOST_KNOWN = 65_536

function columnOf(rows: ParquetRows, name: string): FileColumn | undefined {
  return rows.columns.find((c) => plainName(c.name) === name)
}

/** Names count without regard to case, and without blanks and a byte order mark around them. */
function plainName(name: string): string {
  return name.trim().toLowerCase()
}

function listReader(scalar: ScalarReader, rule: ValueRule): (raw: RawValue) => ContractValue {
  return (raw) => {
    if (!Array.isArray(raw)) return null
    return raw.map((item) => {
      const value = rule(scalar(item))
      return typeof value === 'number' ? String(value) : value
    })
  }
}

/** Reads `code_type` where a code may need it: one that is text never does. */
function typeReader(rows: ParquetRows, file: AuditedFile): ColumnReader | undefined {
  const code = columnOf(rows, 'code')?.element
  return code && isStoredAsText(code) ? undefined : columnReader(rows, file, starColumn('dim_code', 'code_type'))
}

function textOf(value: ContractValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

/** A column of a table. */
export function starColumn(table: StarTableName, name: string): StarColumn {
  const column = STAR_TABLES[table].find((c) => c.name === name)
  if (!column) throw new Error(`${table} has no column '${name}'`)
  return column
}

interface Hits {
  readonly file: AuditedFile
  readonly group: RowRange
  /** Rows of the group with a wanted key, ascending, and their keys. */
  readonly at: readonly number[]
  readonly keys: readonly string[]
}

/** Finds the rows with a wanted key. */
export async function findRows(
  table: AuditedTable,
  key: string,
  wanted: ReadonlySet<string>,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<FoundRows> {
  const hits: Hits[] = []
  let unreadable = false
  for (const file of wanted.size === 0 ? [] : table.files) {
    const found = await withFile(table.name, file, { ...depth, coverage }, (rows) =>
      hitsIn(rows, table.name, file, key, wanted, depth),
    )
    if (found === undefined) unreadable = true
    else hits.push(...found)
  }
  const { near, far } = nearest(hits, STAR_TABLES[table.name].length - 1, depth.valuesPerTable)
  const unread = new Set(far.flatMap((h) => h.keys))
  const rows = new Map<string, FoundRow[]>()
  for (const hit of near) {
    const read = await withFile(table.name, hit.file, { ...depth, coverage }, (opened) =>
      rowsOf(opened, table.name, hit, depth, coverage),
    )
    if (read === undefined) for (const one of hit.keys) unread.add(one)
    for (const [i, row] of (read ?? []).entries()) {
      const name = hit.keys[i] ?? ''
      rows.set(name, [...(rows.get(name) ?? []), row])
    }
  }
  return { rows, unread: (name) => unreadable || unread.has(name) }
}

async function hitsIn(
  rows: ParquetRows,
  table: StarTableName,
  file: AuditedFile,
  key: string,
  wanted: ReadonlySet<string>,
  { breathe }: ReadingDepth,
): Promise<Hits[]> {
  const read = columnReader(rows, file, starColumn(table, key))
  const filter = new KeyFilter(wanted)
  const hits: Hits[] = []
  for (const group of rows.groups) {
    const at: number[] = []
    const keys: string[] = []
    for (const window of rows.windows(group)) {
      const values = await read(window)
      for (let i = 0; i < values.length; i++) {
        if (!values.mayBe(i, filter)) continue
        const value = values.at(i)
        if (typeof value !== 'string' || !wanted.has(value)) continue
        at.push(window.from + i)
        keys.push(value)
      }
      await breathe()
    }
    if (at.length > 0) hits.push({ file, group, at, keys })
  }
  return hits
}

/**
 * The row groups that are read. A key of which one row is not read is of no use, so keys count by the row groups that all
 * of their rows lie in: where most keys need the same ones, these are read first, and one lot in any case.
 */
function nearest(
  hits: readonly Hits[],
  columns: number,
  values: number,
): { readonly near: readonly Hits[]; readonly far: readonly Hits[] } {
  const needed = new Map<string, Set<Hits>>()
  for (const hit of hits) for (const key of hit.keys) needed.set(key, (needed.get(key) ?? new Set()).add(hit))
  const lots = new Map<string, { readonly needs: ReadonlySet<Hits>; keys: number }>()
  for (const needs of needed.values()) {
    const name = [...needs].map((hit) => hits.indexOf(hit)).join()
    const lot = lots.get(name) ?? { needs, keys: 0 }
    lot.keys += 1
    lots.set(name, lot)
  }
  const near = new Set<Hits>()
  let left = values
  for (const { needs } of [...lots.values()].sort((a, b) => b.keys - a.keys)) {
    const more = [...needs].filter((hit) => !near.has(hit))
    const cost = more.reduce((sum, { group }) => sum + (group.to - group.from) * columns, 0)
    if (near.size > 0 && cost > left) continue
    left -= cost
    for (const hit of more) near.add(hit)
  }
  return { near: hits.filter((h) => near.has(h)), far: hits.filter((h) => !near.has(h)) }
}

async function rowsOf(
  rows: ParquetRows,
  table: StarTableName,
  { file, group, at }: Hits,
  { breathe }: ReadingDepth,
  coverage: Coverage,
): Promise<FoundRow[]> {
  const found = at.map(() => new Map<string, ContractValue>())
  for (const column of STAR_TABLES[table]) {
    try {
      await readAt(rows, columnReader(rows, file, column), group, at, (i, value) => found[i]?.set(column.name, value))
    } catch (error) {
      if (!(error instanceof NotCovered)) throw error
      coverage.leaveOut(table, file.path, error.message)
      for (const values of found) values.delete(column.name)
    }
    await breathe()
  }
  return found.map((values) => ({ file: file.path, values }))
}

/** Values of one column at some rows of a group, ascending. */
export async function readAt(
  rows: ParquetRows,
  read: ColumnReader,
  group: RowRange,
  at: readonly number[],
  take: (i: number, value: ContractValue) => void,
): Promise<void> {
  let next = 0
  for (const window of rows.windows(group)) {
    const first = at[next]
    if (first === undefined || first >= window.to) continue
    let last = first
    for (let i = next; i < at.length && (at[i] ?? window.to) < window.to; i++) last = at[i] ?? last
    const values = await read({ group: group.group, from: first, to: last + 1 })
    for (; next < at.length && (at[next] ?? window.to) < window.to; next++) {
      take(next, values.at((at[next] ?? first) - first))
    }
  }
}
