/** Commits the analytics table: the instant from which readers find the run's rows in it. Leaves `analytics.json`. */
import { analyticsTableOf } from '../analytics/analytics-table.js'
import { openAnalyticsTable } from '../analytics/open-analytics-table.js'
import { toldSetAside } from '../analytics/told-set-aside.js'
import type { CommittedTable, Measured, RunRef } from '../contract/activities.js'
import { commitTable } from '../iceberg/commit-table.js'
import { tableColumns } from '../iceberg/table-columns.js'
import {
  type AnalyticsPlan,
  COMMITTED_ANALYTICS,
  type CommittedAnalytics,
  findAnalyticsPlan,
  findAnalyticsUnit,
  type TableFile,
} from '../records/analytics.js'
import { findPlan } from '../records/plan.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { DICTIONARY } from '../star/dictionary.js'
import { analyticsPlace } from './analytics-result.js'
import type { ActivityDeps } from './deps.js'
import { fromReserve } from './publication-reserve.js'
import { openContext, type RunContext } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<CommittedTable, keyof Measured>

const FOREIGN_COMMITS = { stop: 'stop', set_aside: 'setAside' } as const

/**
 * Commits all files of the plan as the table, if they have the rows of the plan. Called again, it finds that it is done.
 *
 * @throws IntegrityError ETL3-AU-07 when the files have other rows than the plan, and the errors of `commitTable`
 */
export function commitAnalytics(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return fromReserve(async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    // Also where the record stands: a run that was given up after it has another run's commit on top of its own.
    const { uri, snapshotId, rows, bytes, files, setAside = [] } = await commit(context, signal)
    const place = analyticsPlace(context.config, uri)
    for (const { what, wayBack } of toldSetAside(setAside, place)) {
      deps.log.warn(`a change of the analytics table was set aside: ${what}`, { table: place.table, wayBack })
    }
    return { uri, snapshotId, rows, bytes, files: files.length }
  })
}

async function commit(context: RunContext, signal: AbortSignal): Promise<CommittedAnalytics> {
  const { records, config, layout, ref } = context
  const plan = await findAnalyticsPlan(context, signal)
  const table = analyticsTableOf(config, layout)
  if (!plan || !table) throw new Error(`run ${ref.runId} has no plan of the analytics table`)
  const files = await filesOf(context, plan, signal)
  await requireSameRows(context, files, signal)
  failPoint('analytics:before-commit')
  const outcome = await commitTable(
    await openAnalyticsTable(config, plan.uri),
    {
      layout: {
        columns: tableColumns(DICTIONARY),
        partitionColumns: table.partitionColumns,
        sortColumns: table.sortColumns,
      },
      run: { id: ref.runId, lockNumber: ref.lockNumber, nowMs: Date.now() },
      files: files.map(({ file }) => file),
    },
    signal,
    { foreignCommits: FOREIGN_COMMITS[config.output.analytics.foreign_commits] },
  )
  failPoint('analytics:after-commit')
  const { snapshotId, timestampMs, metadataFile, change, setAside } = outcome
  const committed: CommittedAnalytics = {
    formatVersion: 1,
    uri: plan.uri,
    snapshotId,
    timestampMs,
    metadataFile,
    rows: change.total.rows,
    bytes: change.total.bytes,
    added: change.added.files,
    removed: change.removed.files,
    files,
    ...(setAside.length === 0 ? {} : { setAside }),
  }
  await records.save(COMMITTED_ANALYTICS, committed, signal)
  return committed
}

/** All files of the table as it is to be, in the order of the plan. */
async function filesOf(context: RunContext, plan: AnalyticsPlan, signal: AbortSignal): Promise<TableFile[]> {
  const written = new Map<number, TableFile>()
  for (let unit = 0; unit < plan.units; unit++) {
    const record = await findAnalyticsUnit(context, unit, signal)
    for (const { ordinal, ...file } of record?.files ?? []) written.set(ordinal, file)
  }
  return plan.files.map(({ ordinal, kept }) => {
    const file = kept ?? written.get(ordinal)
    if (!file) throw new Error(`file ${ordinal} of the analytics table was not written`)
    return file
  })
}

/** The two tables have the same rows before either is published. */
async function requireSameRows(context: RunContext, files: readonly TableFile[], signal: AbortSignal): Promise<void> {
  const planned = (await findPlan(context, signal))?.rows
  const rows = files.reduce((sum, { file }) => sum + file.rows, 0)
  if (rows === planned) return
  throw new IntegrityError(
    'ETL3-AU-07',
    `the audit of the analytics table found a difference: its files have ${rows} rows, ${planned} were planned`,
    { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
  )
}
