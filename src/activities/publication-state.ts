/** How far the publication of a run has come, in words, for errors that end it: what a reader sees in the table now. */

import { findPlan } from '../records/plan.js'
import { findPublished } from '../records/published.js'
import { parseUnitRecord, unitRecordName } from '../records/unit.js'
import type { RunContext } from './run-context.js'

/** What the next run does, as a hint: true for every error that leaves a publication unfinished. */
export const NEXT_RUN_MENDS =
  'Start the run again: it plans anew from what lies there now, and puts in place what is missing or not right.'

/**
 * What is in place.
 *
 * @param here unit that publishes now, and how many of its partitions are in place
 */
export async function publicationState(
  context: Pick<RunContext, 'ref' | 'records'>,
  here: { readonly unit: number; readonly partitions: number } | undefined,
  signal: AbortSignal,
): Promise<string> {
  const plan = await findPlan(context, signal)
  if (!plan) throw new Error(`run ${context.ref.runId} has no plan`)
  const due = plan.partitions.added + plan.partitions.replaced
  let inPlace = here?.partitions ?? 0
  for (let unit = 0; unit < plan.units; unit++) {
    if (unit !== here?.unit) inPlace += (await findPublished(context, unit, signal))?.length ?? 0
  }
  return inPlace === due
    ? `all ${due} new and changed partitions of this run are in place`
    : `at least ${inPlace} of ${due} new and changed partitions of this run are in place, the others are as they were`
}

/** The key for which this run wrote an object of these bytes; undefined where it wrote none. */
export async function keyOfOwnBytes(
  context: RunContext,
  sha256: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const units = (await findPlan(context, signal))?.units ?? 0
  for (let unit = 0; unit < units; unit++) {
    const ledger = await context.records.find(unitRecordName(unit), parseUnitRecord, signal)
    const entry = ledger?.entries.find((one) => one.sha256 === sha256)
    if (entry) return entry.key
  }
  return undefined
}
