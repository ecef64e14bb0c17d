/** Where an answer goes, piece by piece: standard output, or a file that is there whole or not at all. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { fileSystemError } from '../runtime/file-system-error.js'
import { outputError } from './exit-codes.js'
import type { CliStream } from './io.js'

/** A place for an answer. */
export interface AnswerSink {
  /** Whether a person's terminal gets it as it is. */
  readonly terminal: boolean
  /** Whether somebody may have seen a part of it already. */
  readonly begun: boolean
  /** Resolves when the system has taken the piece: whoever reads slowly is waited for. */
  write(piece: string | Uint8Array): Promise<void>
  /** All of it was written. */
  finish(): Promise<void>
  /** It will not be written to its end. */
  discard(): Promise<void>
}

/** A sink that another program can write to by its path. */
export interface FileSink extends AnswerSink {
  /** Becomes the file in {@link finish}; undefined where the place is a device or a pipe. */
  readonly unfinished: string | undefined
}

/**
 * Standard output.
 * @param onBegin called before the first piece
 * @returns a sink whose `write` throws ReaderGone for a closed pipe, `ETL3-DK-01` for a full disk
 */
export function streamSink(stream: CliStream, signal: AbortSignal, onBegin: () => void): AnswerSink {
  let begun = false
  return {
    terminal: stream.isTTY === true,
    get begun() {
      return begun
    },
    async write(piece) {
      signal.throwIfAborted()
      if (!begun) onBegin()
      begun = true
      await new Promise<void>((resolve, reject) => {
        // Whoever does not read may be waited for for ever.
        const stop = (): void => reject(signal.reason)
        signal.addEventListener('abort', stop, { once: true })
        stream.write(piece, (error) => {
          signal.removeEventListener('abort', stop)
          if (error) reject(outputError(error))
          else resolve()
        })
      })
    },
    async finish() {},
    async discard() {},
  }
}

/**
 * A file. It is written beside its place and moved there when it is whole; one that was there before stays until then.
 * A device or a pipe is written straight away.
 *
 * @throws ConfigError `ETL3-DK-03`, ResourceError `ETL3-DK-01` and others of {@link fileSystemError}, also while writing
 */
export async function openFileSink(path: string, signal: AbortSignal): Promise<FileSink> {
  const before = await named(path, () => stat(path).catch(absent))
  const direct = before !== undefined && !before.isFile()
  const target = direct ? path : `${path}.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`
  const file: FileHandle = await named(path, () => open(target, direct ? 'w' : 'wx'))
  let begun = false
  return {
    terminal: false,
    unfinished: direct ? undefined : target,
    get begun() {
      return begun && direct
    },
    async write(piece) {
      signal.throwIfAborted()
      begun = true
      await named(path, () => file.writeFile(piece))
    },
    async finish() {
      await named(path, () => file.close())
      if (!direct) await named(path, () => rename(target, path))
    },
    async discard() {
      await file.close().catch(() => undefined)
      if (!direct) await rm(target, { force: true })
    },
  }
}

async function named<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw fileSystemError(error, JSON.stringify(path)) ?? error
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
