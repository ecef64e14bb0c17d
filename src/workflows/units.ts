/** How units run: several at once, a pause between any two, a new execution when the history grows long. */
import type { RunRef, UnitDone } from '../contract/activities.js'
import type { RunLog, UnitKind } from './run-log.js'

const ACTIVITY_OF = {
  write: 'writePartitions',
  writeAnalytics: 'writeAnalytics',
  audit: 'auditObjects',
  auditAnalytics: 'auditAnalytics',
  publish: 'publishPartitions',
} as const

/** What the policy needs to know. */
export interface UnitsInput {
  readonly run: RunRef
  /** How many there are. */
  readonly units: number
  readonly maxWorkers: number
}

/**
 * Runs all units of a kind. One more than there are workers is scheduled, so that a worker that ends a unit finds the
 * next one waiting: that hides half of the server's share.
 */
export async function runUnits(log: RunLog, kind: UnitKind, { run, units, maxWorkers }: UnitsInput): Promise<UnitDone> {
  const atOnce = maxWorkers + 1
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  for (let unit = log.nextUnit(kind); unit < units && !failure; unit++) {
    if (log.shouldContinue) {
      await Promise.all(running)
      if (!failure) await log.continue()
    }
    await log.untilResumed(run)
    while (running.size >= atOnce) await Promise.race(running)
    if (failure) break
    const work: Promise<void> = log
      .activities(`${unit + 1} of ${units}`)
      [ACTIVITY_OF[kind]]({ run, unit })
      .then((done) => log.unitDone(kind, done))
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => running.delete(work))
    running.add(work)
  }
  await Promise.all(running)
  if (failure) throw failure.error
  return log.unitTotals(kind)
}
