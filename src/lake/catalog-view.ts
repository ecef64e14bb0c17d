/** The table as DuckDB reads it: a SELECT over exactly the published files. */
import { resolve } from 'node:path'
import { readParquet } from '../runtime/engine.js'
import { sqlIdentifier, sqlString } from '../runtime/sql.js'
import type { CatalogColumn } from './catalog.js'
import { decodePartitionValue, NULL_IN_PATH } from './keys.js'

/** What the SELECT is made from. */
export interface TableSelectInput {
  readonly columns: readonly CatalogColumn[]
  readonly partitionColumns: readonly string[]
  /** Folder of the table. */
  readonly tableRoot: string
  /** Keys of the partitions' objects, one a line. Keys hold no line breaks: `keys.ts` escapes them. */
  readonly keys: string
}
