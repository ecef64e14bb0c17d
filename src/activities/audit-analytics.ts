/**
 * The audit of one unit of the analytics table: its files are few, so all of them are read again, whatever
 * `processing.audit` says. Leaves `analytics/audited-<n>.json`.
 */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { analyticsTableOf } from '../analytics/analytics-table.js'
import { differingFiles, type FileToVerify } from '../analytics/verify-files.js'
import { wrongFigure } from '../analytics/verify-metrics.js'
import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import type { DataFile } from '../iceberg/data-file.js'
import { tableColumns } from '../iceberg/table-columns.js'
import { ownKeyOf } from '../iceberg/table-files.js'
import type { ObjectStore } from '../lake/object-store.js'
import { openStore } from '../lake/stores.js'
import { confirmed } from '../object-audit/confirmed.js'
import {
  type AnalyticsPlan,
  type AnalyticsUnit,
  findAnalyticsPlan,
  findAnalyticsUnit,
  type PlannedFile,
} from '../records/analytics.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { groupBy } from '../runtime/group-by.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { DICTIONARY } from '../star/dictionary.js'
import type { ActivityDeps } from './deps.js'
import { dueRows } from './due-rows.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import { type WorkBeside, withWorkBeside } from './work-beside.js'

type Answer = Omit<UnitDone, keyof Measured>

const recordSchema = z.object({ formatVersion: z.literal(1), files: z.number(), rows: z.number(), bytes: z.number() })

/** Audits one unit. @throws IntegrityError ETL3-AU-07 on any difference */
export function auditAnalytics(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, unit }, scope) => {
    const { signal } = scope
    const context = await openContext(run, deps, signal)
    const name = `analytics/audited-${unit}.json`
    const done = await context.records.find(name, (value) => recordSchema.parse(value), signal)
    const record = done ?? (await audit(context, unit, deps, scope))
    failPoint('analytics:audited')
    if (!done) await context.records.save(name, { formatVersion: 1, ...record }, signal)
    return { unit, partitions: record.files, rows: record.rows, bytes: record.bytes }
  }
}

async function audit(
  context: RunContext,
  unit: number,
  deps: ActivityDeps,
  scope: ActivityScope,
): Promise<{ readonly files: number; readonly rows: number; readonly bytes: number }> {
  // The writer's star is not needed any more, and the memory is.
  deps.star.clear()
  const { signal } = scope
  const plan = await findAnalyticsPlan(context, signal)
  const written = await findAnalyticsUnit(context, unit, signal)
  if (!plan || !written) throw difference(`unit ${unit} was not written`)
  const planned = compareWithPlan(plan, unit, written)
  const store = openStore(plan.uri, context.ref)
  await compareBytes(store, written, signal)
  await compareRows({ context, store, planned, written, deps, scope })
  return {
    files: written.files.length,
    rows: written.files.reduce((sum, { file }) => sum + file.rows, 0),
    bytes: written.files.reduce((sum, { file }) => sum + file.bytes, 0),
  }
}

/** What the table's metadata will say of each file is what was planned. @returns the planned files, in the same order */
function compareWithPlan(plan: AnalyticsPlan, unit: number, { files }: AnalyticsUnit): readonly PlannedFile[] {
  const planned = plan.files.filter((file) => file.unit === unit)
  if (planned.length !== files.length) {
    throw difference(`unit ${unit} was to write ${planned.length} files, its record names ${files.length}`)
  }
  for (const [i, { ordinal, rows, partition, fingerprint }] of planned.entries()) {
    const found = files[i]
    const said = found && [found.ordinal, found.file.rows, found.file.partition, found.fingerprint]
    if (!isDeepStrictEqual(said, [ordinal, rows, partition, fingerprint])) {
      throw difference(`what unit ${unit} says of its file ${ordinal} is not what was planned`)
    }
  }
  return planned
}

async function compareBytes(store: ObjectStore, { files }: AnalyticsUnit, signal: AbortSignal): Promise<void> {
  for (const { file, sha256 } of files) {
    const content = await store.digest(ownKeyOf(store, file.path), signal)
    if (content?.bytes !== file.bytes || content.sha256 !== sha256) {
      throw difference(`${file.path} is not what was written`)
    }
  }
}

interface RowsInput {
  readonly context: RunContext
  readonly store: ObjectStore
  readonly planned: readonly PlannedFile[]
  /** In the order of the planned files. */
  readonly written: AnalyticsUnit
  readonly deps: ActivityDeps
  readonly scope: ActivityScope
}

/** A file with what is said of it. */
interface FileToCompare extends FileToVerify {
  /** In the table. */
  readonly address: string
  readonly figures: DataFile['columns']
}

async function compareRows(input: RowsInput): Promise<void> {
  const { context, store, planned, written, deps, scope } = input
  const { scratch } = context
  const { signal } = scope
  await withScratchFolder(scratch, 'audit', async (folder) => {
    const files: FileToCompare[] = []
    for (const [i, file] of planned.entries()) {
      const { path: address = '', columns: figures = [] } = written.files[i]?.file ?? {}
      const path = resolve(await store.fetchLocal(ownKeyOf(store, address), folder, signal))
      files.push({ ...file, path, address, figures })
    }
    await withEngine(deps, scratch, signal, async (engine) => {
      let agree = false
      const figures: WorkBeside = {
        name: 'the figures of files of the analytics table',
        act: async (beside) => {
          await compareFigures(beside, files)
          agree = true
        },
      }
      await withWorkBeside(deps, scope, engine, figures, () => compareContent(input, engine, files))
      if (!agree) await compareFigures(engine, files)
    })
  })
}

/** The rows of files against what is due. */
async function compareContent(
  { context, scope: { signal } }: RowsInput,
  engine: Engine,
  files: readonly FileToCompare[],
): Promise<void> {
  const { records, scratch, layout, config } = context
  const table = analyticsTableOf(config, layout)
  if (!table) throw new Error('a run that keeps no analytics table has a unit of it')
  const paths = await stagedPaths(context, signal)
  const plan = await fetchPlan({ records, scratch }, signal)
  for (const ofBlock of groupBy(files, ({ block }) => block).values()) {
    const wrong = await confirmed((anew) =>
      differingFiles({
        engine,
        paths,
        plan,
        keyColumns: layout.columns,
        partitionColumns: table.partitionColumns,
        files: ofBlock,
        dueRows: (unit) => dueRows(context, unit, engine, signal, anew),
      }),
    )
    const first = ofBlock.find(({ ordinal }) => ordinal === wrong[0])
    if (!first) continue
    throw difference(`${wrong.length} files do not hold the rows of the staged data, first ${first.address}`)
  }
}

/** What the table's metadata will say of the columns of files against what these hold. */
async function compareFigures(engine: Engine, files: readonly FileToCompare[]): Promise<void> {
  const columns = tableColumns(DICTIONARY)
  for (const { path, figures, address } of files) {
    const wrong = await wrongFigure(engine, columns, { path, figures })
    if (wrong !== undefined) throw difference(`${wrong} is not that of ${address}`)
  }
}

function difference(what: string): IntegrityError {
  return new IntegrityError('ETL3-AU-07', `the audit of the analytics table found a difference: ${what}`, {
    hint: 'Nothing was published, the table is as it was. Check disk and memory, then run again.',
  })
}
