/**
 * Files of a folder store: written under a temporary name, and given their own only when they are whole. System calls
 * are synchronous: measured over tens of thousands of small files, they take half the time of asynchronous ones.
 */
import { createHash, hash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemCode } from './file-errors.js'
import type { ObjectContent } from './object-store.js'

/** Folder below the root for unfinished files and retired folders. Nothing in it is an object. */
export const UNFINISHED_FOLDER = '.etl3-unfinished'

/** What a file is after it was written. */
export interface WrittenFile {
  readonly bytes: number
  /** See {@link etagOf}. */
  readonly etag: string
  /** Of its bytes, in hex. */
  readonly sha256: string
}

/** Where a file is written, and where it ends; both in one file system. */
export interface FilePlace {
  readonly unfinished: string
  readonly path: string
  /** Permissions, as far as the umask leaves them. Default: those of any file. */
  readonly mode?: number
}

/** Gives a file its name; may make the folder for it. */
export type Rename = (from: string, to: string) => void

/**
 * Writes a small file in one piece. What failed leaves nothing behind.
 * @param options `durable`: the bytes survive a power cut before the file has its name, so that nobody finds it empty
 */
export function writeWhole(
  { unfinished, path, mode }: FilePlace,
  bytes: Uint8Array,
  rename: Rename,
  { durable = false }: { readonly durable?: boolean } = {},
): WrittenFile {
  try {
    const stats = createFile(unfinished, mode, (file) => {
      append(file, bytes)
      if (durable) fsyncSync(file)
    })
    rename(unfinished, path)
    return { bytes: Number(stats.size), etag: etagOf(stats), sha256: hash('sha256', bytes, 'hex') }
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

/** As {@link writeWhole}, for a file that comes in pieces; each is consumed before the next one is asked for. */
export async function writePieces(
  { unfinished, path, mode }: FilePlace,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  rename: Rename,
): Promise<WrittenFile> {
  const sha256 = createHash('sha256')
  const file = openSync(unfinished, 'wx', mode)
  try {
    let stats: BigIntStats
    try {
      for await (const piece of pieces) {
        sha256.update(piece)
        append(file, piece)
      }
      stats = seal(file)
    } finally {
      closeSync(file)
    }
    rename(unfinished, path)
    return { bytes: Number(stats.size), etag: etagOf(stats), sha256: sha256.digest('hex') }
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

/** Makes a file that survives a power cut. */
export function createDurable(path: string, bytes: Uint8Array, mode?: number): void {
  createFile(path, mode, (file) => {
    append(file, bytes)
    fsyncSync(file)
  })
}

/** What is read of a file at once; most objects are smaller. One buffer, because each of its own would cost as much as the read. */
const READ_BYTES = 1024 * 1024
/** Reads of a large file between two turns of the event loop: some 20 ms. */
const READS_PER_TURN = 32
let readBuffer: Buffer | undefined

/** Size and SHA-256 of a file, from its bytes. */
export async function digestFile(path: string, signal: AbortSignal): Promise<ObjectContent> {
  readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES)
  const file = openSync(path, 'r')
  try {
    let read = fill(readBuffer, file)
    if (read < READ_BYTES) return { bytes: read, sha256: hash('sha256', readBuffer.subarray(0, read), 'hex') }
    const sha256 = createHash('sha256')
    let bytes = 0
    for (let reads = 1; read > 0; reads++) {
      bytes += read
      sha256.update(readBuffer.subarray(0, read))
      if (reads % READS_PER_TURN === 0) await nextTurn()
      signal.throwIfAborted()
      read = fill(readBuffer, file)
    }
    return { bytes, sha256: sha256.digest('hex') }
  } finally {
    closeSync(file)
  }
}

/** Reads until the buffer is full or the file ends: a read may give less than there is. */
function fill(buffer: Buffer, file: number): number {
  let filled = 0
  while (filled < buffer.byteLength) {
    const read = readSync(file, buffer, filled, buffer.byteLength - filled, null)
    if (read === 0) break
    filled += read
  }
  return filled
}

/** Brings a file or folder to the disk. */
export function flushOne(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** What lies at a path, or undefined where there is nothing. */
export function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Whether a system call failed because there is nothing at the path. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/**
 * The mark of a file. Size, time and file number together change with every write: a new file has a new number while
 * the old one is still there, and times are never given twice (nextInstantMs), so a number that is used again does not
 * matter.
 */
export function etagOf(stats: BigIntStats): string {
  return `${stats.size}-${stats.mtimeNs}-${stats.ino}`
}

function createFile(path: string, mode: number | undefined, fill: (file: number) => void): BigIntStats {
  const file = openSync(path, 'wx', mode)
  try {
    fill(file)
    return seal(file)
  } finally {
    closeSync(file)
  }
}

function append(file: number, piece: Uint8Array): void {
  for (let written = 0; written < piece.byteLength; ) {
    written += writeSync(file, piece, written, piece.byteLength - written)
  }
}

/** Gives a file its mark of this instant. */
function seal(file: number): BigIntStats {
  const seconds = nextInstantMs() / 1000
  futimesSync(file, seconds, seconds)
  return fstatSync(file, { bigint: true })
}

let lastInstantMs = 0

/** Now, to the microsecond and never twice: the kernel's own file times only move every few milliseconds. */
function nextInstantMs(): number {
  lastInstantMs = Math.max(performance.timeOrigin + performance.now(), lastInstantMs + 0.002)
  return lastInstantMs
}
