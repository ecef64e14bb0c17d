/** What vacuum finds, whichever of its searches does, and how it goes. */
import type { ObjectStore } from '../lake/object-store.js'

/** Why something may go. */
export type VacuumReason =
  | 'old run'
  | 'failed run'
  | 'staged data'
  | 'unfinished write'
  | 'scratch'
  | 'old snapshots'
  | 'unused data'
  | 'unused metadata'

/** Something that may go. */
export interface VacuumItem {
  readonly reason: VacuumReason
  /** The run's id, the upload, the local path, the table or the folder of data. */
  readonly what: string
  readonly objects: number
  readonly bytes: number
}

/** Something that may go, and that can be made to. */
export interface Removable extends VacuumItem {
  /**
   * Called right after the lock was renewed.
   * @param renewLock called before each further step; what it throws ends the removal
   */
  readonly remove: (renewLock: () => Promise<void>, signal: AbortSignal) => Promise<void>
}

/** Writes to a store that began before an instant (ms since the epoch) and were never ended. */
export async function unfinishedWrites(store: ObjectStore, before: number, signal: AbortSignal): Promise<Removable[]> {
  const found: Removable[] = []
  for await (const write of store.unfinished(signal)) {
    if (write.startedMs >= before) continue
    found.push({
      reason: 'unfinished write',
      what: write.name,
      objects: 1,
      bytes: write.bytes,
      remove: async (_, stop) => await store.discard(write, stop),
    })
  }
  return found
}

/** Bytes of all of them. */
export function sumOfBytes(objects: readonly { readonly bytes: number }[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Objects of all of them. */
export function sumOfObjects(items: readonly VacuumItem[]): number {
  return items.reduce((sum, { objects }) => sum + objects, 0)
}
