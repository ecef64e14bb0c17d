/** Folders that are gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes a folder that is gone after the test. @param under where; default: the system's folder for temporary files */
export function lakeFolder(under = tmpdir()): string {
  const folder = mkdtempSync(join(under, 'etl3-lake-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A signal that nobody aborts. */
export const GO_ON = new AbortController().signal
