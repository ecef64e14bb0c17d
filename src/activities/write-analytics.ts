/** Writes one unit of the analytics table: its files, each under a name of this run, which no reader is led to yet. */
import { dataKey, dataPrefix } from '../analytics/data-keys.js'
import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { MetricsCollector } from '../iceberg/data-file.js'
import { tableColumns } from '../iceberg/table-columns.js'
import { areInPlace } from '../iceberg/table-files.js'
import type { ObjectStore } from '../lake/object-store.js'
import { openStore } from '../lake/stores.js'
import { createPartitionEncoder } from '../parquet/encoder.js'
import type { BoundRows, PartitionEncoder } from '../parquet/factorised.js'
import {
  type AnalyticsUnit,
  analyticsUnitName,
  findAnalyticsPlan,
  findAnalyticsUnit,
  type PlannedFile,
} from '../records/analytics.js'
import { stagedPaths } from '../records/staged.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { DICTIONARY } from '../star/dictionary.js'
import { blockRowGroups, columnSources, RowGroupBuilder } from '../star/enrich.js'
import { groupsOfBlock, piecesOf } from '../star/slice-reader.js'
import type { Block } from '../star/staged-star.js'
import { Chunks } from './chunks.js'
import type { ActivityDeps } from './deps.js'
import { ANALYTICS_ENCODING_VERSION } from './encoding-version.js'
import { keepRatesWith } from './keep-rates.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { LoadedStar } from './star-cache.js'
import { type WorkBeside, withWorkBeside } from './work-beside.js'

type Answer = Omit<UnitDone, keyof Measured>

/**
 * Columns that are asked for one value and do not ascend in a file. Measured on the real star's 13 row groups: the bounds of
 * 10.8 of them hold a code, and 1.8 have it; those of 12.0 hold an NPI, and 4.6 have it.
 */
const BLOOM_FILTERS = ['code', 'npi']

/** Rows of a row group: what a reader skips or reads as one. */
const ROW_GROUP_ROWS = 131_072

/** Writes a unit. Repeating it, or two attempts at once, leaves the same files. */
export function writeAnalytics(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, unit }, scope) => {
    const { signal } = scope
    const context = await openContext(run, deps, signal)
    const plan = await findAnalyticsPlan(context, signal)
    if (!plan) throw new Error(`run ${run.runId} has no plan of the analytics table`)
    const store = openStore(plan.uri, run)
    const finished = await finishedUnit(context, store, unit, signal)
    if (finished) return answerOf(finished)

    const { records, scratch } = context
    const paths = await stagedPaths(context, signal)
    const files = await withEngine(deps, scratch, signal, async (engine) => {
      const loaded = await deps.star.star(run.runId, paths, engine)
      return await withWorkBeside(deps, scope, engine, ratesOf(context), async () => {
        const writer = new FileWriter({ context, store, engine, loaded, chunks: chunksOf(context, deps, scope) })
        const written: AnalyticsUnit['files'][number][] = []
        for (const file of plan.files.filter((planned) => planned.unit === unit)) {
          written.push(await writer.write(file, await deps.star.block(loaded, file.block, engine), signal))
          failPoint('analytics:file')
        }
        return written
      })
    })
    await store.flush(dataPrefix(run.runId), signal)
    failPoint('analytics:before-record')
    const record: AnalyticsUnit = { formatVersion: 1, unit, files }
    await records.save(analyticsUnitName(unit), record, signal)
    return answerOf(record)
  }
}

/** The tables of rates: a unit that finds none takes them, if it has room for them. */
function ratesOf(context: RunContext): WorkBeside {
  return { name: 'the rates', act: (engine, signal) => keepRatesWith(engine, context, signal) }
}

function chunksOf({ config }: RunContext, deps: ActivityDeps, scope: ActivityScope): Chunks {
  return new Chunks(config.processing.chunk_size, deps.memory, scope)
}

function answerOf({ unit, files }: AnalyticsUnit): Answer {
  const sum = (of: (file: AnalyticsUnit['files'][number]['file']) => number): number =>
    files.reduce((total, { file }) => total + of(file), 0)
  return { unit, partitions: files.length, rows: sum((file) => file.rows), bytes: sum((file) => file.bytes) }
}

/** What an earlier attempt wrote, if all of it is still there. */
async function finishedUnit(
  context: RunContext,
  store: ObjectStore,
  unit: number,
  signal: AbortSignal,
): Promise<AnalyticsUnit | undefined> {
  const record = await findAnalyticsUnit(context, unit, signal)
  if (!record) return undefined
  const files = record.files.map(({ file }) => file)
  return (await areInPlace(store, files, signal)).every(Boolean) ? record : undefined
}

interface FileWriterInput {
  readonly context: RunContext
  readonly store: ObjectStore
  readonly engine: Engine
  readonly loaded: LoadedStar
  readonly chunks: Chunks
}

/** Writes files of the analytics table, one after the other. */
class FileWriter {
  readonly #input: FileWriterInput
  readonly #metrics: MetricsCollector
  readonly #encoder: PartitionEncoder
  readonly #builder: RowGroupBuilder

  constructor(input: FileWriterInput) {
    const columns = tableColumns(DICTIONARY)
    const metrics = new MetricsCollector(columns)
    this.#input = input
    this.#metrics = metrics
    this.#encoder = createPartitionEncoder(columns, {
      bloomFilters: BLOOM_FILTERS,
      observe: (chunk) => metrics.add(chunk),
    })
    this.#builder = new RowGroupBuilder(input.loaded.star, { rowGroupRows: ROW_GROUP_ROWS, byState: false })
  }

  /** @throws IntegrityError ETL3-WR-02 when other rows come than were planned */
  async write(planned: PlannedFile, block: Block, signal: AbortSignal): Promise<AnalyticsUnit['files'][number]> {
    const { store, context } = this.#input
    const { ordinal, rows, partition, fingerprint } = planned
    const key = dataKey(context.ref.runId, ordinal)
    const counted = { rows: 0 }
    const pieces = this.#encoder.encodeStream(this.#rowGroups(planned, block, counted), [
      ['etl3.encoding', ANALYTICS_ENCODING_VERSION],
      ['etl3.fingerprint', fingerprint],
    ])
    const { bytes, sha256 } = await store.put(key, pieces, signal)
    if (counted.rows !== rows) {
      throw new IntegrityError(
        'ETL3-WR-02',
        `file ${ordinal} of the analytics table: ${rows} rows were planned, ${counted.rows} written`,
        { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
      )
    }
    return {
      ordinal,
      fingerprint,
      sha256,
      file: { path: store.locate(key), rows, bytes, partition, ...this.#metrics.take() },
    }
  }

  async *#rowGroups(planned: PlannedFile, block: Block, counted: { rows: number }): AsyncGenerator<BoundRows> {
    const { engine, loaded, chunks } = this.#input
    const filter = { quarantined: loaded.quarantined, keep: groupsOfBlock(block) }
    for (const range of planned.ranges) {
      for await (const piece of piecesOf(engine, loaded.star, range, filter)) {
        const sources = columnSources(loaded.star, block, piece.window)
        for (const rows of blockRowGroups(piece, block, this.#builder)) {
          counted.rows += rows.rows
          yield { sources, rows }
          await chunks.add(rows.rows, { file: planned.ordinal })
        }
      }
    }
  }
}
