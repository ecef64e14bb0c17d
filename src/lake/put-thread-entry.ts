/** The thread of put-thread.ts: writes one batch of files after the other. */
import { mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { systemCode } from './folder-errors.js'
import type { FileOutcome, PutAnswer, PutBatch } from './put-thread.js'
import { isMissing, writeWhole } from './whole-file.js'

parentPort?.on('message', ({ id, buffer, files }: PutBatch) => {
  const outcomes = files.map(({ unfinished, path, from, to }): FileOutcome => {
    try {
      return { written: writeWhole({ unfinished, path }, new Uint8Array(buffer, from, to - from), renameIntoFolder) }
    } catch (error) {
      return { failed: { message: error instanceof Error ? error.message : String(error), code: systemCode(error) } }
    }
  })
  parentPort?.postMessage({ id, buffer, outcomes } satisfies PutAnswer, [buffer])
})

/** The folder was made before the batch was sent; another process may have removed it as empty since. */
function renameIntoFolder(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
    mkdirSync(dirname(to), { recursive: true })
    renameSync(from, to)
  }
}
