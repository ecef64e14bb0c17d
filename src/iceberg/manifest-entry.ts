/** A data file in a manifest, and what became of it. */
import type { DataFile } from './data-file.js'

/** What became of a file in the snapshot that a manifest was written for. */
export const STATUS = { existing: 0, added: 1, deleted: 2 } as const

/** A file as a manifest lists it. */
export interface ManifestEntry {
  readonly status: (typeof STATUS)[keyof typeof STATUS]
  /** The snapshot that added the file, or that deleted it. */
  readonly snapshotId: bigint
  /** Of the snapshot that added the file. */
  readonly sequenceNumber: bigint
  readonly file: DataFile
  readonly sortOrderId: number
}
