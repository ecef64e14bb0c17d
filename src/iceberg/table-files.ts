/** A table's own files: their keys in the store by the full addresses that metadata holds. */
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import type { DataFile } from './data-file.js'
import { readManifest, readNamedFiles } from './manifest.js'
import type { ManifestEntry } from './manifest-entry.js'
import { type ManifestFile, readManifestList } from './manifest-list.js'
import { type Snapshot, type TableMetadata, unreadable } from './table-metadata.js'

/** The key of a file below the table's root; undefined for one that lies elsewhere. */
export function keyOf(store: ObjectStore, location: string): ObjectKey | undefined {
  const root = `${store.uri.replace(/\/+$/, '')}/`
  return location.startsWith(root) && location.length > root.length ? location.slice(root.length) : undefined
}

/** The same for a file that this table's own records name. @throws TypeError for one that lies elsewhere: a defect */
export function ownKeyOf(store: ObjectStore, location: string): ObjectKey {
  const key = keyOf(store, location)
  if (key === undefined) throw new TypeError(`${location} does not lie below ${store.uri}`)
  return key
}

/** Whether each file is there with its size, in their order. */
export async function areInPlace(
  store: ObjectStore,
  files: readonly Pick<DataFile, 'path' | 'bytes'>[],
  signal: AbortSignal,
): Promise<boolean[]> {
  const found = await store.stat(
    files.map(({ path }) => ownKeyOf(store, path)),
    signal,
  )
  return files.map(({ bytes }, i) => found[i]?.bytes === bytes)
}

/** The bytes of a file that metadata names. @throws IntegrityError `ETL3-IC-04` when it is gone, or lies elsewhere */
export async function readTableFile(store: ObjectStore, location: string, signal: AbortSignal): Promise<Uint8Array> {
  const key = keyOf(store, location)
  const bytes = key === undefined ? undefined : await store.find(key, signal)
  if (!bytes) throw unreadable(location, new Error(`there is no such file below ${store.uri}`))
  return bytes
}

/** The manifests of a snapshot. @throws IntegrityError `ETL3-IC-04` */
export async function readSnapshotManifests(
  store: ObjectStore,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ManifestFile[]> {
  const location = snapshot['manifest-list']
  return readManifestList(await readTableFile(store, location, signal), location)
}

/** A manifest with what stands in it. */
export interface ReadManifest {
  readonly manifest: ManifestFile
  readonly entries: readonly ManifestEntry[]
}

/** The manifests of a snapshot of ETL3 with their entries. @throws IntegrityError `ETL3-IC-04` */
export async function readOwnManifests(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ReadManifest[]> {
  const read: ReadManifest[] = []
  for (const manifest of await readSnapshotManifests(store, snapshot, signal)) {
    const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === manifest.specId)
    if (!spec) throw unreadable(manifest.path, new Error(`there is no partition spec ${manifest.specId}`))
    read.push({ manifest, entries: readManifest(await readTableFile(store, manifest.path, signal), manifest, spec) })
  }
  return read
}

/**
 * The manifest list of a snapshot, its manifests, and the files that these name: full addresses, whoever wrote them.
 *
 * @param wanted `all`: what cannot be read is an error; `those there`: what is gone is passed over
 * @throws IntegrityError `ETL3-IC-04`
 */
export async function readSnapshotFiles(
  store: ObjectStore,
  snapshot: Snapshot,
  wanted: 'all' | 'those there',
  signal: AbortSignal,
): Promise<string[]> {
  const find = async (path: string): Promise<Uint8Array | undefined> => {
    if (wanted === 'all') return await readTableFile(store, path, signal)
    const key = keyOf(store, path)
    return key === undefined ? undefined : await store.find(key, signal)
  }
  const list = snapshot['manifest-list']
  const files = [list]
  const listBytes = await find(list)
  if (!listBytes) return files
  for (const manifest of readManifestList(listBytes, list)) {
    files.push(manifest.path)
    const bytes = await find(manifest.path)
    if (bytes) files.push(...readNamedFiles(bytes, manifest))
  }
  return files
}
