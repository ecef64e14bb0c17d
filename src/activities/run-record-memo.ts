/**
 * The run's record, parsed again only where it is another one. It names every input file: with 10,000 of them it takes
 * longer to parse than a small unit to write, and every activity begins with it.
 */
import { RUN_RECORD } from '../records/names.js'
import { parseRecord, type RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'

/** The record that was read last; a worker has one run at a time, as a rule. */
let last: { readonly bytes: Uint8Array; readonly record: RunRecord } | undefined

/**
 * The record of a run, or undefined where there is none. It is read each time, not only looked at: S3 says why it refuses
 * in the body of an answer, and the answer to a look has none.
 *
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findRunRecord(records: RunRecords, signal: AbortSignal): Promise<RunRecord | undefined> {
  const key = records.key(RUN_RECORD)
  const bytes = await records.store.find(key, signal)
  if (bytes === undefined) return undefined
  if (last && Buffer.compare(last.bytes, bytes) === 0) return last.record
  const record = parseRecord(bytes, parseRunRecord, records.store.locate(key))
  last = { bytes, record }
  return record
}
