/**
 * A registration in Glue: claims the exact table, brings partitions and projected table to the state, and ends by putting
 * its run's id in place of the claim.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { PartitionInput, Table, TableInput } from '@aws-sdk/client-glue'
import { backoffMs } from '../../runtime/backoff.js'
import { ConflictError, messageOf } from '../../runtime/errors.js'
import type { PublishedTable } from '../catalog.js'
import { sendInBatches } from './partition-batches.js'
import {
  type DifferenceCounts,
  type DuePartition,
  PARTITION_MARK,
  type PartitionDifference,
} from './partition-difference.js'
import {
  CLAIM_PROPERTY,
  hasDefinition,
  hasSameKeys,
  isOwnTable,
  keepingOthers,
  partitionIndexes,
  partitionStorage,
  RUN_PROPERTY,
  type TableDefinitions,
  withClaim,
} from './table-definition.js'
import type { GlueTables } from './tables.js'
import { toGlueValue } from './values.js'

/** What Glue takes at most in one call. */
const CREATES_PER_CALL = 100
const UPDATES_PER_CALL = 100
const DELETES_PER_CALL = 25

/** Calls at once: enough to hide latency, too few to be throttled. */
const CALLS_IN_FLIGHT = 4

/** How often a registration begins anew because another writer was faster. */
const ROUNDS = 8
const PAUSES_BETWEEN_ROUNDS = { firstMs: 250, longestMs: 2_000 }

/** The claim is looked at again after this much work, right before the next call. */
const CLAIM_LOOK_INTERVAL_MS = 1_000

/** Another run's claim that does not change for this long is that of a run that is no more. */
const CLAIM_PATIENCE_MS = 15_000
const CLAIM_POLL_MS = 250

/** What is registered, and where. */
export interface RegistrationInput {
  readonly glue: GlueTables
  /** How long another run's claim is respected, in ms. Default: 15,000. */
  readonly claimPatienceMs: number | undefined
  readonly state: PublishedTable
  readonly tables: TableDefinitions
  readonly difference: PartitionDifference
  readonly signal: AbortSignal
}

/** One registration, from the first look at the tables to the run's id in their properties. */
export class Registration {
  /** What people should know and no figure says. */
  readonly notes: string[] = []
  readonly #glue: GlueTables
  readonly #claimPatienceMs: number
  readonly #input: RegistrationInput
  #lookedAtClaim = Number.NEGATIVE_INFINITY

  constructor(input: RegistrationInput) {
    this.#glue = input.glue
    this.#claimPatienceMs = input.claimPatienceMs ?? CLAIM_PATIENCE_MS
    this.#input = input
  }

