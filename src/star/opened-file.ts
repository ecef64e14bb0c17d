/** Files that are looked into and may not be there. */
import { closeSync, openSync } from 'node:fs'

/** What `read` makes of the opened file; undefined where it cannot be opened. */
export function ofOpenedFile<T>(path: string, read: (file: number) => T): T | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    return read(file)
  } finally {
    closeSync(file)
  }
}
