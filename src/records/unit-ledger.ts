/** The objects of a unit while they are stored, and its ledger, which says what each of them holds. */
import type { ObjectStore } from '../lake/object-store.js'
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { InputError, IntegrityError } from '../runtime/errors.js'
import type { RunRecords } from './records.js'
import { type LedgerEntry, objectName, unitObjects } from './unit.js'

/** What is stored and not flushed before a flush begins beside the writing; the unit's own then has less to wait for. */
const BYTES_AHEAD_OF_FLUSH = 24 * 1024 * 1024

/** A partition whose file is made while it is stored. */
export interface PartitionToStore {
  readonly partition: PlannedPartition
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** What went into the file, once all pieces are taken. */
  readonly encoded: () => { readonly rows: number; readonly facts: number; readonly checksum: string }
}

/** Whose objects are stored. */
export interface UnitLedgerOptions {
  readonly records: RunRecords
  readonly unit: number
  /** Where the objects will be published. */
  readonly table: ObjectStore
  readonly signal: AbortSignal
}

/** Stores the objects of a unit and keeps its ledger. */
export class UnitLedger {
  /** In the order of the plan, whichever comes to its end first. */
  readonly #entries: Promise<LedgerEntry>[] = []
  #failure: { readonly error: unknown } | undefined
  #unflushedBytes = 0
  #flushing: Promise<void> | undefined
  readonly #options: UnitLedgerOptions

  constructor(options: UnitLedgerOptions) {
    this.#options = options
  }

  /** How many partitions were put so far. */
  get partitions(): number {
    return this.#entries.length
  }

  /**
   * Puts the object of a partition once; it may still be on its way when this returns, as far as the store bounds that.
   *
   * @returns its rows
   * @throws IntegrityError ETL3-WR-02 when other rows or facts come than were planned
   * @throws the error of an earlier put that failed
   */
  async put({ partition, pieces, encoded }: PartitionToStore): Promise<number> {
    const { records, unit, table, signal } = this.#options
    if (this.#failure) throw this.#failure.error
    const { ordinal, key, fingerprint } = partition
    const { stored } = await records.store.startPut(records.key(objectName(unit, ordinal)), pieces, signal)
    const { rows, facts, checksum } = encoded()
    if (rows !== partition.rows || facts !== partition.facts) {
      throw new IntegrityError(
        'ETL3-WR-02',
        `${key}: ${partition.rows} rows of ${partition.facts} facts were planned, ${rows} of ${facts} written`,
        { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
      )
    }
    const entry = stored.then(({ bytes, sha256 }) => {
      if (bytes > table.mostPublishedBytes) throw tooLarge(key, bytes, table)
      return {
        ordinal,
        key,
        plannedRows: partition.rows,
        writtenRows: rows,
        facts,
        bytes,
        sha256,
        fingerprint,
        checksum,
      }
    })
    entry.then(
      ({ bytes }) => this.#flushAhead(bytes),
      (error: unknown) => {
        this.#failure ??= { error }
      },
    )
    this.#entries.push(entry)
    return rows
  }

  /**
   * The ledger, when the store has all of it.
   *
   * @throws the error of the first put that failed
   * @throws InputError ETL3-WR-03 for an object that is larger than the table's store takes
   */
  async close(): Promise<readonly LedgerEntry[]> {
    const entries = await Promise.all(this.#entries)
    await this.#flushing
    return entries
  }

  #flushAhead(bytes: number): void {
    this.#unflushedBytes += bytes
    if (this.#unflushedBytes < BYTES_AHEAD_OF_FLUSH || this.#flushing) return
    this.#unflushedBytes = 0
    const { records, unit, signal } = this.#options
    // The unit's own flush, which is waited for, says what goes wrong.
    this.#flushing = records.store
      .flush(records.key(unitObjects(unit)), signal)
      .catch(() => {})
      .finally(() => {
        this.#flushing = undefined
      })
  }
}

/** Found before anything is published: a table without its largest partitions would be a partial one. */
function tooLarge(key: string, bytes: number, table: ObjectStore): InputError {
  return new InputError(
    'ETL3-WR-03',
    `partition '${key}' has ${bytes} bytes, and ${table.uri} takes ${table.mostPublishedBytes} in one object`,
    { hint: 'Add a column to partitioning.partition_columns, so that its rows fall into several partitions.' },
  )
}