  /**
   * Brings Glue to the state. @returns how many partitions that changed
   * @throws ConflictError `ETL3-GL-03` when another run took the table over, `ETL3-GL-04` for a table that is not ETL3's
   */
  async run(): Promise<DifferenceCounts> {
    const { signal, state } = this.#input
    let counts: DifferenceCounts | undefined
    for (let round = 1; round <= ROUNDS; round++) {
      const found = await this.#tableThatIsFree()
      const now = await this.#compare(found)
      counts ??= now
      if (await this.#bringUp(found, now)) return counts
      await delay(backoffMs(round, PAUSES_BETWEEN_ROUNDS), undefined, { signal })
    }
    throw new ConflictError(
      'ETL3-GL-03',
      `the table changes faster than it can be registered [Glue: ${this.#glue.database}.${state.table}, ${ROUNDS} attempts]`,
      { hint: 'Find out who else writes to it, stop that, and run again.' },
    )
  }

  /** One attempt. @returns false when another writer was faster and everything must be looked at again */
  async #bringUp(found: Table | undefined, counts: DifferenceCounts): Promise<boolean> {
    const { tables } = this.#input
    const isSame = counts.created + counts.updated + counts.deleted === 0
    if (found && isSame && hasDefinition(found, tables.exact)) return await this.#putProjected()
    if (!(await this.#claim(found))) return false
    if (!(await this.#writePartitions())) return false
    if (!(await this.#putProjected())) return false
    return await this.#finish()
  }

  /** The exact table, or undefined when there is none (any more). Waits while another run registers. */
  async #tableThatIsFree(): Promise<Table | undefined> {
    const { state, signal } = this.#input
    let seen: Table | undefined
    let waitUntil = 0
    for (;;) {
      const table = await this.#glue.find(state.table, signal)
      if (table && !isOwnTable(table)) throw this.#notOurs()
      const claim = table?.Parameters?.[CLAIM_PROPERTY]
      if (claim === undefined || claim === state.runId) return table
      if (seen?.VersionId !== table?.VersionId || !seen) {
        seen = table
        waitUntil = performance.now() + this.#claimPatienceMs
      } else if (performance.now() > waitUntil) return table
      await delay(CLAIM_POLL_MS, undefined, { signal })
    }
  }

  async #compare(found: Table | undefined): Promise<DifferenceCounts> {
    const { difference, state, signal, tables } = this.#input
    if (!found || !hasSameKeys(found, tables.exact)) return await difference.compare(noPages())
    return await difference.compare(this.#glue.partitions(state.table, signal))
  }

  async #claim(found: Table | undefined): Promise<boolean> {
    const { state, tables, signal } = this.#input
    const claimed = withClaim(tables.exact, state.runId)
    const indexes = partitionIndexes(state.partitionColumns)
    if (!found) return await this.#glue.create(claimed, indexes, signal)
    if (!hasSameKeys(found, tables.exact)) {
      // Other partition columns: Glue cannot change a table's keys under its partitions.
      await this.#glue.delete(state.table, signal)
      return await this.#glue.create(claimed, indexes, signal)
    }
    if (!(await this.#glue.update(keepingOthers(claimed, found), found, signal))) return false
    await this.#addIndexes()
    return true
  }

  /** Adds the indexes that are missing. They only save time, so a failure is told and no more. */
  async #addIndexes(): Promise<void> {
    const { state, signal } = this.#input
    try {
      const there = await this.#glue.indexNames(state.table, signal)
      for (const index of partitionIndexes(state.partitionColumns)) {
        if (!there.has(index.IndexName ?? '')) await this.#glue.createIndex(state.table, index, signal)
      }
    } catch (error) {
      signal.throwIfAborted()
      this.notes.push(`a partition index is missing: ${messageOf(error)}`)
    }
  }

  /** @returns false when Glue had something else than was read before */
  async #writePartitions(): Promise<boolean> {
    const { difference, state, signal } = this.#input
    const { table } = state
    const common = { inFlight: CALLS_IN_FLIGHT, fence: () => this.#keepClaim(), signal }
    const valuesOf = ({ Values = [] }: PartitionInput): readonly string[] => Values
    const created = await sendInBatches(this.#inputs(difference.created()), {
      ...common,
      call: `BatchCreatePartition ${table}`,
      size: CREATES_PER_CALL,
      valuesOf,
      send: (items) => this.#glue.createPartitions(table, [...items], signal),
    })
    const updated = await sendInBatches(this.#inputs(difference.updated()), {
      ...common,
      call: `BatchUpdatePartition ${table}`,
      size: UPDATES_PER_CALL,
      valuesOf,
      send: (items) => this.#glue.updatePartitions(table, [...items], signal),
    })
    const deleted = await sendInBatches(difference.deleted(), {
      ...common,
      call: `BatchDeletePartition ${table}`,
      size: DELETES_PER_CALL,
      valuesOf: (values) => values,
      // What it deletes may be the newer run's.
      fence: () => this.#lookAtClaim(),
      send: (items) => this.#glue.deletePartitions(table, [...items], signal),
    })
    return created + updated + deleted === 0
  }

  async *#inputs(partitions: AsyncIterable<DuePartition>): AsyncGenerator<PartitionInput> {
    const { tables } = this.#input
    for await (const { values, location, mark, rows, bytes } of partitions) {
      yield {
        Values: values.map(toGlueValue),
        StorageDescriptor: partitionStorage(location, tables.exact),
        Parameters: { [PARTITION_MARK]: mark, numFiles: '1', numRows: String(rows), totalSize: String(bytes) },
      }
    }
  }

  /** A worker that was stopped and wakes up finds here that a newer run has taken the table over. */
  async #keepClaim(): Promise<void> {
    // The machine's clock, because the process's stands still while a laptop sleeps.
    if (Math.abs(Date.now() - this.#lookedAtClaim) >= CLAIM_LOOK_INTERVAL_MS) await this.#lookAtClaim()
  }

  async #lookAtClaim(): Promise<void> {
    const { state, signal } = this.#input
    const { Parameters = {} } = (await this.#glue.find(state.table, signal)) ?? {}
    const holder = Parameters[CLAIM_PROPERTY] ?? Parameters[RUN_PROPERTY]
    if (holder !== state.runId) throw this.#takenOver(holder)
    this.#lookedAtClaim = Date.now()
  }

  async #putProjected(): Promise<boolean> {
    const { tables, signal } = this.#input
    const { projected } = tables
    const found = await this.#glue.find(projected.Name ?? '', signal)
    if (!found) return await this.#glue.create(projected, [], signal)
    if (!isOwnTable(found)) throw this.#notOurs(projected.Name)
    if (hasDefinition(found, projected)) return true
    return await this.#glue.update(keepingOthers(projected, found), found, signal)
  }

  async #finish(): Promise<boolean> {
    const { state, tables, signal } = this.#input
    const found = await this.#glue.find(state.table, signal)
    if (!found) return false
    const claim = found.Parameters?.[CLAIM_PROPERTY]
    const holder = claim ?? found.Parameters?.[RUN_PROPERTY]
    if (holder !== state.runId) throw this.#takenOver(holder)
    // Another attempt of this run was faster: it has written the same.
    if (claim === undefined) return hasDefinition(found, tables.exact)
    return await this.#glue.update(withoutClaim(keepingOthers(tables.exact, found)), found, signal)
  }

  #takenOver(holder: string | undefined): ConflictError {
    const { state } = this.#input
    return new ConflictError(
      'ETL3-GL-03',
      `another run registers the table [Glue: ${this.#glue.database}.${state.table}, run ${holder ?? 'unknown'}]`,
      { hint: 'Run again when that run is done.' },
    )
  }

  #notOurs(table = this.#input.state.table): ConflictError {
    return new ConflictError(
      'ETL3-GL-04',
      `there is a table of that name that ETL3 did not make [Glue: ${this.#glue.database}.${table}]`,
      { hint: 'Choose another athena.table, or drop that table; its files stay.' },
    )
  }
}

function withoutClaim(input: TableInput): TableInput {
  const { [CLAIM_PROPERTY]: _, ...properties } = input.Parameters ?? {}
  return { ...input, Parameters: properties }
}

async function* noPages(): AsyncGenerator<never> {}
