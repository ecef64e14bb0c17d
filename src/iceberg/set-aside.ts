/**
 * What a commit has set aside, kept in the summary of its snapshot: whoever reads the table later finds it there, and a
 * commit that is repeated, because its answer was lost, says the same again.
 */
import { z } from 'zod'
import type { Snapshot } from './table-metadata.js'

/** In a snapshot's summary: what its commit has set aside. */
const SET_ASIDE_SUMMARY = 'etl3.set-aside'

/** A change that a commit has set aside. */
export const setAsideChangeSchema = z.object({
  /**
   * `snapshot`: it is one of the table's snapshots. `columns`: it is an earlier schema of the table. `catalog`: it is the
   * metadata file of another catalog, beside the table's own. `moved`: it was made where the table lay before.
   */
  kind: z.enum(['snapshot', 'columns', 'catalog', 'moved']),
  /** What was done, by whom and when, in words. */
  what: z.string(),
  /** Of the change, or of what is current in the other catalog. A whole number beyond 2^53, as text. */
  snapshotId: z
    .string()
    .regex(/^-?\d+$/)
    .exactOptional(),
  /** Name of the metadata file of another catalog. */
  file: z.string().exactOptional(),
  /** What the snapshot's writer says that it has done: `append`, `delete`, `overwrite`, `replace` … */
  operation: z.string().exactOptional(),
  /** The snapshot's instant, in ms since the epoch. */
  timestampMs: z.int().exactOptional(),
})

/** A change that a commit has set aside. */
export type SetAsideChange = Readonly<z.output<typeof setAsideChangeSchema>>

/** What a snapshot's commit has set aside, as its summary says; nothing where the summary is not as ETL3 writes it. */
export function setAsideBy({ summary }: Snapshot): readonly SetAsideChange[] {
  const text = summary[SET_ASIDE_SUMMARY]
  if (text === undefined) return []
  try {
    return z.array(setAsideChangeSchema).parse(JSON.parse(text))
  } catch {
    return []
  }
}

/** The entry of a snapshot's summary for what its commit sets aside. */
export function setAsideSummary(changes: readonly SetAsideChange[]): Readonly<Record<string, string>> {
  return changes.length === 0 ? {} : { [SET_ASIDE_SUMMARY]: JSON.stringify(changes) }
}
