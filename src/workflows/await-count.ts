/** Waits for the check query of the catalog, where it takes its time: between two looks no activity holds a slot. */
import { ApplicationFailure, CancellationScope, sleep } from '@temporalio/workflow'
import type { Registered, RunRef } from '../contract/activities.js'
import type { RunLog } from './run-log.js'

/** Pauses grow up to this many times the first one. */
const LONGEST_PAUSE = 5
const GROWTH = 1.5
/** A look renews the run's lock, as every activity does; nothing else does so meanwhile. */
const LOOKS_PER_LEASE = 4

/** Looks at the check query until it is done; one that is given up, or that nobody waits for any more, is stopped. */
export async function awaitCount(log: RunLog, run: RunRef, { counting }: Registered): Promise<void> {
  if (!counting) return
  const { query, pollMs, timeoutMs } = counting
  const began = Date.now()
  const longestPauseMs = Math.min(pollMs * LONGEST_PAUSE, run.lockLeaseMs / LOOKS_PER_LEASE)
  let pauseMs = Math.min(pollMs, longestPauseMs)
  try {
    for (let look = 1; ; look++) {
      await sleep(pauseMs)
      const { done } = await log.activities(`look ${look}`).lookAtCount({ run, query })
      if (done) return
      if (Date.now() - began > timeoutMs) throw tooSlow(query, timeoutMs)
      pauseMs = Math.min(pauseMs * GROWTH, longestPauseMs)
    }
  } catch (error) {
    await CancellationScope.nonCancellable(() => log.activities().stopCount({ run, query })).catch(() => undefined)
    throw error
  }
}

function tooSlow(query: string, timeoutMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'UnavailableError',
    message: `Athena's query takes longer than ${timeoutMs / 1000} s [query ${query}]`,
    nonRetryable: true,
    details: [
      {
        code: 'ETL3-AT-02',
        hint: 'See the query in the Athena console; raise athena.query_timeout_ms if it is sound.',
      },
    ],
  })
}
