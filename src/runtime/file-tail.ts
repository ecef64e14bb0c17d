/** Parts of a process's output file, for a message. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 2_000
const MOST_BYTES = 64 * 1024

/** The last 2,000 bytes of a file; empty when it can't be read. */
export function readTail(path: string): string {
  return read(path, (size) => Math.max(0, size - TAIL_BYTES), TAIL_BYTES)
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
