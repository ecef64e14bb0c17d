/** `manifest.parquet` among the records: of this run, or of the one that the table shows. */
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { MANIFEST_FORMAT } from '../partition-files/manifest-file.js'
import { fetchPartitionFile } from './partition-file.js'

/**
 * Local path of a manifest.
 *
 * @param key under the metadata root
 * @param scratch local folder for a copy, where the store is not local
 * @throws ConflictError ETL3-RN-04 when a newer ETL3 wrote it
 * @throws IntegrityError ETL3-PQ-20 when it is damaged
 */
export async function fetchManifest(
  store: ObjectStore,
  key: ObjectKey,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  return await fetchPartitionFile(MANIFEST_FORMAT, { store, key, scratch }, signal)
}
