/** `current.json`: which run the table shows. It moves last. */
import { z } from 'zod'
import type { ObjectStore } from '../lake/object-store.js'
import { runResultSchema } from '../report/run-result.js'
import { findRecord } from './records.js'

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

/**
 * Which run the table shows, or undefined when nothing was published yet.
 * @throws IntegrityError ETL3-RN-03 when the record cannot be read
 */
export async function readCurrent(metadata: ObjectStore, signal: AbortSignal): Promise<CurrentRecord | undefined> {
  return await findRecord(metadata, 'current.json', (value) => currentSchema.parse(value), signal)
}
