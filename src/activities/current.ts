/** `current.json`: which run the table shows. It moves last. */
import { z } from 'zod'
import type { ObjectStore } from '../lake/object-store.js'

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

const currentSchema = z.object({
  formatVersion: z.literal(1),
  runId: z.string(),
  work: z.string(),
  /** Key of the manifest under the metadata root. */
  manifest: z.string(),
  publishedAt: z.string(),
  /** Number of the lock under which it was published: an older run never overwrites a newer one. */
  lockNumber: z.number(),
  /** The result of that run, as it was printed. */
  published: runResultSchema,
})

/** `current.json`: which run the table shows. It moves last. */
export type CurrentRecord = z.output<typeof currentSchema>

/** Which run the table shows, or undefined when nothing was published yet. */
export async function readCurrent(metadata: ObjectStore, signal: AbortSignal): Promise<CurrentRecord | undefined> {
  const bytes = await metadata.find('current.json', signal)
  return bytes === undefined ? undefined : currentSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
}
