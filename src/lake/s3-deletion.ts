/** Deletes many keys with few requests, and believes no answer that it has not read item by item. */
import { severalAtOnce } from '../runtime/several-at-once.js'
import { formatS3Address } from './s3-address.js'
import type { S3Connection } from './s3-client.js'
import { ItemRefused } from './s3-errors.js'
import { attemptAt } from './s3-object.js'

/** The most that S3 takes in one request. */
const KEYS_PER_REQUEST = 1000
const REQUESTS_AT_ONCE = 4

/** Deletes keys of a bucket. One that is not there is no error. @throws the error of the first key that stays */
export async function deleteKeys(
  connection: S3Connection,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const batches: string[][] = []
  for (let at = 0; at < keys.length; at += KEYS_PER_REQUEST) batches.push(keys.slice(at, at + KEYS_PER_REQUEST))
  await severalAtOnce(batches, REQUESTS_AT_ONCE, (batch) => deleteBatch(connection, bucket, batch, signal))
}

async function deleteBatch(
  connection: S3Connection,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { client, sdk } = await connection.open()
  let left = keys
  await attemptAt(connection, { doing: 'delete', at: { bucket, path: keys[0] ?? '' }, signal }, async () => {
    const { Errors = [] } = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: left.map((Key) => ({ Key })), Quiet: true } }),
      { abortSignal: signal },
    )
    const refused = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
    const [first] = refused
    if (!first) return
    // Only what failed is asked for again.
    left = refused.flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
    throw new ItemRefused(first.Code, `${first.Message ?? ''} [${formatS3Address({ bucket, path: first.Key ?? '' })}]`)
  })
}
