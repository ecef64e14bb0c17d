/** Waits for a run: shows how it goes, and passes on what the person at the keyboard wants. */
import { setTimeout as pause } from 'node:timers/promises'
import type { RunResult } from '../../contract/messages.js'
import { messageOf } from '../../runtime/errors.js'
import { Interrupted } from '../exit-codes.js'
import { isCancellation, isTermination } from '../failure.js'
import type { SignalName } from '../io.js'
import type { ProgressView } from '../output/progress-view.js'
import type { OngoingRun } from './runs.js'

/** Between two looks at a run. */
const LOOK_EVERY_MS = 500

/** What following needs. */
export interface FollowOptions {
  readonly run: OngoingRun
  readonly view: ProgressView
  /** Rejects or resolves with the reason why waiting is in vain. */
  readonly broken: Promise<Error>
  /** What the first Ctrl-C means. Default: cancel. */
  readonly onInterrupt?: 'cancel' | 'leave'
  notice(line: string): void
  onSignal(handler: (signal: SignalName) => void): () => void
}

type Ending =
  | { readonly how: 'finished'; readonly result: RunResult }
  | { readonly how: 'failed'; readonly error: unknown }
  | { readonly how: 'detached'; readonly signal: SignalName }

/**
 * Follows a run to its end. The first Ctrl-C asks for its cancellation and waits for it (unless `onInterrupt` says
 * otherwise); the second one, or SIGTERM, leaves it alone and goes.
 * @returns the run's result
 * @throws Interrupted when the command was told to go, or the run was cancelled or terminated
 * @throws whatever the run failed with
 */
export async function followRun(options: FollowOptions): Promise<RunResult> {
  const { run, view } = options
  const steering = new AbortController()
  let cancelled = false
  const detached = new Promise<Ending>((resolve) => {
    const release = options.onSignal((signal) => {
      if (signal === 'SIGTERM' || cancelled || options.onInterrupt === 'leave') {
        resolve({ how: 'detached', signal })
        return
      }
      cancelled = true
      options.notice('cancelling: the run stops after the chunk that it is at (Ctrl-C again: do not wait for it)')
      run.cancel().catch((error: unknown) => {
        options.notice(`the cancellation did not reach the run: ${messageOf(error)}`)
        cancelled = false
      })
    })
    steering.signal.addEventListener('abort', release)
  })
  const finished: Promise<Ending> = run.result().then(
    (result) => ({ how: 'finished', result }),
    (error: unknown) => ({ how: 'failed', error }),
  )
  const broken: Promise<Ending> = options.broken.then((error) => ({ how: 'failed', error }))
  const ended = Promise.race([finished, broken, detached])

  try {
    const ending = await lookUntil(ended, options)
    // A last look, so that the phases that ended since the one before are shown too.
    view.end(ending.how === 'detached' ? undefined : await atMost(run.progress(), LOOK_EVERY_MS), Date.now())
    if (ending.how === 'finished') return ending.result
    if (ending.how === 'detached') {
      throw new Interrupted(
        ending.signal,
        cancelled
          ? 'not waiting for the cancellation; it goes on by itself'
          : "left the run going; 'etl3 status' shows it, the same command waits for it again",
      )
    }
    throw readable(ending.error)
  } finally {
    steering.abort()
  }
}

async function lookUntil(ended: Promise<Ending>, { run, view }: FollowOptions): Promise<Ending> {
  for (;;) {
    const progress = await Promise.race([ended.then(() => undefined), run.progress()])
    const ending = await Promise.race([ended, pause(0)])
    if (ending) return ending
    view.show(progress, Date.now())
    const early = await Promise.race([ended, pause(LOOK_EVERY_MS)])
    if (early) return early
  }
}

async function atMost<T>(answer: Promise<T>, ms: number): Promise<T | undefined> {
  return await Promise.race([answer, pause(ms, undefined)])
}

function readable(error: unknown): unknown {
  if (isCancellation(error)) {
    return new Interrupted('SIGINT', 'the run was cancelled; start it again to go on where it stopped', {
      cause: error,
    })
  }
  if (isTermination(error)) {
    return new Interrupted('SIGTERM', 'the run was terminated; start it again to go on where it stopped', {
      cause: error,
    })
  }
  return error
}
