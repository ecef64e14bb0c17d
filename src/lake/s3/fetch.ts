/** Objects as local files: fetched once, whole, compared with their checksum, and kept under a name that says which bytes. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { extname, join } from 'node:path'
import { makeFolder } from '../../runtime/make-folder.js'
import { privateFolderMode } from '../../runtime/private-mode.js'
import { folderError } from '../file-errors.js'
import { formatS3Address, type S3Address } from './address.js'
import type { S3Connection } from './client.js'
import { agreesWith, ObjectDigest } from './digests.js'
import { DamagedOnTheWay } from './errors.js'
import { attemptAt, headObject, readOnce, readRangeOnce, type S3Object } from './object.js'

/** Folder in a scratch folder that holds fetched objects. */
export const FETCHED_FOLDER = 'fetched'

/** An object that is larger is read in parts of so many bytes, so that a broken connection costs one of them at most. */
const RANGE_BYTES = 32 * 1024 * 1024

const fetches = new Map<string, Promise<string | undefined>>()

/**
 * A local file with an object's bytes, or undefined where there is no object. Two that ask at once share one transfer.
 * @throws ConflictError `ETL3-AW-11` where the object changes between look and transfer
 */
export async function fetchObject(
  connection: S3Connection,
  at: S3Address,
  scratch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted()
  const object = await headObject(connection, at, signal)
  if (!object) return undefined
  const folder = join(scratch, FETCHED_FOLDER)
  const name = createHash('sha256')
    .update(`${formatS3Address(at)}\n${object.etag}\n${object.bytes}`)
    .digest('hex')
  const path = join(folder, `${name.slice(0, 32)}${extname(at.path)}`)
  if (isWhole(path, object.bytes)) return path
  const running = fetches.get(path)
  if (running) return await running
  const fetching = transfer(connection, { at, object, folder, path }, signal)
  fetches.set(path, fetching)
  try {
    return await fetching
  } finally {
    fetches.delete(path)
  }
}

interface Transfer {
  readonly at: S3Address
  readonly object: S3Object
  readonly folder: string
  readonly path: string
}

async function transfer(
  connection: S3Connection,
  { at, object, folder, path }: Transfer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const unfinished = `${path}.${process.pid}-${randomBytes(6).toString('hex')}`
  try {
    const isThere = await attemptAt(connection, { doing: 'fetch', at, signal }, async () => {
      makeFolder(folder, privateFolderMode())
      const file = openSync(unfinished, 'w')
      try {
        const take = (piece: Uint8Array): void => writeAll(file, piece)
        return object.bytes > RANGE_BYTES
          ? await readByRanges(connection, { at, object }, signal, take)
          : (await readOnce(connection, { at, ifMatch: object.etag }, signal, take)) !== undefined
      } finally {
        closeSync(file)
      }
    })
    if (!isThere) return undefined
    renameSync(unfinished, path)
    return path
  } catch (error) {
    throw folderError(error, 'write', path)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/**
 * Reads a large object part by part, each with its attempts, which go on where the one before broke off.
 * @returns whether it is there
 * @throws DamagedOnTheWay where the whole is not what S3's checksum says: a part does not tell
 */
async function readByRanges(
  connection: S3Connection,
  { at, object }: { readonly at: S3Address; readonly object: S3Object },
  signal: AbortSignal,
  take: (piece: Uint8Array) => void,
): Promise<boolean> {
  const digest = new ObjectDigest()
  const keep = (piece: Uint8Array): void => {
    digest.add(piece)
    take(piece)
  }
  while (digest.bytes < object.bytes) {
    const to = Math.min(object.bytes, digest.bytes + RANGE_BYTES)
    const isThere = await attemptAt(connection, { doing: 'fetch', at, signal }, () =>
      digest.bytes === to
        ? Promise.resolve(true)
        : readRangeOnce(connection, { at, etag: object.etag, from: digest.bytes, to }, signal, keep),
    )
    if (!isThere) return false
  }
  if (agreesWith(object.sha256, digest.end()) === false) {
    throw new DamagedOnTheWay(`the bytes that came are not those of its SHA-256 [etag=${object.etag}]`)
  }
  return true
}

function isWhole(path: string, bytes: number): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false
  // Its time says when it was last of use.
  const now = new Date()
  utimesSync(path, now, now)
  return true
}

function writeAll(file: number, piece: Uint8Array): void {
  for (let written = 0; written < piece.byteLength; ) written += writeSync(file, piece, written)
}
