/** Input files in a bucket: found by key or pattern, fetched once to the scratch folder, recognised by their ETag. */

import type { ObjectStore } from '../lake/object-store.js'
import { formatS3Address, isPattern, literalHead, parseS3Address } from '../lake/s3/address.js'
import { connectS3 } from '../lake/s3/client.js'
import { listPages } from '../lake/s3/listing.js'
import type { S3Settings } from '../lake/s3/settings.js'
import { openStore } from '../lake/stores.js'

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

/** The objects that a place means, in the order of their keys: one, or those that match where it is a pattern. */
export async function findInBucket(place: string, { s3, signal }: BucketReader): Promise<BucketFile[]> {
  const { bucket, path } = parseS3Address(place)
  if (!isPattern(path)) {
    const object = await lookAt(place, { s3, signal })
    return object ? [object] : []
  }
  const matches = patternOf(path)
  const found: BucketFile[] = []
  // The whole head, not only its folder: a role may be allowed to list no more than the files that are meant.
  for await (const page of listPages(connectS3(s3), { bucket, path: literalHead(path) }, signal)) {
    for (const { key, bytes, etag } of page) {
      if (matches.test(key)) found.push({ path: formatS3Address({ bucket, path: key }), bytes, etag })
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
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

/** `*` and `?` stay within a folder, `**` does not; `[ab]` is one of its characters. */
function patternOf(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[^*?[]+|\[/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 2 && part.startsWith('[')) {
      const negated = part[1] === '!'
      return `[${negated ? '^' : ''}${part.slice(negated ? 2 : 1, -1).replace(/[\\\]^]/g, '\\$&')}]`
    }
    return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 'su')
}
