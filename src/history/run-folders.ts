/** The folders that runs have left under the metadata root, and which of them are old. */
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { RUN_RECORD, RUNS_PREFIX } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord } from '../records/run.js'

/** What lies in the folder of one run. */
export interface RunFolder {
  readonly id: string
  readonly objects: readonly { readonly key: ObjectKey; readonly bytes: number }[]
  /** Milliseconds since the epoch; 0 for a run without a record of its own: nobody can go on with it. */
  readonly startedMs: number
  /** Whether the run came to its end: it has a receipt. */
  readonly ended: boolean
}

/**
 * The folders of all runs but those that `skip` names.
 * @throws IntegrityError ETL3-RN-03 when the record of a run cannot be read
 */
export async function runFolders(
  metadata: ObjectStore,
  signal: AbortSignal,
  skip: ReadonlySet<string | undefined> = new Set(),
): Promise<RunFolder[]> {
  const objectsOf = new Map<string, { readonly key: ObjectKey; readonly bytes: number }[]>()
  for await (const { key, bytes } of metadata.list(RUNS_PREFIX, signal)) {
    const id = key.split('/')[1] ?? ''
    if (skip.has(id)) continue
    const objects = objectsOf.get(id) ?? []
    objects.push({ key, bytes })
    objectsOf.set(id, objects)
  }
  const folders: RunFolder[] = []
  for (const [id, objects] of objectsOf) {
    const record = await new RunRecords(metadata, id).find(RUN_RECORD, parseRunRecord, signal)
    const startedMs = record ? Date.parse(record.startedAt) : 0
    folders.push({ id, objects, startedMs, ended: objects.some(({ key }) => nameIn(id, key) === 'receipt.json') })
  }
  return folders
}

/** Name of an object relative to its run. */
export function nameIn(runId: string, key: ObjectKey): string {
  return key.slice(`${RUNS_PREFIX}${runId}/`.length)
}

/**
 * The runs that ended, without the one that the table shows: the newest ones that stay, and the older ones that may go.
 * A run that never ended is in neither: its plan is how ETL3 knows what an unfinished publication left behind.
 *
 * @param keep how many stay, the one that the table shows included (`output.keep_runs`)
 * @param current the run that the table shows, if there is one
 */
export function byAge(
  folders: readonly RunFolder[],
  keep: number,
  current: string | undefined,
): { readonly kept: readonly RunFolder[]; readonly old: readonly RunFolder[] } {
  const newestFirst = folders
    .filter(({ id, ended }) => ended && id !== current)
    .toSorted((a, b) => b.startedMs - a.startedMs)
  const places = current === undefined ? keep : keep - 1
  return { kept: newestFirst.slice(0, places), old: newestFirst.slice(places) }
}
