/** Making a folder. */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * Makes a folder and those above it; one that is there already stays as it is.
 *
 * Node's own way never returns from a relative path when the current folder has been deleted: it looks for a parent that
 * exists, and `.` is its own parent.
 *
 * @param mode rights of what is made; without it those of the process's umask
 */
export function makeFolder(path: string, mode?: number): void {
  mkdirSync(resolve(path), { recursive: true, ...(mode === undefined ? {} : { mode }) })
}
