/** `result` in a run's records. */
import { z } from 'zod'

const count = z.number().int().nonnegative()

/** The result of a run as records keep it; the same shape as `RunResult`. */
export const runResultSchema = z.object({
  formatVersion: z.literal(1),
  runId: z.string(),
  workflowId: z.string(),
  status: z.enum(['published', 'unchanged', 'validated', 'planned', 'failed']),
  facts: count,
  quarantined: count,
  rows: count,
  partitions: z.object({ total: count, added: count, replaced: count, kept: count, removed: count }),
  bytes: count,
  peakMemoryMb: z.number(),
  memoryLimitMb: z.number(),
  seconds: z.record(z.string(), z.number()),
  warnings: count,
  outputUri: z.string(),
  table: z.string(),
  catalogUri: z.string(),
  reportUri: z.string(),
  receiptUri: z.string(),
})
