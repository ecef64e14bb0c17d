/**
 * The port to what says which metadata file is the table's current one, and changes that in one step. Adapters:
 * `versioned-catalog.ts` (the files' own names) and `glue-table-catalog.ts`.
 */
import type { TableMetadata } from './table-metadata.js'

/** Folder of a table's metadata, below its root. */
export const METADATA_FOLDER = 'metadata'

/** A table as it was found. */
export interface FoundTable {
  readonly metadata: TableMetadata
  /** Full address of its metadata file. */
  readonly metadataFile: string
  /** Counts the metadata files; the next one gets the next number. */
  readonly version: number
  /** Names of metadata files that somebody else has put beside it, and that the table does not go on from. */
  readonly strangers: readonly string[]
}

/** Knows the current metadata of one table. */
export interface TableCatalog {
  /** The table as people know it, for messages. */
  readonly name: string
  /** Whether a table is found by where its files lie: one that was moved or copied is found in its new place. */
  readonly findsByPlace: boolean

  /**
   * The table as it is now; undefined when there is none.
   * @throws ConflictError `ETL3-IC-01` where the name is that of something else
   * @throws IntegrityError `ETL3-IC-04` where its metadata cannot be read
   */
  load(signal: AbortSignal): Promise<FoundTable | undefined>

  /**
   * Makes `metadata` the table's, if it is still the one that was found. Readers see the old state or the new one.
   * Making the same again is no error, also when the answer to the first attempt was lost.
   * @returns false when somebody else was faster: nothing has changed
   */
  replace(found: FoundTable | undefined, metadata: TableMetadata, signal: AbortSignal): Promise<boolean>

  /** Brings up to date what only helps readers to find the table; a run that was killed may have left it behind. */
  refresh(signal: AbortSignal): Promise<void>
}
