/**
 * Files below a table's root that neither a snapshot nor the current metadata names: of commits that never came, that
 * others have taken back, or that were made where the table lay before.
 */
import type { ListedObject, ObjectKey, ObjectStore } from '../lake/object-store.js'
import type { IcebergTable } from './commit-table.js'
import { isOwnMetadataKey } from './own-metadata-keys.js'
import { type FoundTable, METADATA_FOLDER } from './table-catalog.js'
import { keyOf, readSnapshotFiles } from './table-files.js'
import { STATISTICS } from './table-metadata.js'

/**
 * The objects under a prefix that nothing of the table names, in no promised order: no snapshot, nor its current metadata,
 * with the former ones in its log. What is about to expire counts, too: its files are the expiry's to delete. Nothing where
 * there is metadata and nobody names it.
 *
 * @throws IntegrityError `ETL3-IC-04` where the metadata of a snapshot cannot be read
 */
export async function* unnamedFiles(
  { store, catalog }: IcebergTable,
  prefix: ObjectKey,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  const found = await catalog.load(signal)
  // A table that was dropped in Glue may be registered again, with all of its files.
  if (!found && (await hasMetadata(store, signal))) return
  const named = new Set(found ? namedByMetadata(found).map((path) => keyOf(store, path)) : [])
  for (const snapshot of found?.metadata.snapshots ?? []) {
    for (const path of await readSnapshotFiles(store, snapshot, 'all', signal)) named.add(keyOf(store, path))
  }
  for await (const object of store.list(prefix, signal)) if (!named.has(object.key)) yield object
}

/**
 * Of the metadata's own files those that nothing of the table names, and whose names are ETL3's: what is left of commits
 * that were killed, and of a table that was moved here.
 *
 * @throws IntegrityError `ETL3-IC-04` where the metadata of a snapshot cannot be read
 */
export async function* unnamedMetadata(table: IcebergTable, signal: AbortSignal): AsyncGenerator<ListedObject> {
  // Found before the listing: a metadata file that comes meanwhile has a higher number.
  const found = await table.catalog.load(signal)
  if (!found) return
  for await (const object of unnamedFiles(table, METADATA_FOLDER, signal))
    if (isOwnMetadataKey(object.key, found, table.catalog)) yield object
}

/** Full addresses of what the metadata itself names, beside its snapshots. */
function namedByMetadata({ metadata, metadataFile }: FoundTable): string[] {
  return [
    metadataFile,
    ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
    ...STATISTICS.flatMap((name) => metadata[name] ?? []).map((entry) => entry['statistics-path']),
  ]
}

async function hasMetadata(store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  for await (const _ of store.list(METADATA_FOLDER, signal)) return true
  return false
}
