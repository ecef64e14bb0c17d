/** The analytics table as DuckDB reads it: a SELECT over exactly the files of one snapshot. */
import { join, resolve } from 'node:path'
import { readParquet } from '../../engine/parquet-scan.js'
import { sqlIdentifier } from '../../engine/sql.js'
import type { CatalogColumn, PublishedAnalytics } from '../catalog.js'
import { emptySelect } from './table-select.js'

/** Name of the view of the partitioned files, where the table's own name stands for the analytics table. */
export function partitionedName(table: string): string {
  return `${table}_partitioned`
}

/**
 * A SELECT that gives the table's columns. Which files and row groups are read follows from their statistics.
 * @param columns all columns of the table, in its order
 */
export function analyticsSelect(
  columns: readonly CatalogColumn[],
  { uri, files }: Pick<PublishedAnalytics, 'uri' | 'files'>,
): string {
  if (files.length === 0) return emptySelect(columns)
  const root = resolve(uri)
  const names = columns.map(({ name }) => sqlIdentifier(name)).join(', ')
  return `SELECT ${names} FROM ${readParquet(files.map(({ key }) => join(root, key)))}`
}
