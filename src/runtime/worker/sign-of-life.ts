/** A file that a working process touches: a container's health check looks at its age and starts no program of ours. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.js'
import { privateFolderMode } from '../private-mode.js'

const EVERY_MS = 5_000

/**
 * Touches `<folder>/alive-<pid>` now and every five seconds, as long as this process gets to it. The timer keeps no
 * process alive.
 * @returns ends it and removes the file
 */
export function giveSignsOfLife(folder: string): () => void {
  const file = join(folder, `alive-${process.pid}`)
  const touch = (): void => {
    try {
      writeFileSync(file, '')
    } catch {
      // A full disk or a folder that somebody removed ends no work; whoever looks sees that the sign is missing.
    }
  }
  makeFolder(folder, privateFolderMode())
  touch()
  const timer = setInterval(touch, EVERY_MS).unref()
  return () => {
    clearInterval(timer)
    rmSync(file, { force: true })
  }
}
