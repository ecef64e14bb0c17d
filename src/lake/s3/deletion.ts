/** Deletes many keys with few requests, and believes no answer that it has not read item by item. */
import type { ObjectIdentifier } from '@aws-sdk/client-s3'
import { severalAtOnce } from '../../runtime/several-at-once.js'
import { formatS3Address } from './address.js'
import type { S3Connection } from './client.js'
import { ItemRefused } from './errors.js'
import { attemptAt, headObject } from './object.js'

/** The most that S3 takes in one request. */
const KEYS_PER_REQUEST = 1000
const REQUESTS_AT_ONCE = 4

/** An object as it was seen. */
export interface SeenPath {
  /** Its key in the bucket. */
  readonly path: string
  readonly etag: string
}

/** Deletes keys of a bucket. One that is not there is no error. @throws the error of the first key that stays */
export async function deleteKeys(
  connection: S3Connection,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const batch = { connection, bucket, before: async () => {}, signal }
  await severalAtOnce(batchesOf(keys), REQUESTS_AT_ONCE, (paths) =>
    deleteBatch(
      batch,
      paths.map((Key) => ({ Key })),
    ),
  )
}

/**
 * Deletes objects under the condition that they are what was seen ("How to perform conditional deletes" in the Amazon
 * S3 User Guide). A server that does not know the condition deletes them all.
 * @param before called right before each request
 * @returns paths under which another object stands
 */
export async function deleteUnchanged(
  connection: S3Connection,
  bucket: string,
  seen: readonly SeenPath[],
  before: () => Promise<void>,
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted()
  const batch = { connection, bucket, before, signal }
  const refused = await severalAtOnce(batchesOf(seen), REQUESTS_AT_ONCE, (objects) =>
    deleteBatch(
      batch,
      objects.map(({ path, etag }) => ({ Key: path, ETag: etag })),
    ),
  )
  // The condition does not hold either where the object is gone, because an earlier attempt deleted it.
  const standing = await severalAtOnce(refused.flat(), REQUESTS_AT_ONCE, async (path) =>
    (await headObject(connection, { bucket, path }, signal)) === undefined ? [] : [path],
  )
  return standing.flat()
}

function batchesOf<T>(items: readonly T[]): T[][] {
  const batches: T[][] = []
  for (let at = 0; at < items.length; at += KEYS_PER_REQUEST) batches.push(items.slice(at, at + KEYS_PER_REQUEST))
  return batches
}

interface BatchOptions {
  readonly connection: S3Connection
  readonly bucket: string
  readonly before: () => Promise<void>
  readonly signal: AbortSignal
}

/** @returns keys whose condition did not hold */
async function deleteBatch(
  { connection, bucket, before, signal }: BatchOptions,
  items: readonly ObjectIdentifier[],
): Promise<string[]> {
  const { client, sdk } = await connection.open()
  const unmet: string[] = []
  const conditional = new Set(items.flatMap(({ Key, ETag }) => (ETag === undefined ? [] : [Key])))
  let left = items
  const at = { bucket, path: items[0]?.Key ?? '' }
  await attemptAt(connection, { doing: 'delete', at, signal }, async () => {
    await before()
    const { Errors = [] } = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [...left], Quiet: true } }),
      { abortSignal: signal },
    )
    const failed = new Set<string>()
    let first: (typeof Errors)[number] | undefined
    for (const error of Errors) {
      if (error.Code === 'NoSuchKey') continue
      if (error.Code === 'PreconditionFailed' && error.Key !== undefined && conditional.has(error.Key)) {
        unmet.push(error.Key)
        continue
      }
      first ??= error
      if (error.Key !== undefined) failed.add(error.Key)
    }
    if (!first) return
    // Only what failed is asked for again; an error of no key may be of any.
    if (first.Key !== undefined) left = left.filter(({ Key }) => Key !== undefined && failed.has(Key))
    throw new ItemRefused(first.Code, `${first.Message ?? ''} [${formatS3Address({ bucket, path: first.Key ?? '' })}]`)
  })
  return unmet
}
