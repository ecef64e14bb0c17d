/** Single requests for one object of a bucket, each with its attempts, and with errors that name the object. */
import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import type { CopyObjectCommandInput, GetObjectCommandInput, PutObjectCommandInput } from '@aws-sdk/client-s3'
import { formatS3Address, type S3Address } from './s3-address.js'
import type { S3Connection } from './s3-client.js'
import { agreesWith, base64Sha256, ObjectDigest } from './s3-digests.js'
import { DamagedOnTheWay, isNotFound, isPreconditionFailed, isUncertain, s3Error } from './s3-errors.js'
import { withRetries } from './s3-retries.js'

/** What S3 tells of an object without its bytes. */
export interface S3Object {
  readonly bytes: number
  /** Without its quotation marks. */
  readonly etag: string
  /** As S3 writes it (see `agreesWith`); undefined where the object was stored without. */
  readonly sha256: string | undefined
}

/** Makes attempts at something that is done to an object, and says which object where they fail. */
export async function attemptAt<T>(
  { settings }: S3Connection,
  { doing, at, signal }: { readonly doing: string; readonly at: S3Address; readonly signal: AbortSignal },
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  // Each request on its way listens to the one signal of its activity.
  setMaxListeners(0, signal)
  try {
    return await withRetries({ attempts: settings.attempts, signal }, attempt)
  } catch (error) {
    signal.throwIfAborted()
    throw s3Error(error, doing, formatS3Address(at))
  }
}

/** What S3 tells of an object, or undefined where there is none. */
export async function headObject(
  connection: S3Connection,
  at: S3Address,
  signal: AbortSignal,
): Promise<S3Object | undefined> {
  return await attemptAt(connection, { doing: 'look at', at, signal }, () => headOnce(connection, at, signal))
}

