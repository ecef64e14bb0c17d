/** Files below a table's root that no snapshot names: of commits that never came, or that others have taken back. */
import type { ListedObject, ObjectKey, ObjectStore } from '../lake/object-store.js'
import type { IcebergTable } from './commit-table.js'
import { METADATA_FOLDER } from './table-catalog.js'
import { keyOf, readSnapshotFiles } from './table-files.js'

/**
 * The objects under a prefix that no snapshot of the table names, in no promised order. A snapshot that is about to
 * expire counts, too: its files are the expiry's to delete. Nothing where there is metadata and nobody names it.
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
  const named = new Set<ObjectKey | undefined>()
  for (const snapshot of found?.metadata.snapshots ?? []) {
    for (const path of await readSnapshotFiles(store, snapshot, 'all', signal)) named.add(keyOf(store, path))
  }
  for await (const object of store.list(prefix, signal)) if (!named.has(object.key)) yield object
}

async function hasMetadata(store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  for await (const _ of store.list(METADATA_FOLDER, signal)) return true
  return false
}
