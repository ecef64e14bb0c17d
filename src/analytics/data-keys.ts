/** Keys of the analytics table's data files: each run has a folder of its own, so no name is ever used again. */
import type { ObjectKey } from '../lake/object-store.js'

/** Folder of all data files, below the table's root. */
export const DATA_FOLDER = 'data'

/** Only what a run of ETL3 writes is named so; other engines have names of their own. */
const DATA_KEY = /^data\/([0-9a-f]{16})\/\d+\.parquet$/

/** Folder of a run's data files. */
export function dataPrefix(runId: string): ObjectKey {
  return `${DATA_FOLDER}/${runId}`
}

/** Key of a run's data file. @param ordinal its place in the plan */
export function dataKey(runId: string, ordinal: number): ObjectKey {
  return `${dataPrefix(runId)}/${ordinal}.parquet`
}

/** The run that writes under a key; undefined for a key of anything else. */
export function runOfDataKey(key: ObjectKey): string | undefined {
  return DATA_KEY.exec(key)?.[1]
}
