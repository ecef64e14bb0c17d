/** Keeps the records of the last runs (`output.keep_runs`) and deletes those of older ones that have ended. */
import type { ObjectStore } from '../lake/object-store.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord } from '../records/run.js'

/**
 * Deletes the folders of ended runs beyond the newest `keep`, key by key. A run that never ended stays: its plan is how
 * ETL3 knows what an unfinished publication left behind.
 *
 * @param current the run that the table shows; it always stays
 */
export async function pruneRuns(store: ObjectStore, keep: number, current: string, signal: AbortSignal): Promise<void> {
  const keysOf = new Map<string, string[]>()
  for await (const { key } of store.list('runs/', signal)) {
    const id = key.split('/')[1]
    if (id === undefined || id === current) continue
    const keys = keysOf.get(id)
    if (keys) keys.push(key)
    else keysOf.set(id, [key])
  }
  const ended: { readonly id: string; readonly startedAt: string }[] = []
  for (const [id, keys] of keysOf) {
    const record = await new RunRecords(store, id).find('run.json', parseRunRecord, signal)
    if (record && keys.includes(`runs/${id}/receipt.json`)) ended.push({ id, startedAt: record.startedAt })
  }
  const newestFirst = ended.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
  for (const { id } of newestFirst.slice(Math.max(0, keep - 1))) await store.delete(keysOf.get(id) ?? [], signal)
}
