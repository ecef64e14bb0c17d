/**
 * The run's record, read again only where it is another one. It names every input file: with 10,000 of them it takes longer
 * to parse than a small unit to write, and every activity begins with it.
 */
import type { RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'

const RUN_RECORD = 'run.json'

/** The record that was read last; a worker has one run at a time, as a rule. */
let last: { readonly address: string; readonly etag: string; readonly record: RunRecord } | undefined

/**
 * The record of a run, or undefined where there is none.
 *
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findRunRecord(records: RunRecords, signal: AbortSignal): Promise<RunRecord | undefined> {
  const key = records.key(RUN_RECORD)
  const address = records.store.locate(key)
  const [object] = await records.store.stat([key], signal)
  if (!object) return undefined
  if (last?.address === address && last.etag === object.etag) return last.record
  const record = await records.find(RUN_RECORD, parseRunRecord, signal)
  // A record that was replaced since it was looked at has another etag: the next activity reads it again.
  last = record && { address, etag: object.etag, record }
  return record
}
