/** Large objects, put in parts: visible when the last one is there, gone when anything fails. */
import { createHash } from 'node:crypto'
import type { S3Address } from './address.js'
import type { S3Connection } from './client.js'
import { agreesWith, type FinishedDigest, ObjectDigest, PART_BYTES } from './digests.js'
import { isNotFound, isUncertain } from './errors.js'
import { attemptAt, headObject, unquoted } from './object.js'
import { storingFields } from './request-headers.js'
import type { WireRequest } from './wire.js'

/** An upload that fails is given up within this time, also when the run is being cancelled. */
const GIVE_UP_MS = 10_000

/**
 * Cuts pieces into parts of {@link PART_BYTES}; the last one is shorter, and the only one of a small object. A part is a
 * copy, so that whoever makes the pieces may use their memory again.
 */
export async function* partsOf(
  pieces: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  let part: Buffer[] = []
  let inPart = 0
  for await (const piece of pieces instanceof Uint8Array ? [pieces] : pieces) {
    for (let at = 0; at < piece.byteLength; ) {
      const end = Math.min(piece.byteLength, at + PART_BYTES - inPart)
      part.push(Buffer.from(piece.subarray(at, end)))
      inPart += end - at
      at = end
      if (inPart < PART_BYTES) continue
      yield Buffer.concat(part)
      part = []
      inPart = 0
    }
  }
  if (inPart > 0) yield part.length === 1 && part[0] ? part[0] : Buffer.concat(part)
}

/**
 * Puts an object in parts, one on its way while the next is made. It is there when this returns; when it throws, the
 * parts are given up (`etl3 vacuum` finds those of a process that was killed).
 */
export async function putInParts(
  connection: S3Connection,
  at: S3Address,
  parts: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<{ readonly etag: string } & FinishedDigest> {
  const uploadId = await begin(connection, at, signal)
  const digest = new ObjectDigest()
  const etags: string[] = []
  let onItsWay: Promise<void> = Promise.resolve()
  try {
    let number = 0
    for await (const part of parts) {
      digest.add(part)
      await onItsWay
      number += 1
      onItsWay = putPart(connection, { at, uploadId, number, part, signal }).then((etag) => void etags.push(etag))
      // It is awaited above or below; until then nobody looks at it.
      onItsWay.catch(() => undefined)
    }
    await onItsWay
    const found = digest.end()
    return { ...found, etag: await complete(connection, { at, uploadId, etags, found, signal }) }
  } catch (error) {
    await onItsWay.catch(() => undefined)
    await giveUp(connection, at, uploadId)
    throw error
  }
}

async function begin(connection: S3Connection, at: S3Address, signal: AbortSignal): Promise<string> {
  const { settings } = connection
  const { client, sdk } = await connection.open()
  return await attemptAt(connection, { doing: 'write', at, signal }, async () => {
    const { UploadId } = await client.send(
      new sdk.CreateMultipartUploadCommand({
        Bucket: at.bucket,
        Key: at.path,
        ChecksumAlgorithm: 'SHA256',
        ...storingFields(settings),
      }),
      { abortSignal: signal },
    )
    if (UploadId === undefined) throw new Error(`S3 gave no id for the upload of ${at.path}`)
    return UploadId
  })
}

interface Part {
  readonly at: S3Address
  readonly uploadId: string
  /** From 1. */
  readonly number: number
  readonly part: Buffer
  readonly signal: AbortSignal
}

async function putPart(connection: S3Connection, { at, uploadId, number, part, signal }: Part): Promise<string> {
  const { inFlight } = connection
  const { wire } = await connection.open()
  const digest = createHash('sha256').update(part).digest()
  const request: WireRequest = {
    method: 'PUT',
    at,
    query: { partNumber: String(number), uploadId },
    headers: { 'x-amz-checksum-sha256': digest.toString('base64') },
    body: { bytes: part, sha256Hex: digest.toString('hex') },
  }
  return await inFlight.run(part.byteLength, () =>
    attemptAt(connection, { doing: `write part ${number} of`, at, signal }, async () => {
      const { headers } = await wire.ask(request, signal)
      return unquoted(headers.etag)
    }),
  )
}

interface Completion {
  readonly at: S3Address
  readonly uploadId: string
  readonly etags: readonly string[]
  readonly found: FinishedDigest
  readonly signal: AbortSignal
}

async function complete(connection: S3Connection, { at, uploadId, etags, found, signal }: Completion): Promise<string> {
  const { client, sdk } = await connection.open()
  let mayBeDone = false
  return await attemptAt(connection, { doing: 'write', at, signal }, async () => {
    try {
      const { ETag } = await client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: at.bucket,
          Key: at.path,
          UploadId: uploadId,
          MultipartUpload: {
            Parts: etags.map((etag, i) => ({
              ETag: `"${etag}"`,
              PartNumber: i + 1,
              ChecksumSHA256: found.parts[i],
            })),
          },
        }),
        { abortSignal: signal },
      )
      return unquoted(ETag)
    } catch (error) {
      // An earlier attempt, whose answer was lost, has ended the upload.
      if (mayBeDone && isNotFound(error)) {
        const object = await headObject(connection, at, signal)
        if (object?.bytes === found.bytes && agreesWith(object.sha256, found) !== false) return object.etag
      }
      mayBeDone ||= isUncertain(error)
      throw error
    }
  })
}

/** The first failure is the one to tell; parts that stay behind cost storage, not correctness. */
async function giveUp(connection: S3Connection, at: S3Address, uploadId: string): Promise<void> {
  const { client, sdk } = await connection.open()
  await client
    .send(new sdk.AbortMultipartUploadCommand({ Bucket: at.bucket, Key: at.path, UploadId: uploadId }), {
      abortSignal: AbortSignal.timeout(GIVE_UP_MS),
    })
    .catch(() => undefined)
}
