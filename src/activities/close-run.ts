/** A run that did not succeed gives back its lock and notes how it ended. What is finished stays. */
import type { Config } from '../config/schema.js'
import { resolveInput } from '../config/workflow-overrides.js'
import type { CloseRunInput, CloseUnopenedInput, RunRef } from '../contract/activities.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord } from '../records/run.js'
import type { ActivityDeps } from './deps.js'
import { notifyFailure } from './notify-end.js'
import type { ActivityScope } from './scope.js'

/** Note on how an attempt at a run ended badly; a later attempt that succeeds takes it away. */
export const ENDED = 'ended.json'

/** Keeps the lock of a paused run. */
export function renewLock(_deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<object> {
  return async (run, { signal }) => {
    const lock = new RunLock(openStore(run.metadataUri, run), { leaseMs: run.lockLeaseMs })
    await lock.renew({ number: run.lockNumber, owner: run.lockOwner }, signal)
    return {}
  }
}

/** Closes a run that failed or was cancelled. */
export function closeRun(deps: ActivityDeps): (input: CloseRunInput, scope: ActivityScope) => Promise<object> {
  return async (input, { signal }) => {
    const { run, outcome, message, code } = input
    const store = openStore(run.metadataUri, run)
    const records = new RunRecords(store, run.runId)
    await records.save(ENDED, { formatVersion: 1, outcome, message, at: new Date().toISOString() }, signal)
    await new RunLock(store).release({ number: run.lockNumber, owner: run.lockOwner }, signal)
    deps.log.info(`run ${outcome}`, { runId: run.runId })
    const record = await records.find('run.json', parseRunRecord, signal)
    if (record) await notifyFailure(record.config, { ...run, outcome, message, code }, deps, signal)
    return {}
  }
}

/** Tells of a run that could not be opened: an input is missing, another run holds the table. */
export function closeUnopened(
  deps: ActivityDeps,
): (input: CloseUnopenedInput, scope: ActivityScope) => Promise<object> {
  return async ({ input, workflowId, outcome, message, code }, { signal }) => {
    let config: Config
    try {
      config = resolveInput(input, deps.env).config
    } catch (error) {
      deps.log.debug('nobody can be told: the configuration cannot be read', { error })
      return {}
    }
    await notifyFailure(config, { workflowId, outcome, message, code }, deps, signal)
    return {}
  }
}