async function headOnce(connection: S3Connection, at: S3Address, signal: AbortSignal): Promise<S3Object | undefined> {
  const { client, sdk } = await connection.open()
  try {
    const { ContentLength, ETag, ChecksumSHA256 } = await client.send(
      new sdk.HeadObjectCommand({ Bucket: at.bucket, Key: at.path, ChecksumMode: 'ENABLED' }),
      { abortSignal: signal },
    )
    return { bytes: ContentLength ?? 0, etag: unquoted(ETag), sha256: ChecksumSHA256 }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * Puts an object in one request. Where the answer was lost, a look at what stands settles whether it has to be sent
 * again.
 */
export async function putObject(
  connection: S3Connection,
  at: S3Address,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<S3Object> {
  const input = putInput(connection, at, body)
  const { ChecksumSHA256: sha256 } = input
  const { client, sdk } = await connection.open()
  return await attemptAt(connection, { doing: 'write', at, signal }, async () => {
    try {
      const { ETag } = await client.send(new sdk.PutObjectCommand(input), { abortSignal: signal })
      return { bytes: body.byteLength, etag: unquoted(ETag), sha256 }
    } catch (error) {
      if (!isUncertain(error)) throw error
      const found = await headOnce(connection, at, signal).catch(() => undefined)
      if (found?.bytes === body.byteLength && found.sha256 === sha256) return found
      throw error
    }
  })
}

/**
 * Puts an object unless there is one.
 * @returns whether there was none; false also where an earlier attempt, whose answer was lost, has put it
 */
export async function putObjectIfAbsent(
  connection: S3Connection,
  at: S3Address,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  const input = { ...putInput(connection, at, body), IfNoneMatch: '*' }
  const { client, sdk } = await connection.open()
  return await attemptAt(connection, { doing: 'create', at, signal }, async () => {
    try {
      await client.send(new sdk.PutObjectCommand(input), { abortSignal: signal })
      return true
    } catch (error) {
      if (isPreconditionFailed(error)) return false
      throw error
    }
  })
}

function putInput(
  { settings }: S3Connection,
  at: S3Address,
  body: Uint8Array,
): PutObjectCommandInput & { readonly ChecksumSHA256: string } {
  return {
    Bucket: at.bucket,
    Key: at.path,
    Body: body,
    ContentLength: body.byteLength,
    ChecksumSHA256: base64Sha256(body),
    ...encryption(settings),
  }
}

/** An object's bytes, compared with its checksum, or undefined where there is none. */
export async function getObject(
  connection: S3Connection,
  at: S3Address,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return await attemptAt(connection, { doing: 'read', at, signal }, async () => {
    const pieces: Uint8Array[] = []
    try {
      await readOnce(connection, { Bucket: at.bucket, Key: at.path }, signal, (piece) => void pieces.push(piece))
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  })
}

/**
 * Reads an object once and hands out its bytes piece by piece.
 * @throws DamagedOnTheWay after the last piece, where size or checksum are not those that S3 tells
 */
export async function readOnce(
  connection: S3Connection,
  input: GetObjectCommandInput,
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<{ readonly sha256: string }> {
  const { client, sdk } = await connection.open()
  const { Body, ContentLength, ETag, ChecksumSHA256 } = await client.send(
    new sdk.GetObjectCommand({ ...input, ChecksumMode: 'ENABLED' }),
    { abortSignal: signal },
  )
  const digest = new ObjectDigest()
  try {
    if (!(Body instanceof Readable)) throw new Error('S3 gave no stream of bytes')
    const pieces: AsyncIterable<unknown> = Body
    for await (const piece of pieces) {
      signal.throwIfAborted()
      if (!(piece instanceof Uint8Array)) throw new Error('S3 gave something that is not bytes')
      digest.add(piece)
      take(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    // The SDK has a check of its own for what is one part.
    if (error instanceof Error && /checksum mismatch/i.test(error.message)) throw new DamagedOnTheWay(error.message)
    throw error
  }
  const found = digest.end()
  if (ContentLength !== undefined && found.bytes !== ContentLength) {
    throw new DamagedOnTheWay(`${found.bytes} bytes came of ${ContentLength}`)
  }
  if (agreesWith(ChecksumSHA256, found) === false) {
    throw new DamagedOnTheWay(`the bytes that came are not those of its SHA-256 [etag=${unquoted(ETag)}]`)
  }
  return found
}

/** How a copy ended that was made under conditions. */
export type CopyOutcome = { readonly copied: { readonly etag: string } } | 'conditionFailed' | 'sourceMissing'

/** Copies an object within S3, under conditions that S3 itself is asked to keep. */
export async function copyObject(
  connection: S3Connection,
  { from, to, fromEtag }: { readonly from: S3Address; readonly to: S3Address; readonly fromEtag: string },
  condition: Pick<CopyObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const { settings } = connection
  const { client, sdk } = await connection.open()
  const input: CopyObjectCommandInput = {
    Bucket: to.bucket,
    Key: to.path,
    CopySource: `${from.bucket}/${from.path.split('/').map(encodeURIComponent).join('/')}`,
    CopySourceIfMatch: quoted(fromEtag),
    ...condition,
    ...encryption(settings),
    ...storageClass(settings),
  }
  return await attemptAt(connection, { doing: 'publish', at: to, signal }, async () => {
    try {
      const { CopyObjectResult } = await client.send(new sdk.CopyObjectCommand(input), { abortSignal: signal })
      return { copied: { etag: unquoted(CopyObjectResult?.ETag) } }
    } catch (error) {
      if (isPreconditionFailed(error)) return 'conditionFailed'
      // To If-Match S3 answers 404 as well where nothing stands any more; the caller looks at what does.
      if (isNotFound(error)) return 'sourceMissing'
      throw error
    }
  })
}

/** What every request that writes says of encryption. */
export function encryption({
  kmsKeyId,
}: S3Connection['settings']): Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'BucketKeyEnabled'> {
  if (kmsKeyId === undefined) return {}
  // One request to KMS for many objects, not one for each.
  return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true }
}

function storageClass({ storageClass }: S3Connection['settings']): Pick<CopyObjectCommandInput, 'StorageClass'> {
  return storageClass === undefined ? {} : { StorageClass: storageClass }
}

/** An ETag as ETL3 keeps it: answers and listings differ in quotation marks. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

/** An ETag as a condition takes it. */
export function quoted(etag: string): string {
  return `"${etag}"`
}
