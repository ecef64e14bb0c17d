/** A run that ends badly, or is cancelled, gives back what it holds. */
import { CancellationScope, ContinueAsNew, log as workflowLog } from '@temporalio/workflow'
import type { OpenRunInput, RunRef } from '../contract/activities.js'
import { failureOf } from './run-failure.js'
import type { RunLog } from './run-log.js'

/** Releases the lock and notes how the run ended. What is finished stays for the next attempt. */
export async function closeFailedRun(log: RunLog, run: RunRef, error: unknown): Promise<void> {
  // Thrown on purpose to end this execution: the run goes on in the next one.
  if (error instanceof ContinueAsNew) return
  const { outcome, message, code } = failureOf(error)
  await atLast(
    () => log.activities().closeRun({ run, outcome, message, code }),
    'the run could not be closed; its lock expires by itself',
  )
}

/** Tells whoever wants to know that a run could not even be opened. It holds nothing. */
export async function closeUnopenedRun(log: RunLog, request: OpenRunInput, error: unknown): Promise<void> {
  const { outcome, message, code } = failureOf(error)
  await atLast(
    () => log.activities().closeUnopened({ ...request, outcome, message, code }),
    'nobody was told that the run could not be opened',
  )
}

/** Also when the run was cancelled; where it fails, the run's own error is the one that counts. */
async function atLast(act: () => Promise<void>, otherwise: string): Promise<void> {
  try {
    await CancellationScope.nonCancellable(act)
  } catch (closing) {
    workflowLog.warn(otherwise, { closing: String(closing) })
  }
}
