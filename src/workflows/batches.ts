/** How the batches of fact files run: one after the other, a pause between any two, a new execution when the history grows long. */
import type { OpenedRun } from '../contract/activities.js'
import type { RunLog } from './run-log.js'

/** Stages all batches that are not staged yet. */
export async function stageFactBatches(log: RunLog, opened: OpenedRun): Promise<void> {
  const { run, factBatches } = opened
  if (factBatches === undefined) return await stageFileByFile(log, opened)
  for (let batch = log.stagedBatches.batches; batch < factBatches; batch++) {
    if (log.shouldContinue) await log.continue()
    await log.untilResumed(run)
    const detail = factBatches === opened.factFiles ? 'file' : 'batch'
    log.batchDone(await log.activities(`${detail} ${batch + 1} of ${factBatches}`).stageFacts({ run, batch }))
  }
}

/** As a run goes on that was opened before there were batches: its history has no pause and no new execution in here. */
async function stageFileByFile(log: RunLog, { run, factFiles }: OpenedRun): Promise<void> {
  for (let file = 0; file < factFiles; file++) {
    await log.activities(`file ${file + 1} of ${factFiles}`).stageFacts({ run, file })
  }
}
