/** Files with a row for each partition among the records. */
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { type PartitionFormat, requireKnownVersion } from '../partition-files/partition-file.js'

/** Where a file is. */
interface PlaceOfFile {
  readonly store: ObjectStore
  readonly key: ObjectKey
  /** Local folder for a copy, where the store is not local. */
  readonly scratch: string
}

/**
 * Local path of a file, once it is known that this ETL3 reads its version.
 *
 * @throws ConflictError ETL3-RN-04 when a newer ETL3 wrote it
 * @throws IntegrityError ETL3-PQ-20 when it is damaged
 */
export async function fetchPartitionFile<Column extends string>(
  format: PartitionFormat<Column>,
  { store, key, scratch }: PlaceOfFile,
  signal: AbortSignal,
): Promise<string> {
  const local = await store.fetchLocal(key, scratch, signal)
  requireKnownVersion(format, local, store.locate(key))
  return local
}
