/** `result` in a run's records, apart from the messages because a workflow loads no zod. */
import { z } from 'zod'
import type { AnalyticsResult, RunResult, SetAside } from './messages.js'

const count = z.number().int().nonnegative()

const setAsideSchema: z.ZodType<SetAside> = z.object({
  what: z.string(),
  wayBack: z.string(),
  snapshotId: z.string().exactOptional(),
  operation: z.string().exactOptional(),
  at: z.string().exactOptional(),
})

const analyticsSchema: z.ZodType<AnalyticsResult> = z.object({
  table: z.string(),
  uri: z.string(),
  inGlue: z.boolean(),
  rows: count,
  files: count,
  added: count,
  addedRows: count,
  committed: z
    .object({
      bytes: count,
      removed: count,
      snapshotId: z.string(),
      metadataFile: z.string(),
      at: z.string(),
      setAside: z.array(setAsideSchema).readonly().exactOptional(),
    })
    .exactOptional(),
})

/** Reads the result of a run from a record. */
export const runResultSchema: z.ZodType<RunResult> = z.object({
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
  warningSources: z.array(z.string()).readonly().optional(),
  tableWarnings: z.array(z.string()).readonly().optional(),
  toWrite: z.object({ files: count, estimatedBytes: count, lacks: z.array(z.string()).readonly() }).exactOptional(),
  leftOut: z.array(z.string()).readonly().optional(),
  outputUri: z.string(),
  table: z.string(),
  catalogUri: z.string(),
  reportUri: z.string(),
  receiptUri: z.string(),
  analytics: analyticsSchema.exactOptional(),
})
