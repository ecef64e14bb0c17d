/** `plan.json`: the figures of a run's plan. */
import { z } from 'zod'
import { PLAN_RECORD } from './names.js'
import type { RunRecords } from './records.js'

const count = z.number().int().nonnegative()

const planRecordSchema = z.object({
  formatVersion: z.literal(1),
  rows: count,
  rowsToWrite: count,
  units: count,
  partitions: z.object({ total: count, added: count, replaced: count, kept: count, removed: count }),
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
