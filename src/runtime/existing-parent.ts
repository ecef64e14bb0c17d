/** Where a folder that may not exist yet will lie. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The folder itself, or the nearest of its parents that exists. */
export function existingParent(folder: string): string {
  const path = resolve(folder)
  const parent = dirname(path)
  return existsSync(path) || parent === path ? path : existingParent(parent)
}
