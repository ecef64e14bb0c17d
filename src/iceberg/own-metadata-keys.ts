/**
 * Keys of metadata that can only be those of ETL3's own files. Other writers of Iceberg have names alike, but their UUIDs
 * are random, of version 4; ETL3's follow from the content, of version 8, and its manifests have a digest instead of one.
 */
import type { ObjectKey } from '../lake/object-store.js'
import type { FoundTable, TableCatalog } from './table-catalog.js'

const DIGEST_UUID = '[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
const MANIFEST = /^metadata\/[0-9a-f]{32}-m0\.avro$/
const MANIFEST_LIST = new RegExp(`^metadata/snap-\\d+-1-${DIGEST_UUID}\\.avro$`)
const METADATA_IN_GLUE = new RegExp(`^metadata/\\d{5,}-${DIGEST_UUID}\\.metadata\\.json$`)
const METADATA_BY_PLACE = /^metadata\/v(\d+)\.metadata\.json$/

/**
 * Whether a key below the table's root has the form that ETL3 gives to manifests, lists of manifests, or metadata files
 * older than the one that was found.
 */
export function isOwnMetadataKey(
  key: ObjectKey,
  { version }: Pick<FoundTable, 'version'>,
  { findsByPlace }: Pick<TableCatalog, 'findsByPlace'>,
): boolean {
  if (MANIFEST.test(key) || MANIFEST_LIST.test(key)) return true
  // Where one of the two leads readers, files of the other are those of another catalog.
  if (!findsByPlace) return METADATA_IN_GLUE.test(key)
  const number = METADATA_BY_PLACE.exec(key)?.[1]
  return number !== undefined && Number(number) < version
}
