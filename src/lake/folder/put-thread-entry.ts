/** The thread of put-thread.ts: writes one batch of files after the other, and makes folders while there is none. */

import { renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../../runtime/errors.js'
import { makeFolder } from '../../runtime/make-folder.js'
import { systemCode } from '../file-errors.js'
import { isMissing, writeWhole } from '../whole-file.js'
import { FolderMaker } from './folder-maker.js'
import type { FileOutcome, ForeseenList, PutBatch, ThreadAnswer, ThreadTask } from './put-thread.js'

/** Folders between two looks at what else there is to do: about a millisecond. */
const FOLDERS_PER_TURN = 32

const foreseen: ForeseenList[] = []

parentPort?.on('message', (task: ThreadTask) => {
  if ('files' in task) {
    answer({ id: task.id, buffer: task.buffer, outcomes: write(task) }, [task.buffer])
  } else if (foreseen.push(task) === 1) {
    void makeForeseen()
  }
})

function write({ buffer, files }: PutBatch): FileOutcome[] {
  return files.map(({ unfinished, path, from, to }): FileOutcome => {
    try {
      return { written: writeWhole({ unfinished, path }, new Uint8Array(buffer, from, to - from), renameIntoFolder) }
    } catch (error) {
      return { failed: { message: messageOf(error), code: systemCode(error) } }
    }
  })
}

/** The folder was made before the batch was sent; another process may have removed it as empty since. */
function renameIntoFolder(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
    makeFolder(dirname(to))
    renameSync(from, to)
  }
}

async function makeForeseen(): Promise<void> {
  for (let list = foreseen[0]; list; list = foreseen[0]) {
    const maker = new FolderMaker(list.place)
    try {
      for (const [i, folder] of list.folders.entries()) {
        if (i % FOLDERS_PER_TURN === 0) await nextTurn()
        maker.make(folder)
      }
    } catch {
      // Whoever needs a folder that is not there makes it, and says why that fails.
    }
    foreseen.shift()
    answer({ foreseen: list.place }, [])
  }
}

function answer(message: ThreadAnswer, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer)
}
