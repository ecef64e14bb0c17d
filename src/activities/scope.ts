/**
 * What surrounds every activity: its signal, a heartbeat while it is alive, the memory watch, and errors that Temporal
 * and the command line understand.
 */
import { ApplicationFailure, Context } from '@temporalio/activity'
import type { Measured, OpenRunInput, RunRef } from '../contract/activities.js'
import type { Phase } from '../contract/messages.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { RunRecords } from '../records/records.js'
import type { Attempt } from '../records/worker.js'
import { ConflictError, Etl3Error, messageOf } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import type { ActivityDeps } from './deps.js'
import { stepFailure } from './step-failure.js'

/** A sign of life at least this often, and four times within the heartbeat time-out; the SDK sends as many as the server needs. */
const HEARTBEAT_INTERVAL_MS = 1_000
const HEARTBEATS_PER_TIMEOUT = 4

/** The lock of a run is renewed this often within its lease while an activity works. */
const LOCK_RENEWALS_PER_LEASE = 4

/** Memory and dependencies may recover; after this many attempts the run ends with the error. */
const ATTEMPTS_OF_RECOVERABLE = 5

/** What nobody foresaw may be a hiccup of a minute, or a defect that no retry mends. */
const ATTEMPTS_OF_UNFORESEEN = 8

/** A store that does not answer holds up no activity for longer than this for the sake of the report. */
const RECORD_TIMEOUT_MS = 5_000

/** What an activity gets from its surroundings. */
export interface ActivityScope {
  /** Aborted when the run is cancelled, the worker shuts down or memory is at its limit. */
  readonly signal: AbortSignal
  /** 1 for the first attempt of this activity. */
  readonly attempt: number
  /** Tells people (Web UI, `temporal workflow describe`) how far this activity is. A hint only. */
  heartbeat(details: Readonly<Record<string, number | string>>): void
}

/** Wraps the body of an activity; its input goes through unchanged. */
export function inScope<I extends RunRef | { readonly run: RunRef } | OpenRunInput, O>(
  deps: ActivityDeps,
  phase: Phase,
  body: (input: I, scope: ActivityScope) => Promise<O>,
): (input: I) => Promise<O & Measured> {
  return async (input) => {
    const context = Context.current()
    let details: Readonly<Record<string, number | string>> = { phase }
    const beat = (): void => context.heartbeat({ ...details, memoryMb: deps.sampler.residentMb })
    const timer = setInterval(beat, heartbeatIntervalMs(context))
    const lost = new AbortController()
    const run = runOf(input)
    const renewal = keepLock(run, lost)
    const attempt: Attempt = { activity: context.info.activityType, attempt: context.info.attempt, phase }
    deps.sampler.enter(phase)
    deps.recorder.begin(run?.runId, attempt)
    deps.log.debug('activity started', { activity: context.info.activityType, attempt: context.info.attempt })
    failPoint(`activity:${context.info.activityType}:start`)
    try {
      const answer = await deps.memory.watch(AbortSignal.any([context.cancellationSignal, lost.signal]), (signal) =>
        body(input, {
          signal,
          attempt: attempt.attempt,
          // Only noted: the timer sends it. Sent at each chunk it would take a twentieth of the writing.
          heartbeat(next) {
            details = { phase, ...next }
          },
        }),
      )
      if (run) await keepRecord(deps, run, phase)
      failPoint(`activity:${context.info.activityType}:end`)
      const { peakMb, phases } = deps.sampler.peaks()
      const workerLimitMb = deps.budget.limitMb
      return { ...answer, peakMemoryMb: peakMb, phaseMemoryMb: phases[phase] ?? peakMb, workerLimitMb }
    } catch (error) {
      deps.recorder.failed(attempt, messageOf(error))
      if (run) await keepRecord(deps, run, phase)
      throw toFailure(lost.signal.aborted ? lost.signal.reason : error, context, deps)
    } finally {
      clearInterval(timer)
      clearInterval(renewal)
    }
  }
}

/** Notes for the report. A store that does not take them is no reason to fail: the work is done. */
async function keepRecord(deps: ActivityDeps, run: RunRef, phase: Phase): Promise<void> {
  // What comes from here on is in the report already.
  if (phase === 'report') return
  try {
    const records = new RunRecords(openStore(run.metadataUri, run), run.runId)
    await deps.recorder.saveIfDue(records, phase, AbortSignal.timeout(RECORD_TIMEOUT_MS))
  } catch (error) {
    deps.log.debug('the record of this worker was not stored', { error: describe(error) })
  }
}

function runOf(input: RunRef | { readonly run: RunRef } | OpenRunInput): RunRef | undefined {
  if ('lockNumber' in input) return input
  return 'run' in input ? input.run : undefined
}

/** Renews the run's lock from time to time; where a newer run has taken it, the work is stopped. */
function keepLock(run: RunRef | undefined, lost: AbortController): NodeJS.Timeout | undefined {
  if (!run) return undefined
  const lock = new RunLock(openStore(run.metadataUri, run), { leaseMs: run.lockLeaseMs })
  return setInterval(() => {
    lock.renew({ number: run.lockNumber, owner: run.lockOwner }, lost.signal).catch((error: unknown) => {
      // A store that does not answer for once is no reason to stop: the lease is longer.
      if (error instanceof ConflictError) lost.abort(error)
    })
  }, run.lockLeaseMs / LOCK_RENEWALS_PER_LEASE)
}

function heartbeatIntervalMs({ info }: Context): number {
  const timeoutMs = info.heartbeatTimeoutMs ?? Number.POSITIVE_INFINITY
  return Math.min(HEARTBEAT_INTERVAL_MS, timeoutMs / HEARTBEATS_PER_TIMEOUT)
}

/** An error as Temporal keeps it: its type is the kind, its details what a person needs. */
function toFailure(thrown: unknown, context: Context, deps: ActivityDeps): unknown {
  const { activityType, attempt } = context.info
  if (context.cancellationSignal.aborted) return thrown
  const error = stepFailure(thrown, activityType)
  if (!(error instanceof Etl3Error)) {
    deps.log.warn('activity failed', { activity: activityType, attempt, error: describe(error) })
    if (attempt < ATTEMPTS_OF_UNFORESEEN) return error
    return ApplicationFailure.fromError(error, { nonRetryable: true })
  }
  const final = error.final || attempt >= ATTEMPTS_OF_RECOVERABLE
  deps.log[final ? 'error' : 'warn'](error.message, {
    activity: activityType,
    attempt,
    code: error.code,
    hint: error.hint,
  })
  return ApplicationFailure.create({
    type: error.kind,
    message: error.message,
    nonRetryable: final,
    details: [{ code: error.code, hint: error.hint }],
    ...(error.cause instanceof Error ? { cause: error.cause } : {}),
  })
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
