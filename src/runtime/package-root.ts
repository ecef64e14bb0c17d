/** Where ETL3 itself is installed. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder that holds ETL3's `package.json` and `dist/`, whether this code runs from `dist/` or from its sources. */
export const PACKAGE_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

/** Full path of a file of a built ETL3, e.g. `built('worker.js')`. */
export function built(file: string): string {
  return join(PACKAGE_ROOT, 'dist', file)
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  return parent === folder ? folder : findRoot(parent)
}
