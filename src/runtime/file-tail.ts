/** Parts of a process's output file, for a message. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const MOST_BYTES = 64 * 1024

/** The end of a file; empty when it can't be read. @param bytes how much of it */
export function readTail(path: string, bytes: number): string {
  return read(path, (size) => Math.max(0, size - bytes), bytes)
}

/** At most 64 KB of a file from an offset; empty when it can't be read. */
export function readFrom(path: string, offset: number): string {
  return read(path, () => offset, MOST_BYTES)
}

function read(path: string, start: (size: number) => number, length: number): string {
  try {
    const file = openSync(path, 'r')
    try {
      const offset = start(fstatSync(file).size)
      const bytes = Buffer.alloc(length)
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, length, offset))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
