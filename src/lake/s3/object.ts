/** Single requests for one object of a bucket, each with its attempts, and with errors that name the object. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ObjectContent, PublishCondition } from '../object-store.js'
import { formatS3Address, type S3Address } from './address.js'
import { elementOf } from './answer.js'
import type { S3Connection } from './client.js'
import { agreesWith, type FinishedDigest, ObjectDigest } from './digests.js'
import { DamagedOnTheWay, isNotFound, isPreconditionFailed, isUncertain, s3Error } from './errors.js'
import { copyHeaders, storingHeaders } from './request-headers.js'
import { withRetries } from './retries.js'
import type { WireRequest } from './wire.js'

/** Asks for the checksum with an object. */
const WITH_CHECKSUM = { 'x-amz-checksum-mode': 'ENABLED' }

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
  connection: S3Connection,
  { doing, at, signal }: { readonly doing: string; readonly at: S3Address; readonly signal: AbortSignal },
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  const { settings, brake } = connection
  // Each request on its way listens to the one signal of its activity.
  setMaxListeners(0, signal)
  try {
    return await withRetries({ attempts: settings.attempts, signal, brake }, attempt)
  } catch (error) {
    signal.throwIfAborted()
    const { client } = await connection.open()
    throw s3Error(error, doing, formatS3Address(at), await client.config.region())
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
  const { wire } = await connection.open()
  try {
    const { headers } = await wire.ask({ method: 'HEAD', at, headers: WITH_CHECKSUM }, signal)
    return {
      bytes: Number(headers['content-length'] ?? 0),
      etag: unquoted(headers.etag),
      sha256: checksumIn(headers),
    }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * Puts an object in one request. Where the answer was lost, a look at what stands settles whether it has to be sent
 * again.
 * @returns what was put, with the SHA-256 of its bytes in hex
 */
export async function putObject(
  connection: S3Connection,
  at: S3Address,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly etag: string; readonly sha256Hex: string }> {
  const { request, sha256, sha256Hex } = putRequest(connection, at, bytes)
  const { wire } = await connection.open()
  return await attemptAt(connection, { doing: 'write', at, signal }, async () => {
    try {
      const { headers } = await wire.ask(request, signal)
      return { bytes: bytes.byteLength, etag: unquoted(headers.etag), sha256Hex }
    } catch (error) {
      if (!isUncertain(error)) throw error
      const found = await headOnce(connection, at, signal).catch(() => undefined)
      if (found?.bytes === bytes.byteLength && found.sha256 === sha256) return { ...found, sha256Hex }
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
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  const { request } = putRequest(connection, at, bytes, { 'if-none-match': '*' })
  const { wire } = await connection.open()
  return await attemptAt(connection, { doing: 'create', at, signal }, async () => {
    try {
      await wire.ask(request, signal)
      return true
    } catch (error) {
      if (isPreconditionFailed(error)) return false
      throw error
    }
  })
}

/** The request of a PUT. Its one digest goes into the signature, into S3's own check, and back to the caller. */
function putRequest(
  { settings }: S3Connection,
  at: S3Address,
  bytes: Uint8Array,
  condition: WireRequest['headers'] = {},
): { readonly request: WireRequest; readonly sha256: string; readonly sha256Hex: string } {
  const digest = createHash('sha256').update(bytes).digest()
  const sha256 = digest.toString('base64')
  const sha256Hex = digest.toString('hex')
  const headers = {
    'content-type': 'application/octet-stream',
    'x-amz-checksum-sha256': sha256,
    ...storingHeaders(settings),
    ...condition,
  }
  return { request: { method: 'PUT', at, headers, body: { bytes, sha256Hex } }, sha256, sha256Hex }
}

/** An object's bytes, compared with its checksum, or undefined where there is none. */
export async function getObject(
  connection: S3Connection,
  at: S3Address,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return await attemptAt(connection, { doing: 'read', at, signal }, async () => {
    const pieces: Uint8Array[] = []
    if (!(await readOnce(connection, { at }, signal, (piece) => void pieces.push(piece)))) return undefined
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  })
}

/** Size and SHA-256 (hex) of an object's bytes, which go by; undefined where there is no object. */
export async function digestObject(
  connection: S3Connection,
  at: S3Address,
  signal: AbortSignal,
): Promise<ObjectContent | undefined> {
  return await attemptAt(connection, { doing: 'read', at, signal }, async () => {
    const found = await readOnce(connection, { at }, signal, () => {})
    return found && { bytes: found.bytes, sha256: found.sha256 }
  })
}

/** A part of an object of known bytes. */
export interface ObjectRange {
  readonly at: S3Address
  readonly etag: string
  readonly from: number
  /** The first byte that is no part of it. */
  readonly to: number
}

/**
 * Reads a part of an object once and hands out its bytes piece by piece, also where the last ones do not come.
 * @returns whether there is such an object
 */
export async function readRangeOnce(
  connection: S3Connection,
  { at, etag, from, to }: ObjectRange,
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<boolean> {
  const { wire } = await connection.open()
  const headers = { range: `bytes=${from}-${to - 1}`, 'if-match': quoted(etag) }
  const answer = await unlessMissing(wire.open({ method: 'GET', at, headers }, signal))
  if (!answer) return false
  const told = answer.headers['content-range'] ?? ''
  if (answer.statusCode !== 206 || !told.startsWith(`bytes ${from}-`)) {
    answer.destroy()
    throw new DamagedOnTheWay(`bytes ${from}-${to - 1} were asked for, and S3 sends '${told.slice(0, 60)}'`)
  }
  let next = from
  for await (const piece of piecesOf(answer, signal)) {
    next += piece.byteLength
    if (next > to) throw new DamagedOnTheWay(`more than the bytes ${from}-${to - 1} came`)
    take(piece)
  }
  if (next !== to) throw new DamagedOnTheWay(`${next - from} bytes came of ${to - from}`)
  return true
}

async function unlessMissing(answer: Promise<IncomingMessage>): Promise<IncomingMessage | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function* piecesOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const pieces: AsyncIterable<unknown> = answer
    for await (const piece of pieces) {
      signal.throwIfAborted()
      if (!(piece instanceof Uint8Array)) throw new Error('S3 gave something that is not bytes')
      yield piece
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/**
 * Reads an object once and hands out its bytes piece by piece.
 * @returns their digest; undefined where there is no object
 * @throws DamagedOnTheWay after the last piece, where size or checksum are not those that S3 tells
 */
export async function readOnce(
  connection: S3Connection,
  { at, ifMatch }: { readonly at: S3Address; readonly ifMatch?: string },
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<FinishedDigest | undefined> {
  const { wire } = await connection.open()
  const headers = { ...WITH_CHECKSUM, ...(ifMatch === undefined ? {} : { 'if-match': quoted(ifMatch) }) }
  const answer = await unlessMissing(wire.open({ method: 'GET', at, headers }, signal))
  if (!answer) return undefined
  const digest = new ObjectDigest()
  for await (const piece of piecesOf(answer, signal)) {
    digest.add(piece)
    take(piece)
  }
  const found = digest.end()
  const length = answer.headers['content-length']
  if (length !== undefined && found.bytes !== Number(length)) {
    throw new DamagedOnTheWay(`${found.bytes} bytes came of ${length}`)
  }
  if (agreesWith(checksumIn(answer.headers), found) === false) {
    throw new DamagedOnTheWay(
      `the bytes that came are not those of its SHA-256 [etag=${unquoted(answer.headers.etag)}]`,
    )
  }
  return found
}

/** How a copy ended that was made under conditions. */
export type CopyOutcome = { readonly copied: { readonly etag: string } } | 'conditionFailed' | 'sourceMissing'

/** Copies an object within S3, under conditions that S3 itself is asked to keep. */
export async function copyObject(
  connection: S3Connection,
  { from, to }: { readonly from: S3Address; readonly to: S3Address },
  condition: PublishCondition,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const { settings } = connection
  const { wire } = await connection.open()
  const headers = {
    'x-amz-copy-source': `${from.bucket}/${from.path.split('/').map(encodeURIComponent).join('/')}`,
    ...(condition.expect === 'absent' ? { 'if-none-match': '*' } : { 'if-match': quoted(condition.etag) }),
    ...copyHeaders(settings, from.bucket),
  }
  return await attemptAt(connection, { doing: 'publish', at: to, signal }, async () => {
    try {
      const { text } = await wire.ask({ method: 'PUT', at: to, headers }, signal)
      const etag = elementOf(text, 'ETag')
      if (etag === undefined) throw new DamagedOnTheWay('S3 does not say how the copy ended')
      return { copied: { etag: unquoted(etag) } }
    } catch (error) {
      if (isPreconditionFailed(error)) return 'conditionFailed'
      // To If-Match S3 answers 404 as well where nothing stands any more; the caller looks at what does.
      if (isNotFound(error)) return 'sourceMissing'
      throw error
    }
  })
}

function checksumIn(headers: IncomingHttpHeaders): string | undefined {
  const sha256 = headers['x-amz-checksum-sha256']
  return typeof sha256 === 'string' ? sha256 : undefined
}

/** An ETag as ETL3 keeps it: answers and listings differ in quotation marks. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

/** An ETag as a condition takes it. */
export function quoted(etag: string): string {
  return `"${etag}"`
}
