/** Writes one unit: encodes each partition and puts it once into the run's folder, in chunks. */

import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import type { ObjectStore } from '../lake/object-store.js'
import { createPartitionEncoder } from '../parquet/encoder.js'
import type { BoundRows, FactorisedRows } from '../parquet/factorised.js'
import { type PlannedPartition, readUnit } from '../partition-files/read-plan.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { type LedgerEntry, objectName, parseUnitRecord, type UnitRecord, unitRecordName } from '../records/unit.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { InputError, IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { groupBy } from '../runtime/group-by.js'
import { DICTIONARY } from '../star/dictionary.js'
import { columnSources, RowGroupBuilder, SliceBuckets } from '../star/enrich.js'
import { type FactFilter, type FactRange, WINDOW_FACTS } from '../star/fact-window.js'
import { RowChecksums } from '../star/row-checksums.js'
import {
  groupsOfCells,
  piecesOf,
  readWindow,
  type SliceRange,
  sliceRanges,
  slicesOf,
  windowsOf,
} from '../star/slice-reader.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { Block } from '../star/staged-star.js'
import { Chunks } from './chunks.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { foreseenPlace, openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { LoadedStar } from './star-cache.js'

type Answer = Omit<UnitDone, keyof Measured>

/** Writes a unit. Repeating it, or two attempts at once, leaves the same objects. */
export function writePartitions(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  const encoder = createPartitionEncoder(DICTIONARY.map(({ name, type }) => ({ name, type })))
  return async ({ run, unit }, scope) => {
    const { signal } = scope
    const context = await openContext(run, deps, signal)
    const finished = await finishedUnit(context, unit, signal)
    if (finished) return finished

    const { records } = context
    const paths = await stagedPaths(context, signal)
    const plan = await fetchPlan(context, signal)
    const entries = await withEngine(deps, context.scratch, signal, async (engine) => {
      const partitions = await readUnit(engine, plan, unit)
      const absent = partitions.filter((p) => p.observedEtag === undefined)
      context.table.foresee(
        absent.map((p) => p.key),
        foreseenPlace(records),
      )
      const loaded = await deps.star.star(run.runId, paths, engine)
      const writer = new UnitWriter({ context, deps, scope, unit, encoder, engine, paths, loaded })
      for (const [block, ofBlock] of groupBy(partitions, (p) => p.block)) {
        await writer.writeBlock(await deps.star.block(loaded, block, engine), ofBlock)
      }
      return await writer.close()
    })
    failPoint('write:before-flush')
    await records.store.flush(records.key(`objects/${unit}`), signal)
    failPoint('write:before-record')
    const record: UnitRecord = {
      formatVersion: 2,
      unit,
      partitions: entries.length,
      rows: sum(entries, (e) => e.writtenRows),
      bytes: sum(entries, (e) => e.bytes),
      entries,
    }
    await records.save(unitRecordName(unit), record, signal)
    failPoint('write:after-record')
    return { unit, partitions: record.partitions, rows: record.rows, bytes: record.bytes }
  }
}

/** The answer of an earlier attempt, if all of its objects are still there in full. */
async function finishedUnit({ records }: RunContext, unit: number, signal: AbortSignal): Promise<Answer | undefined> {
  const record = await records.find(unitRecordName(unit), parseUnitRecord, signal)
  if (!record) return undefined
  const found = await records.store.stat(
    record.entries.map((e) => records.key(objectName(unit, e.ordinal))),
    signal,
  )
  if (record.entries.some((entry, i) => found[i]?.bytes !== entry.bytes)) return undefined
  return { unit, partitions: record.partitions, rows: record.rows, bytes: record.bytes }
}

/** What is stored and not flushed before a flush begins beside the writing; the unit's own then has less to wait for. */
const BYTES_AHEAD_OF_FLUSH = 24 * 1024 * 1024

interface UnitWriterInput {
  readonly context: RunContext
  readonly deps: ActivityDeps
  readonly scope: ActivityScope
  readonly unit: number
  readonly encoder: ReturnType<typeof createPartitionEncoder>
  readonly engine: Engine
  readonly paths: StagedPaths
  readonly loaded: LoadedStar
}

/** Writes the partitions of a unit, window by window, and keeps the ledger. */
class UnitWriter {
  /** In the order of the plan, whichever comes to its end first. */
  readonly #entries: Promise<LedgerEntry>[] = []
  #failure: { readonly error: unknown } | undefined
  #unflushedBytes = 0
  #flushing: Promise<void> | undefined
  readonly #input: UnitWriterInput
  readonly #builder: RowGroupBuilder
  readonly #checksums: RowChecksums
  readonly #chunks: Chunks

  constructor(input: UnitWriterInput) {
    const { context, deps, scope, loaded } = input
    this.#input = input
    this.#builder = new RowGroupBuilder(loaded.star, {
      rowGroupRows: context.config.processing.row_group_rows,
      byState: context.layout.provider.includes('state'),
    })
    this.#checksums = new RowChecksums(loaded.star)
    this.#chunks = new Chunks(context.config.processing.chunk_size, deps.memory, scope)
  }

  /** The ledger, when the store has all of it. @throws the error of the first put that failed */
  async close(): Promise<readonly LedgerEntry[]> {
    const entries = await Promise.all(this.#entries)
    await this.#flushing
    return entries
  }

  /** Writes the partitions of one block; they come by slice, then cell. */
  async writeBlock(block: Block, partitions: readonly PlannedPartition[]): Promise<void> {
    const { engine, paths } = this.#input
    this.#checksums.startBlock(block)
    const bySlice = groupBy(partitions, (p) => p.slice)
    const ranges = await sliceRanges(engine, paths, [...bySlice.keys()])
    for (const window of windowsOf(ranges)) await this.#writeWindow(block, window, bySlice)
  }

  async #writeWindow(
    block: Block,
    ranges: readonly SliceRange[],
    bySlice: ReadonlyMap<number, readonly PlannedPartition[]>,
  ): Promise<void> {
    const { loaded } = this.#input
    const first = ranges[0]
    const last = ranges.at(-1)
    if (!first || !last) return
    const quarantined = loaded.quarantined
    const range = { from: first.from, to: last.to }
    if (range.to - range.from <= WINDOW_FACTS) return await this.#writeSlices(block, range, bySlice, { quarantined })
    // A slice beyond one window: small partitions together, from only the facts that they need; a large one by itself.
    for (const batch of consecutiveGroups(bySlice.get(first.slice) ?? [], (p) => p.facts, { weight: WINDOW_FACTS })) {
      const keep = groupsOfCells(block, cellsOf(block, batch))
      const most = sum(batch, (p) => p.facts)
      const [alone] = batch
      if (alone && most > WINDOW_FACTS) await this.#writeStreamed(block, first, alone, { quarantined, keep })
      else await this.#writeSlices(block, range, new Map([[first.slice, batch]]), { quarantined, keep, most })
    }
  }

  /** Partitions whose facts fit into memory together. */
  async #writeSlices(
    block: Block,
    range: FactRange,
    bySlice: ReadonlyMap<number, readonly PlannedPartition[]>,
    filter: FactFilter,
  ): Promise<void> {
    const { engine, loaded, encoder } = this.#input
    const { window: facts } = await readWindow(engine, loaded.star, range, filter)
    encoder.bind(columnSources(loaded.star, block, facts))
    this.#checksums.startWindow(facts)
    for (const [slice, found] of slicesOf(facts)) {
      const partitions = bySlice.get(slice) ?? []
      const buckets = new SliceBuckets(found, block, cellsOf(block, partitions))
      for (const [i, partition] of partitions.entries()) {
        const counted = new CountedRows(buckets.rowGroups(i, this.#builder), this.#checksums)
        counted.facts = buckets.factsOf(i)
        await this.#put(partition, encoder.encode(counted, metadataOf(partition)), counted)
      }
    }
  }

  /** One partition of more facts than a window: its row groups come window by window. */
  async #writeStreamed(
    block: Block,
    range: SliceRange,
    partition: PlannedPartition,
    filter: { readonly quarantined: Uint8Array; readonly keep: Uint8Array },
  ): Promise<void> {
    const { engine, loaded, encoder } = this.#input
    const counted = new CountedRows([], this.#checksums)
    const builder = this.#builder
    const checksums = this.#checksums
    async function* rowGroups(): AsyncGenerator<BoundRows> {
      for await (const piece of piecesOf(engine, loaded.star, range, filter)) {
        const sources = columnSources(loaded.star, block, piece.window)
        checksums.startWindow(piece.window)
        const buckets = new SliceBuckets(piece, block, cellsOf(block, [partition]))
        counted.facts += buckets.factsOf(0)
        for (const rows of counted.of(buckets.rowGroups(0, builder))) yield { sources, rows }
      }
    }
    await this.#put(partition, encoder.encodeStream(rowGroups(), metadataOf(partition)), counted)
  }

  async #put(
    partition: PlannedPartition,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    counted: CountedRows,
  ): Promise<void> {
    const { context, unit, scope } = this.#input
    const { records } = context
    if (this.#failure) throw this.#failure.error
    // The encoder may go on once the pieces are consumed; what is on its way to the store is bounded there.
    const key = records.key(objectName(unit, partition.ordinal))
    const { stored } = await records.store.startPut(key, pieces, scope.signal)
    if (counted.rows !== partition.rows || counted.facts !== partition.facts) {
      throw new IntegrityError(
        'ETL3-WR-02',
        `${partition.key}: ${partition.rows} rows of ${partition.facts} facts were planned, ${counted.rows} of ${counted.facts} written`,
        { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
      )
    }
    const { rows, facts } = counted
    const checksum = this.#checksums.take()
    const entry = stored.then(({ bytes, sha256 }) => {
      if (bytes > context.table.mostPublishedBytes) throw tooLarge(partition.key, bytes, context.table)
      return {
        ordinal: partition.ordinal,
        key: partition.key,
        plannedRows: partition.rows,
        writtenRows: rows,
        facts,
        bytes,
        sha256,
        fingerprint: partition.fingerprint,
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
    failPoint('write:partition')
    await this.#chunks.add(rows, { partitions: this.#entries.length })
  }

  #flushAhead(bytes: number): void {
    this.#unflushedBytes += bytes
    if (this.#unflushedBytes < BYTES_AHEAD_OF_FLUSH || this.#flushing) return
    this.#unflushedBytes = 0
    const { context, unit, scope } = this.#input
    const { records } = context
    // The unit's own flush, which is waited for, says what goes wrong.
    this.#flushing = records.store
      .flush(records.key(`objects/${unit}`), scope.signal)
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

/** Passes row groups on, and counts and sums up their rows; who hands them over says of how many facts. */
class CountedRows implements Iterable<FactorisedRows> {
  rows = 0
  facts = 0
  readonly #groups: Iterable<FactorisedRows>
  readonly #checksums: RowChecksums

  constructor(groups: Iterable<FactorisedRows>, checksums: RowChecksums) {
    this.#groups = groups
    this.#checksums = checksums
  }

  [Symbol.iterator](): Generator<FactorisedRows> {
    return this.of(this.#groups)
  }

  *of(groups: Iterable<FactorisedRows>): Generator<FactorisedRows> {
    for (const group of groups) {
      this.rows += group.rows
      this.#checksums.add(group)
      yield group
    }
  }
}

function metadataOf(partition: PlannedPartition): [string, string][] {
  return [
    ['etl3.encoding', ENCODING_VERSION],
    ['etl3.fingerprint', partition.fingerprint],
  ]
}

/** Cells of partitions, counted from the block's first. */
function cellsOf(block: Block, partitions: readonly PlannedPartition[]): number[] {
  return partitions.map((p) => p.cell - block.firstCell)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
