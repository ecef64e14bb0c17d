/** What a unit's rows are due to be: computed once, beside the writing where there is room, else when the audit asks. */
import type { Engine } from '../engine/engine.js'
import { duePartitions } from '../object-audit/due-partitions.js'
import type { DuePartition } from '../partition-files/due-partition.js'
import { findDue, saveDue } from '../records/due.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import type { RunContext } from './run-context.js'

/**
 * What a unit is due to be. Leaves `staged/due/<n>.json`.
 *
 * @param anew joined again, whatever was computed before
 */
export async function dueRows(
  context: RunContext,
  unit: number,
  engine: Engine,
  signal: AbortSignal,
  anew = false,
): Promise<readonly DuePartition[]> {
  const found = anew ? undefined : await findDue(context, unit, signal)
  if (found) return found
  const paths = await stagedPaths(context, signal)
  const plan = await fetchPlan(context, signal)
  const due = await duePartitions({ engine, paths, plan, unit })
  await saveDue(context, unit, due, signal)
  return due
}
