/**
 * Columns that stand in a path, `year_month=2025-06/part-0.parquet`, as Hive, Spark and DuckDB write them.
 *
 * Every folder of the path counts, as in DuckDB. A column that the file holds itself is the file's: ETL3 has always
 * read it there. Spark and DuckDB would take the path's, Athena refuses such a table, so a difference is told.
 */
import type { TableName } from '../config/schema.js'
import { sqlString } from '../engine/sql.js'
import type { ColumnKind } from './column-kinds.js'
import { contractOf } from './contract.js'

/** Value of each column of the contract that stands in a path; null for NULL. */
export type PathColumns = Readonly<Record<string, string | null>>

/** Hive's word for NULL in a path. */
const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__'

/** The columns of a table that stand in the folders of a path; of two of a name the nearer to the file. */
export function pathColumnsOf(table: TableName, path: string): PathColumns {
  const columns: Record<string, string | null> = {}
  if (!path.includes('=')) return columns
  const byName = new Map(contractOf(table).columns.map((column) => [column.name.toLowerCase(), column]))
  for (const folder of path.split('/').slice(0, -1)) {
    const sign = folder.indexOf('=')
    const column = sign < 1 ? undefined : byName.get(decoded(folder.slice(0, sign)).toLowerCase())
    if (column === undefined) continue
    const value = folder.slice(sign + 1)
    columns[column.name] = value === NULL_PARTITION ? null : plain(column.kind, decoded(value))
  }
  return columns
}

/** Whole numbers without the fraction that pandas writes where a column has a missing value: `2025.0` is 2025. */
function plain(kind: ColumnKind, value: string): string {
  return isNumber(kind) ? value.replace(/^(-?\d{1,18})\.0*$/, '$1') : value
}

function isNumber(kind: ColumnKind): boolean {
  return kind === 'number' || kind === 'integer'
}

/**
 * A column's value as SQL. Text, but for columns of numbers: these take a whole number as such.
 *
 * @returns the literal, and its type in DuckDB
 */
export function pathColumnInSql(
  kind: ColumnKind,
  value: string | null,
): { readonly sql: string; readonly type: string } {
  const type = isNumber(kind) && (value === null || /^-?\d{1,18}$/.test(value)) ? 'BIGINT' : 'VARCHAR'
  return { sql: `${value === null ? 'NULL' : sqlString(value)}::${type}`, type }
}

/** `%41` for `A`, of single bytes (Hive) or of UTF-8 (DuckDB). What is none stays as it is, as in Hive. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex')
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      return escapes
    }
  })
}
