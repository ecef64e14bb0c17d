/** Input files in a bucket: found by key, folder or pattern, fetched once to the scratch folder, recognised by their ETag. */

import type { ObjectStore } from '../lake/object-store.js'
import { formatS3Address, isPattern, literalHead, parseS3Address, prefixBelow } from '../lake/s3/address.js'
import { connectS3 } from '../lake/s3/client.js'
import { listPages } from '../lake/s3/listing.js'
import type { S3Settings } from '../lake/s3/settings.js'
import { openStore } from '../lake/stores.js'
import { Etl3Error } from '../runtime/errors.js'
import { type FoundFiles, findFiles } from './input-tree.js'
import { KeyTree } from './key-tree.js'
import { describeSimilar, similarNames } from './missing-place.js'

/** How inputs in buckets are reached, and where their copies go. */
export interface BucketReader {
  readonly s3: S3Settings
  /** Local folder for copies. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/** An object of the input, as it is now. */
export interface BucketFile {
  /** `s3://bucket/key` */
  readonly path: string
  readonly bytes: number
  readonly etag: string
}

/** What a place in a bucket means. */
export interface FoundInBucket extends Omit<FoundFiles, 'files'> {
  readonly files: readonly BucketFile[]
}

/** The objects that a place means: the one of that key, those below it, or those that match where it is a pattern. */
export async function findInBucket(
  place: string,
  { s3, signal }: Pick<BucketReader, 's3' | 'signal'>,
): Promise<FoundInBucket | undefined> {
  const { bucket, path } = parseS3Address(place)
  if (path !== '' && !isPattern(path)) {
    const object = await lookAt(place, { s3, signal })
    if (object) return { how: 'file', files: [object], hidden: [], passedFolders: [], format: undefined }
  }
  // The whole head, not only its folder: a role may be allowed to list no more than the files that are meant.
  const head = isPattern(path) ? literalHead(path) : prefixBelow({ bucket, path })
  const objects = new Map<string, BucketFile>()
  for await (const page of listPages(connectS3(s3), { bucket, path: head }, signal)) {
    for (const { key, bytes, etag } of page) {
      objects.set(key, { path: formatS3Address({ bucket, path: key }), bytes, etag })
    }
  }
  const found = findFiles(new KeyTree(objects), path, '')
  return found && { ...found, files: found.files.flatMap((key) => objects.get(key) ?? []) }
}

/** What is wrong with a place at which nothing was found, or undefined where its path says it all. */
export async function whyMissingInBucket(
  place: string,
  { s3, signal }: Pick<BucketReader, 's3' | 'signal'>,
): Promise<string | undefined> {
  const { bucket, path } = parseS3Address(place)
  const parent = path.slice(0, path.lastIndexOf('/') + 1)
  if (isPattern(path)) return `no key matches '${path}'`
  const names = new Set<string>()
  try {
    for await (const page of listPages(connectS3(s3), { bucket, path: parent }, signal)) {
      for (const { key } of page) names.add(key.slice(parent.length).split('/', 1)[0] ?? '')
      break
    }
  } catch (error) {
    signal.throwIfAborted()
    // Who may read an object need not be allowed to look around: the place is told as missing in any case.
    if (error instanceof Etl3Error) return undefined
    throw error
  }
  const name = path.slice(parent.length)
  const similar = similarNames(name, [...names])
  return similar.length === 0 ? undefined : `s3://${bucket}/${parent} ${describeSimilar(name, similar)}`
}

/** An object as it is now, or undefined where it is not. */
export async function lookAt(
  path: string,
  { s3, signal }: Pick<BucketReader, 's3' | 'signal'>,
): Promise<BucketFile | undefined> {
  const { store, key } = placeOf(path, s3)
  const [object] = await store.stat([key], signal)
  return object && { path, bytes: object.bytes, etag: object.etag }
}

/** A local copy of an object; the same one as long as the object is the same. @throws ObjectNotFound */
export async function fetchInput(path: string, { s3, scratch, signal }: BucketReader): Promise<string> {
  const { store, key } = placeOf(path, s3)
  return await store.fetchLocal(key, scratch, signal)
}

/** The store of the object's folder, and its key there. */
function placeOf(path: string, s3: S3Settings): { readonly store: ObjectStore; readonly key: string } {
  const cut = path.lastIndexOf('/')
  return { store: openStore(path.slice(0, cut), { s3 }), key: path.slice(cut + 1) }
}
