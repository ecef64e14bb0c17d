/** Writes one unit: each partition is encoded and put once into the run's folder, in chunks. Leaves `units/<n>.json`. */

import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { createPartitionEncoder } from '../parquet/encoder.js'
import type { PartitionEncoder } from '../parquet/factorised.js'
import { type PlannedPartition, readUnit } from '../partition-files/read-plan.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import {
  type LedgerEntry,
  objectName,
  parseUnitRecord,
  type UnitRecord,
  unitObjects,
  unitRecordName,
} from '../records/unit.js'
import { UnitLedger } from '../records/unit-ledger.js'
import { failPoint } from '../runtime/fail-point.js'
import { groupBy } from '../runtime/group-by.js'
import { DICTIONARY } from '../star/dictionary.js'
import { PartitionEncoding } from '../star/encode-partitions.js'
import { Chunks } from './chunks.js'
import type { ActivityDeps } from './deps.js'
import { dueRows } from './due-rows.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { foreseenPlace, openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { LoadedStar } from './star-cache.js'
import { type WorkBeside, withWorkBeside } from './work-beside.js'

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
    const entries = await writeUnit({ context, deps, scope, unit, encoder })
    failPoint('write:before-flush')
    await records.store.flush(records.key(unitObjects(unit)), signal)
    failPoint('write:before-record')
    const record: UnitRecord = {
      formatVersion: 2,
      unit,
      partitions: entries.length,
      rows: entries.reduce((sum, { writtenRows }) => sum + writtenRows, 0),
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
      entries,
    }
    await records.save(unitRecordName(unit), record, signal)
    failPoint('write:after-record')
    return answerOf(record)
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
  return answerOf(record)
}

function answerOf({ unit, partitions, rows, bytes }: UnitRecord): Answer {
  return { unit, partitions, rows, bytes }
}

interface UnitToWrite {
  readonly context: RunContext
  readonly deps: ActivityDeps
  readonly scope: ActivityScope
  readonly unit: number
  readonly encoder: PartitionEncoder
}

async function writeUnit(input: UnitToWrite): Promise<readonly LedgerEntry[]> {
  const { context, deps, scope, unit } = input
  const plan = await fetchPlan(context, scope.signal)
  return await withEngine(deps, context.scratch, scope.signal, async (engine) => {
    const partitions = await readUnit(engine, plan, unit)
    const absent = partitions.filter((p) => p.observedEtag === undefined)
    context.table.foresee(
      absent.map((p) => p.key),
      foreseenPlace(context.records),
    )
    const loaded = await deps.star.star(context.ref.runId, await stagedPaths(context, scope.signal), engine)
    const due: WorkBeside = {
      name: `what unit ${unit} is due to be`,
      act: async (beside, signal) => void (await dueRows(context, unit, beside, signal)),
    }
    return await withWorkBeside(deps, scope, engine, due, () => writeAll(input, engine, loaded, partitions))
  })
}

async function writeAll(
  { context, deps, scope, unit, encoder }: UnitToWrite,
  engine: Engine,
  loaded: LoadedStar,
  partitions: readonly PlannedPartition[],
): Promise<readonly LedgerEntry[]> {
  const { config, layout, records, table } = context
  const encoding = new PartitionEncoding({
    engine,
    ...loaded,
    encoder,
    rowGroupRows: config.processing.row_group_rows,
    byState: layout.provider.includes('state'),
    metadataOf,
  })
  const chunks = new Chunks(config.processing.chunk_size, deps.memory, scope)
  const ledger = new UnitLedger({ records, unit, table, signal: scope.signal })
  for (const [block, ofBlock] of groupBy(partitions, (p) => p.block)) {
    for await (const encoded of encoding.ofBlock(await deps.star.block(loaded, block, engine), ofBlock)) {
      const rows = await ledger.put(encoded)
      failPoint('write:partition')
      await chunks.add(rows, { partitions: ledger.partitions })
    }
  }
  return await ledger.close()
}

function metadataOf({ fingerprint }: PlannedPartition): [string, string][] {
  return [
    ['etl3.encoding', ENCODING_VERSION],
    ['etl3.fingerprint', fingerprint],
  ]
}
