/** How units run: several at once, a pause between any two, a new execution when the history grows long. */
import type { Planned, RunRef, UnitDone } from '../contract/activities.js'
import type { RunLog, UnitPhase } from './run-log.js'

const ACTIVITY_OF = { write: 'writePartitions', audit: 'auditObjects', publish: 'publishPartitions' } as const

/** What the policy needs to know. */
export interface UnitsInput {
  readonly run: RunRef
  readonly plan: Planned
  readonly maxWorkers: number
}

/**
 * Runs all units of a phase. One more than there are workers is scheduled, so that a worker that ends a unit finds the
 * next one waiting: that hides half of the server's share.
 */
export async function runUnits(
  log: RunLog,
  phase: UnitPhase,
  { run, plan, maxWorkers }: UnitsInput,
): Promise<UnitDone> {
  const atOnce = maxWorkers + 1
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  for (let unit = log.nextUnit(phase); unit < plan.units && !failure; unit++) {
    if (log.shouldContinue) {
      await Promise.all(running)
      if (!failure) await log.continue()
    }
    await log.untilResumed(run)
    while (running.size >= atOnce) await Promise.race(running)
    if (failure) break
    const work: Promise<void> = log
      .activities(`${unit + 1} of ${plan.units}`)
      [ACTIVITY_OF[phase]]({ run, unit })
      .then((done) => log.unitDone(phase, done))
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => running.delete(work))
    running.add(work)
  }
  await Promise.all(running)
  if (failure) throw failure.error
  return log.unitTotals(phase)
}
