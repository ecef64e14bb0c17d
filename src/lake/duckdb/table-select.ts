/** The table as DuckDB reads it: a SELECT over exactly the published files, never a glob. */
import { resolve } from 'node:path'
import { exactPath, readParquetList } from '../../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import { IntegrityError } from '../../runtime/errors.js'
import type { CatalogColumn } from '../catalog.js'
import { NULL_IN_PATH } from '../keys.js'
import type { KeyList } from './key-list.js'

/** What the SELECT is made from. */
export interface TableSelectInput {
  /** All columns of the table, in its order. */
  readonly columns: readonly CatalogColumn[]
  readonly partitionColumns: readonly string[]
  /** Folder of the table. */
  readonly tableRoot: string
  /** Keys of the objects. They hold no line breaks: `keys.ts` escapes them. */
  readonly keys: KeyList
  /** SQL for the list of {@link tablePaths}. Default: the list itself. */
  readonly files?: string
}

/**
 * A SELECT that gives the table's columns.
 *
 * Partition columns come from the file's name, although the file holds them too: DuckDB evaluates a filter over the
 * name before it opens a file, and so opens only those that it needs ("Scanning Files" in EXPLAIN ANALYZE). That holds
 * for functions that cannot fail; url_decode and list_extract can, so they are not used here.
 */
export function tableSelect(input: TableSelectInput): string {
  if (input.keys.size === 0) return emptySelect(input.columns)
  const root = resolve(input.tableRoot)
  const segments = input.partitionColumns.map((_, i) => observeSegments(input.keys.segments(i)))
  const columns = input.columns.map(({ name }) => {
    const position = input.partitionColumns.indexOf(name)
    const observed = segments[position]
    if (!observed) return sqlIdentifier(name)
    // split_part counts from 1, and an absolute path starts with an empty part.
    const part = root.split('/').length + position + 1
    return `${decodedSegment(part, `${name}=`.length, observed)} AS ${sqlIdentifier(name)}`
  })
  return `SELECT ${columns.join(', ')} FROM ${readParquetList(input.files ?? tablePaths(root, input.keys), ', filename = true')}`
}

/**
 * SQL for the list of the paths of a table's objects, as DuckDB reads them. Keys hold no wildcard: `keys.ts` escapes those.
 *
 * @param root folder of the table
 */
export function tablePaths(root: string, keys: KeyList): string {
  return keys.paths(exactPath(root))
}

/** What occurs in one place of the keys, so that the SQL decodes that and no more. */
interface ObservedSegment {
  readonly hasNull: boolean
  /** `%2F` … as they occur. */
  readonly escapes: Set<string>
}

function observeSegments(texts: Iterable<string>): ObservedSegment {
  const observed = { hasNull: false, escapes: new Set<string>() }
  for (const text of texts) {
    if (text.endsWith(`=${NULL_IN_PATH}`)) observed.hasNull = true
    else for (const [code] of text.matchAll(/%[0-9A-F]{2}/g)) observed.escapes.add(code)
  }
  return observed
}

function decodedSegment(part: number, prefixLength: number, { hasNull, escapes }: ObservedSegment): string {
  let sql = `substr(split_part(filename, '/', ${part}), ${prefixLength + 1})`
  if (hasNull) sql = `nullif(${sql}, ${sqlString(NULL_IN_PATH)})`
  // '%25' last: every '%' in a key begins an escape, and only this one leaves a '%' behind.
  for (const code of [...escapes].sort((a, b) => Number(a === '%25') - Number(b === '%25'))) {
    sql = `replace(${sql}, ${sqlString(code)}, chr(${Number.parseInt(code.slice(1), 16)}))`
  }
  return sql
}

/** A SELECT that gives the table's columns, and no rows. */
export function emptySelect(columns: readonly CatalogColumn[]): string {
  const nulls = columns.map(({ name, type }) => `NULL::${duckDbType(type)} AS ${sqlIdentifier(name)}`)
  return `SELECT ${nulls.join(', ')} WHERE false`
}

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  double: 'DOUBLE',
  int: 'INTEGER',
  bigint: 'BIGINT',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

function duckDbType(type: string): string {
  const item = /^array<(.+)>$/.exec(type)?.[1]
  if (item !== undefined) return `${duckDbType(item)}[]`
  const name = DUCKDB_TYPES[type]
  if (name === undefined) throw new IntegrityError('ETL3-CA-02', `the embedded catalog has no type for '${type}'`)
  return name
}
