/** Folders for files that one piece of work needs and nobody afterwards. Those of killed processes stay: vacuum knows them by name. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './make-folder.js'
import { privateFolderMode } from './private-mode.js'

const WORKS = [
  'dimensions',
  'facts',
  'screen',
  'sandbox',
  'plan',
  'audit',
  'register',
  'query',
  'spill',
  'memory-test',
  'rates',
] as const

/** What a scratch folder is for; its name begins with it. */
export type ScratchWork = (typeof WORKS)[number]

const NAME = new RegExp(`^(?:${WORKS.join('|')})-[\\w.-]+$`)

/**
 * Runs `act` with a new folder below `parent`, which is made where it is missing. The folder is gone afterwards, also
 * where the work throws: else each retry would leave one behind.
 */
export async function withScratchFolder<T>(
  parent: string,
  work: ScratchWork,
  act: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = makeScratchFolder(parent, work)
  try {
    return await act(folder)
  } finally {
    removeScratchFolder(folder)
  }
}

/**
 * Makes a folder of this call alone below `parent`: an attempt that overlaps its retry writes elsewhere. For work with an
 * end of its own; else {@link withScratchFolder}.
 */
export function makeScratchFolder(parent: string, work: ScratchWork): string {
  makeFolder(parent, privateFolderMode())
  return mkdtempSync(join(parent, `${work}-`))
}

/** Removes a scratch folder with all that is in it. */
export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

/** Whether a folder bears such a name. */
export function isScratchName(name: string): boolean {
  return NAME.test(name)
}
