/**
 * How DuckDB is told to read Parquet files whose paths are known. It takes every path for a pattern, so `x[1].parquet`
 * would be `x1.parquet`: here, and nowhere else, a path becomes the pattern that only this path matches. A rule of
 * `eslint.config.js` finds such calls elsewhere.
 */
import { resolve } from 'node:path'
import { sqlString } from '../engine/sql.js'

/** Where none of these is in a path, DuckDB takes it as it stands (`FileSystem::HasGlob`). */
const WILDCARD = /[*?[]/

/**
 * The class of the backslash alone. In a pattern a backslash ends a folder's name, also within a class, and `\\` and
 * `[\\]` are no way to write one. So the class is named by all other ASCII characters; a byte beyond ASCII is not alone
 * in a name, and what follows it would have to be the rest of its character.
 */
const BACKSLASH = '[!]-\u007f\u0001-[]'

/**
 * The pattern that matches a path and no other one, for DuckDB's readers of files.
 *
 * @param path of this machine, relative ones from the current folder
 */
export function exactPath(path: string): string {
  const absolute = resolve(path)
  if (!WILDCARD.test(absolute)) return absolute
  return absolute.replace(/[*?[\\]/g, (character) => (character === '\\' ? BACKSLASH : `[${character}]`))
}

/**
 * `read_parquet([...])` over local files, hive partitioning and file name columns off. A SELECT of nothing else gives the
 * rows in the order of the file, without sorting (`preserve_insertion_order`; DuckDB's documentation, "Order Preservation").
 * With `filename = true` the column holds the absolute path.
 */
export function readParquet(paths: readonly string[], options = ''): string {
  return readParquetList(`[${paths.map((path) => sqlString(exactPath(path))).join(', ')}]`, options)
}

/** As {@link readParquet}. @param list SQL that gives a list of texts, each made by {@link exactPath} */
export function readParquetList(list: string, options = ''): string {
  return `read_parquet(${list}, hive_partitioning = false${options})`
}

/** `parquet_file_metadata(…)`: one row with what the footer of a local file says of the whole. */
export function parquetFileMetadata(path: string): string {
  return `parquet_file_metadata(${sqlString(exactPath(path))})`
}
