/** Finds rows of an input table by a key, in files that may hold millions: all of the key column, little of the others. */
import { type ColumnValues, RowByRow, StoredOnce, sameEverywhere } from './column-values.js'
import { asInteger, asNumber, type ContractValue, type ValueRule } from './contract-values.js'
import type { Coverage } from './coverage.js'
import { heapShares } from './heap-shares.js'
import { KeyFilter } from './key-filter.js'
import { KeySample } from './key-sample.js'
import { NotCovered } from './not-covered.js'
import { type FileColumn, ParquetRows, type ReadLimits, type RowRange } from './parquet-rows.js'
import { RowOfColumns } from './row-of-columns.js'
import { isStoredAsText, type Scalar, type ScalarReader, scalarReader } from './scalars.js'
import { STAR_TABLES, type StarColumn, type StarTableName } from './star-tables.js'
import type { RawValue } from './stored-values.js'

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
  readonly values: RowValues
}

/** What is asked of a row's values. */
export type RowValues = Pick<RowOfColumns<ContractValue>, 'get' | 'has' | typeof Symbol.iterator>

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
    return constantReader(column.list ? null : column.rule(pathScalar(column, inPath)))
  }
  // A column of the type Null holds nothing, whatever its physical type and its nesting are.
  if (found.element.logical_type?.type === 'NULL' && !found.list) return constantReader(null)
  if (found.list !== column.list) throw new NotCovered(`column ${found.name} is ${found.list ? 'a' : 'no'} list`)
  const scalar = scalarReader(found.element)
  const type = column.byCodeType ? typeReader(rows, file) : undefined
  const making = {
    ofText: !column.list && isStoredAsText(found.element) ? (text: string) => column.rule(text) : undefined,
    valueOf: column.list ? listReader(scalar, column.rule) : (raw: RawValue) => column.rule(scalar(raw)),
  }
  return async (range) => {
    const types = await type?.(range)
    const stored = await rows.read(found, range)
    if (!types) return new StoredOnce(stored, making)
    return new RowByRow(stored, (raw, i) => column.rule(scalar(raw), textOf(types.at(i))))
  }
}

/** The reader of a column that holds one value in all rows. */
function constantReader(value: ContractValue): ColumnReader {
  return async ({ from, to }) => sameEverywhere(value, to - from)
}

/** What stands in a path is text, but for columns of numbers: these take a whole number as such. */
function pathScalar({ rule }: StarColumn, text: string | null): Scalar {
  const isNumber = rule === asNumber || rule === asInteger
  return isNumber && text !== null && /^-?[0-9]{1,18}$/.test(text) ? BigInt(text) : text
}

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
  const held = new KeySample(heapShares(depth.limits).rowsOf(STAR_TABLES[table.name].length))
  let unreadable = false
  for (const file of wanted.size === 0 ? [] : table.files) {
    const found = await withFile(table.name, file, { ...depth, coverage }, (rows) =>
      hitsIn(rows, { table: table.name, file, key, wanted, held }, depth),
    )
    if (found === undefined) unreadable = true
    else hits.push(...found)
  }
  const { near, far } = nearest(hits.flatMap(onlyOf(held)), STAR_TABLES[table.name].length - 1, depth.valuesPerTable)
  const unread = new Set(far.flatMap((h) => h.keys))
  const rows = new Map<string, FoundRow[]>()
  for (const hit of near) {
    const read = await withFile(table.name, hit.file, { ...depth, coverage }, (opened) =>
      readRowsAt(opened, { ...hit, table: table.name }, depth, coverage),
    )
    if (read === undefined) for (const one of hit.keys) unread.add(one)
    for (const [i, row] of (read ?? []).entries()) {
      const name = hit.keys[i] ?? ''
      const ofKey = rows.get(name)
      if (ofKey) ofKey.push(row)
      else rows.set(name, [row])
    }
  }
  return { rows, unread: (name) => unreadable || unread.has(name) || !held.has(name) }
}

/** What is left of hits when some keys have fallen out of the sample. */
function onlyOf(held: KeySample): (hit: Hits) => Hits[] {
  return (hit) => {
    const left = [...hit.keys.keys()].filter((i) => held.has(hit.keys[i] ?? ''))
    if (left.length === hit.keys.length) return [hit]
    const pick = <T>(of: readonly T[]): T[] => left.flatMap((i) => of[i] ?? [])
    return left.length === 0 ? [] : [{ ...hit, at: pick(hit.at), keys: pick(hit.keys) }]
  }
}

interface Search {
  readonly table: StarTableName
  readonly file: AuditedFile
  readonly key: string
  readonly wanted: ReadonlySet<string>
  /** Keys whose rows can be held. */
  readonly held: KeySample
}

async function hitsIn(
  rows: ParquetRows,
  { table, file, key, wanted, held }: Search,
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
      for (const i of values.rowsThatMayBe(filter)) {
        const value = values.at(i)
        if (typeof value !== 'string' || !wanted.has(value)) continue
        if (!held.add(value)) continue
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

/** Rows of a table. */
export interface RowsAt {
  readonly table: StarTableName
  readonly file: AuditedFile
  readonly group: RowRange
  /** Rows of the group, ascending. */
  readonly at: readonly number[]
}

/** Reads rows, all columns of the contract. A column that cannot be read is told, and missing in all of them. */
export async function readRowsAt(
  rows: ParquetRows,
  { table, file, group, at }: RowsAt,
  { breathe }: ReadingDepth,
  coverage: Coverage,
): Promise<FoundRow[]> {
  const columns = new Map<string, readonly ContractValue[]>()
  for (const column of STAR_TABLES[table]) {
    try {
      columns.set(column.name, await valuesAt(rows, columnReader(rows, file, column), group, at))
    } catch (error) {
      if (!(error instanceof NotCovered)) throw error
      coverage.leaveOut(table, file.path, error.message)
    }
    await breathe()
  }
  return at.map((_, i) => ({ file: file.path, values: new RowOfColumns(columns, i) }))
}

/** Values of one column at some rows of a group. */
async function valuesAt(
  rows: ParquetRows,
  read: ColumnReader,
  group: RowRange,
  at: readonly number[],
): Promise<ContractValue[]> {
  const found: ContractValue[] = []
  for (const window of rows.windows(group)) {
    const first = at[found.length]
    if (first === undefined || first >= window.to) continue
    let end = found.length
    while (end < at.length && (at[end] ?? window.to) < window.to) end += 1
    const values = await read({ group: group.group, from: first, to: (at[end - 1] ?? first) + 1 })
    for (const row of at.slice(found.length, end)) found.push(values.at(row - first))
  }
  return found
}
