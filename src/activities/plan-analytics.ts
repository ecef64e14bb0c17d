/** Plans the files of the analytics table. Leaves `analytics-plan.json`. */
import { analyticsTableOf } from '../analytics/analytics-table.js'
import { type FileToHave, planFiles } from '../analytics/plan-files.js'
import type { PlannedAnalytics } from '../contract/activities.js'
import { areInPlace } from '../iceberg/table-files.js'
import { openStore } from '../lake/stores.js'
import {
  ANALYTICS_PLAN,
  type AnalyticsPlan,
  committedBy,
  filesToWrite,
  findAnalyticsPlan,
  type PlannedFile,
  type TableFile,
} from '../records/analytics.js'
import { readCurrent } from '../records/current.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { IntegrityError } from '../runtime/errors.js'
import type { ActivityDeps } from './deps.js'
import { ANALYTICS_ENCODING_VERSION } from './encoding-version.js'
import { type RunContext, withEngine } from './run-context.js'

/** Measured: about so many rows of all columns are encoded in a second on one thread. */
const ROWS_PER_SECOND = 400_000

/** What the run does to the analytics table, or undefined where it keeps none. */
export async function planAnalytics(
  context: RunContext,
  plannedRows: number,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<PlannedAnalytics | undefined> {
  const plan = (await findAnalyticsPlan(context, signal)) ?? (await makePlan(context, deps, signal))
  if (!plan) return undefined
  if (plan.rows !== plannedRows) {
    throw new IntegrityError(
      'ETL3-PL-05',
      `the plan has ${plannedRows} rows, and ${plan.rows} in the files of the analytics table`,
      { hint: 'This is a defect of ETL3: please report it with the run folder.' },
    )
  }
  const toWrite = filesToWrite(plan)
  return { units: plan.units, files: plan.files.length, filesToWrite: toWrite.files, rowsToWrite: toWrite.rows }
}

async function makePlan(
  context: RunContext,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<AnalyticsPlan | undefined> {
  const { records, config, layout, scratch } = context
  const table = analyticsTableOf(config, layout)
  if (!table) return undefined
  const paths = await stagedPaths(context, signal)
  const partitions = await fetchPlan({ records, scratch }, signal)
  const toHave = await withEngine(deps, scratch, signal, (engine) =>
    planFiles({ engine, plan: partitions, paths, layout, table, encoding: ANALYTICS_ENCODING_VERSION }),
  )
  const uri = openStore(table.uri, context.ref).uri
  const files = inUnits(toHave, await filesInPlace(context, uri, signal), config.processing.unit_seconds)
  const plan: AnalyticsPlan = {
    formatVersion: 1,
    uri,
    units: Math.max(0, ...files.map(({ unit }) => (unit ?? -1) + 1)),
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    files,
  }
  await records.save(ANALYTICS_PLAN, plan, signal)
  return plan
}

/** The files of the table as the current run left it, by fingerprint, as far as they are still there. */
async function filesInPlace(
  { records, ref }: RunContext,
  uri: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TableFile>> {
  const current = await readCurrent(records.store, signal)
  const committed = current && (await committedBy(records.store, current.runId, signal))
  if (committed?.uri !== uri) return new Map()
  const files = committed.files.map(({ file }) => file)
  const inPlace = await areInPlace(openStore(uri, ref), files, signal)
  return new Map(committed.files.filter((_, i) => inPlace[i]).map((known) => [known.fingerprint, known]))
}

function inUnits(
  toHave: readonly FileToHave[],
  inPlace: ReadonlyMap<string, TableFile>,
  unitSeconds: number,
): PlannedFile[] {
  const unitOf = new Map<FileToHave, number>()
  const toWrite = toHave.filter(({ fingerprint }) => !inPlace.has(fingerprint))
  for (const [unit, files] of consecutiveGroups(toWrite, ({ rows }) => rows, {
    weight: unitSeconds * ROWS_PER_SECOND,
  }).entries()) {
    for (const file of files) unitOf.set(file, unit)
  }
  return toHave.map((file, ordinal) => {
    const kept = inPlace.get(file.fingerprint)
    return { ordinal, unit: unitOf.get(file) ?? null, ...file, ...(kept ? { kept } : {}) }
  })
}
