/** Brings what was written to the disk: the whole file system at once where the machine can, else one by one. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { flushOne } from '../whole-file.js'

/** Flushes all files and folders of a folder. @throws the signal's reason; errors of the system, as they are */
export async function flushTree(folder: string, signal: AbortSignal): Promise<void> {
  if (!(await flushFileSystem(folder, signal))) flushEach(folder, signal)
}

/**
 * Flushes the names of files below `root`; their bytes were flushed before they were moved. What is new are names, in
 * their folders and those above.
 *
 * @throws the signal's reason; errors of the system, as they are
 */
export async function flushNames(root: string, files: readonly string[], signal: AbortSignal): Promise<void> {
  if (await flushFileSystem(root, signal)) return
  const folders = new Set<string>([root])
  for (const file of files) {
    for (let folder = dirname(file); !folders.has(folder); folder = dirname(folder)) folders.add(folder)
  }
  for (const folder of folders) {
    signal.throwIfAborted()
    flushOne(folder)
  }
}

/** What is in a folder. */
export function readFolder(path: string) {
  return readdirSync(path, { withFileTypes: true })
}

function flushEach(folder: string, signal: AbortSignal): void {
  for (const entry of readFolder(folder)) {
    signal.throwIfAborted()
    const path = join(folder, entry.name)
    if (entry.isDirectory()) flushEach(path, signal)
    else if (entry.isFile()) flushOne(path)
  }
  flushOne(folder)
}

/** Flushes the whole file system that holds `path`, by coreutils' `sync -f`. False where there is no such command. */
function flushFileSystem(path: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolvePromise, reject) => {
    execFile('sync', ['-f', path], { signal }, (error) => {
      if (signal.aborted) reject(signal.reason)
      else resolvePromise(error === null)
    })
  })
}
