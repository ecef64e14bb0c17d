/** Writes one unit: encodes each partition and puts it once into the run's folder, in chunks. */

import { createPartitionEncoder } from '../parquet/encoder.js'
import type { FactorisedRows } from '../parquet/factorised.js'
import { type PlannedPartition, readUnit } from '../plan/read-plan.js'
import type { Engine } from '../runtime/engine.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { DICTIONARY } from '../star/dictionary.js'
import { columnSources, RowGroupBuilder, SliceBuckets } from '../star/enrich.js'
import { readFacts } from '../star/fact-window.js'
import { groupsOfCells, type SliceRange, sliceRanges, slicesOf, WINDOW_FACTS, windowsOf } from '../star/slice-reader.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { Block } from '../star/staged-star.js'
import { Chunks } from './chunks.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { PLAN } from './plan-partitions.js'
import { openContext, type RunContext, stagedPaths, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { LoadedStar } from './star-cache.js'
import type { Measured, UnitDone, UnitInput } from './types.js'
import { type LedgerEntry, objectName, parseUnitRecord, type UnitRecord, unitRecordName } from './unit-record.js'

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
    const plan = await records.store.fetchLocal(records.key(PLAN), context.scratch, signal)
    const entries = await withEngine(deps, context.scratch, signal, async (engine) => {
      const partitions = await readUnit(engine, plan, unit)
      const loaded = await deps.star.star(run.runId, paths, engine)
      const writer = new UnitWriter({ context, deps, scope, unit, encoder, engine, paths, loaded })
      for (const [block, ofBlock] of groupBy(partitions, (p) => p.block)) {
        await writer.writeBlock(await deps.star.block(loaded, block, engine), ofBlock)
      }
      return writer.entries
    })
    failPoint('write:before-flush')
    await records.store.flush(records.key(`objects/${unit}`), signal)
    failPoint('write:before-record')
    const record: UnitRecord = {
      formatVersion: 1,
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
  readonly entries: LedgerEntry[] = []
  readonly #input: UnitWriterInput
  readonly #builder: RowGroupBuilder
  readonly #chunks: Chunks

  constructor(input: UnitWriterInput) {
    const { context, deps, scope, loaded } = input
    this.#input = input
    this.#builder = new RowGroupBuilder(loaded.star, {
      rowGroupRows: context.config.processing.row_group_rows,
      oneState: context.layout.provider.includes('state'),
    })
    this.#chunks = new Chunks(context.config.processing.chunk_size, deps.memory, scope)
  }

  /** Writes the partitions of one block; they come by slice, then cell. */
  async writeBlock(block: Block, partitions: readonly PlannedPartition[]): Promise<void> {
    const { engine, paths } = this.#input
    const bySlice = groupBy(partitions, (p) => p.slice)
    const ranges = await sliceRanges(engine, paths, [...bySlice.keys()])
    for (const window of windowsOf(ranges)) await this.#writeWindow(block, window, bySlice)
  }

  async #writeWindow(
    block: Block,
    ranges: readonly SliceRange[],
    bySlice: ReadonlyMap<number, readonly PlannedPartition[]>,
  ): Promise<void> {
    const { engine, paths, loaded, encoder } = this.#input
    const first = ranges[0]
    const last = ranges.at(-1)
    if (!first || !last) return
    const cellsOf = (slice: number): number[] => (bySlice.get(slice) ?? []).map((p) => p.cell - block.firstCell)
    // A slice beyond a window is read without the facts that this unit does not need.
    const keep = last.to - first.from > WINDOW_FACTS ? { keep: groupsOfCells(block, cellsOf(first.slice)) } : {}
    const facts = await readFacts(
      engine,
      paths,
      { from: first.from, to: last.to },
      { quarantined: loaded.quarantined, ...keep },
    )
    encoder.bind(columnSources(loaded.star, block, facts))
    const slices = slicesOf(facts)
    for (const { slice } of ranges) {
      const found = slices.get(slice)
      const partitions = bySlice.get(slice) ?? []
      if (!found) throw new IntegrityError('ETL3-WR-01', `slice ${slice} is planned and has no facts`)
      const buckets = new SliceBuckets(found, block, cellsOf(slice))
      for (const [i, partition] of partitions.entries()) await this.#writePartition(partition, buckets, i)
    }
  }

  async #writePartition(partition: PlannedPartition, buckets: SliceBuckets, i: number): Promise<void> {
    const { context, encoder, unit, scope } = this.#input
    const { records } = context
    const counted = new CountedRows(buckets.rowGroups(i, this.#builder))
    const pieces = encoder.encode(counted, [
      ['etl3.encoding', ENCODING_VERSION],
      ['etl3.fingerprint', partition.fingerprint],
    ])
    const stored = await records.store.put(records.key(objectName(unit, partition.ordinal)), pieces, scope.signal)
    if (counted.rows !== partition.rows || buckets.factsOf(i) !== partition.facts) {
      throw new IntegrityError(
        'ETL3-WR-02',
        `${partition.key}: ${partition.rows} rows of ${partition.facts} facts were planned, ${counted.rows} of ${buckets.factsOf(i)} written`,
        { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
      )
    }
    this.entries.push({
      ordinal: partition.ordinal,
      key: partition.key,
      plannedRows: partition.rows,
      writtenRows: counted.rows,
      facts: buckets.factsOf(i),
      bytes: stored.bytes,
      sha256: stored.sha256,
      fingerprint: partition.fingerprint,
    })
    failPoint('write:partition')
    await this.#chunks.add(counted.rows, { partitions: this.entries.length })
  }
}

/** Passes row groups on and counts their rows. */
class CountedRows implements Iterable<FactorisedRows> {
  rows = 0
  readonly #groups: Iterable<FactorisedRows>

  constructor(groups: Iterable<FactorisedRows>) {
    this.#groups = groups
  }

  *[Symbol.iterator](): Generator<FactorisedRows> {
    for (const group of this.#groups) {
      this.rows += group.rows
      yield group
    }
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
