/**
 * `stale.json`: somebody else changed what lies under the table after the run was planned. Its plan cannot be carried out,
 * and must not be made anew under the same id: a late worker of it would mix two plans. So whoever comes next is another run.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ObjectStore } from '../lake/object-store.js'
import { RunRecords } from './records.js'

const STALE = 'stale.json'
/** Length of a run id: enough hex digits that two runs never meet. */
const RUN_ID_CHARACTERS = 16

const staleRecordSchema = z.object({
  formatVersion: z.literal(1),
  /** Address of the first object that is not what the plan or the ledger says. */
  object: z.string(),
})

/** Notes that the run's plan no longer fits the table; nobody takes this run up any more. */
export async function markStale(records: RunRecords, object: string, signal: AbortSignal): Promise<void> {
  await records.save(STALE, { formatVersion: 1, object }, signal)
}

/**
 * The id of the run that does some work in place of what the table shows: the same for everybody who asks, until that run
 * is stale.
 *
 * @param work digest of everything that decides what the table holds
 * @param replaces id of the run that the table shows
 */
export async function idOfRun(
  metadata: ObjectStore,
  work: string,
  replaces: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  for (let stale = 0; ; stale++) {
    const which = stale === 0 ? '' : `\n${stale}`
    const id = createHash('sha256')
      .update(`${work}\n${replaces ?? ''}${which}`)
      .digest('hex')
      .slice(0, RUN_ID_CHARACTERS)
    const found = await new RunRecords(metadata, id).find(STALE, (value) => staleRecordSchema.parse(value), signal)
    if (!found) return id
  }
}
