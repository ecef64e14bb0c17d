/** The plan among a run's records: its figures in `plan.json`, its partitions in `plan.parquet`. */
import { z } from 'zod'
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { PLAN_FORMAT } from '../partition-files/plan-file.js'
import { PLAN_RECORD } from './names.js'
import { fetchPartitionFile } from './partition-file.js'
import type { RunRecords } from './records.js'

const count = z.number().int().nonnegative()

const planRecordSchema = z.object({
  formatVersion: z.literal(1),
  rows: count,
  rowsToWrite: count,
  units: count,
  partitions: z.object({ total: count, added: count, replaced: count, kept: count, removed: count }),
  /** About how many bytes the partitions that are written will take; missing in plans of older versions. */
  bytesToWrite: count.optional(),
  /** SHA-256 of plan.parquet. */
  sha256: z.string(),
  /** What the catalog foresees of the table, a sentence each; missing where there is nothing to say. */
  tableWarnings: z.array(z.string()).readonly().optional(),
})

/** `plan.json`: the plan's figures. */
export type PlanRecord = z.output<typeof planRecordSchema>

/**
 * The plan's record, or undefined before there is one.
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findPlan(
  { records }: { readonly records: RunRecords },
  signal: AbortSignal,
): Promise<PlanRecord | undefined> {
  return await records.find(PLAN_RECORD, (value) => planRecordSchema.parse(value), signal)
}

/**
 * Local path of a run's `plan.parquet`.
 *
 * @param of the run, and a local folder for a copy where the store is not local
 * @throws ConflictError ETL3-RN-04 when a newer ETL3 wrote it
 * @throws IntegrityError ETL3-PQ-20 when it is damaged
 */
export async function fetchPlan(
  { records, scratch }: { readonly records: RunRecords; readonly scratch: string },
  signal: AbortSignal,
): Promise<string> {
  return await fetchPlanAt(records.store, records.key(PLAN_FORMAT.name), scratch, signal)
}

/** As {@link fetchPlan}, of any run. @param key of the plan under the metadata root */
export async function fetchPlanAt(
  store: ObjectStore,
  key: ObjectKey,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  return await fetchPartitionFile(PLAN_FORMAT, { store, key, scratch }, signal)
}
