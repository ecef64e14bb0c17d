/** Keeps the records of the last runs (`output.keep_runs`) and deletes those of older ones that have ended. */
import type { ObjectStore } from '../lake/object-store.js'
import { byAge, runFolders } from './run-folders.js'

/**
 * Deletes the folders of ended runs beyond the newest `keep`, key by key.
 *
 * @param current the run that the table shows; it always stays
 */
export async function pruneRuns(store: ObjectStore, keep: number, current: string, signal: AbortSignal): Promise<void> {
  const folders = await runFolders(store, signal, new Set([current]))
  for (const { objects } of byAge(folders, keep, current).old) {
    await store.delete(
      objects.map(({ key }) => key),
      signal,
    )
  }
}
