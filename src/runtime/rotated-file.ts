/**
 * A log file that several processes append to, rotated by size: `etl3.log`, `etl3.log.1` (the last one) … `.keep`.
 *
 * Each line is one `O_APPEND` write to the file that has the name at that moment. A stream that keeps its file open
 * (as rotating-file-stream does) would go on writing to a file that another process has rotated away, and a process
 * that logs seldom would lose its lines once that file is deleted. Rotating is guarded by a lock file; whoever does
 * not get it writes on, so a file can exceed the limit by a few lines but no line waits or gets lost.
 */
import { appendFileSync, closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from './make-folder.js'
import { privateMode } from './private-mode.js'

/** A lock this old was left by a process that died while it rotated. Rotating takes milliseconds. */
const STALE_LOCK_MS = 10_000

/** Where and how large. */
export interface RotatedFileOptions {
  readonly file: string
  /** Bytes at which the file is rotated. */
  readonly maxBytes: number
  /** How many rotated files stay. */
  readonly keep: number
}

/** Appends lines to a file and rotates it. */
export class RotatedFile {
  constructor(private readonly options: RotatedFileOptions) {
    makeFolder(dirname(options.file))
  }

  /** Appends one line, its newline included. @throws the file system's error, e.g. when the disk is full */
  write(line: string): void {
    const { file, maxBytes } = this.options
    if (sizeOf(file) + Buffer.byteLength(line) > maxBytes) this.#rotate(line)
    // Messages hold values of the input, and places of this machine.
    appendFileSync(file, line, { mode: privateMode() })
  }

  #rotate(line: string): void {
    const { file, maxBytes, keep } = this.options
    const lock = `${file}.rotating`
    if (!taken(lock)) return
    try {
      // Another process may have rotated between our look at the size and our lock.
      const size = sizeOf(file)
      if (size === 0 || size + Buffer.byteLength(line) <= maxBytes) return
      rmSync(`${file}.${keep}`, { force: true })
      for (let index = keep - 1; index >= 1; index--) renameIfThere(`${file}.${index}`, `${file}.${index + 1}`)
      renameIfThere(file, `${file}.1`)
    } finally {
      rmSync(lock, { force: true })
    }
  }
}

function taken(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx'))
    return true
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    const stat = statSync(lock, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > STALE_LOCK_MS) rmSync(lock, { force: true })
    return false
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
