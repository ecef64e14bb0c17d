/** Makes the plan. Leaves `plan.parquet` and `plan.json`. */
import { join } from 'node:path'
import type { Measured, Planned, RunRef } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { openCatalog } from '../lake/catalogs.js'
import { PLAN_FORMAT } from '../partition-files/plan-file.js'
import { bytesToWrite } from '../plan/bytes-to-write.js'
import { type InventoryEntry, takeInventory } from '../plan/inventory.js'
import { loadPartitionValues } from '../plan/partition-values.js'
import { planPartitions as plan } from '../plan/plan-partitions.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
import { PLAN_RECORD, RUNS_PREFIX } from '../records/names.js'
import { fetchPlanAt, findPlan, type PlanRecord } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { ActivityDeps } from './deps.js'
import { planAnalytics } from './plan-analytics.js'
import { lacksOfRoom, type PlannedWrites, requireRoomToWrite } from './room-to-write.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<Planned, keyof Measured>

/** Makes the plan of a run. */
export function planPartitions(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const record = (await findPlan(context, signal)) ?? (await makePlan(context, deps, signal))
    const reference = await context.records.reference(PLAN_RECORD, signal)
    if (!reference) throw new Error('plan.json was not stored')
    const { rows, rowsToWrite, units, partitions, tableWarnings = [] } = record
    const analytics = await planAnalytics(context, rows, deps, signal)
    const lacks = await lacksOf(
      context,
      { plan: record, analytics: analytics && { files: analytics.filesToWrite, rows: analytics.rowsToWrite } },
      deps,
      signal,
    )
    const warnings = tableWarnings.length + lacks.length
    return {
      record: reference,
      rows,
      rowsToWrite,
      units,
      partitions,
      ...(warnings > 0 ? { warnings } : {}),
      ...(analytics ? { analytics } : {}),
    }
  }
}

/** What there may be no room for. Only a run that writes is ended by it. */
async function lacksOf(
  context: RunContext,
  writes: PlannedWrites,
  { budget, log }: ActivityDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lacks =
    context.ref.mode === 'run'
      ? await requireRoomToWrite(context, writes, budget.limitMb, signal)
      : lacksOfRoom(context, writes, budget.limitMb)
  for (const lack of lacks) log.warn(lack)
  return lacks
}

async function makePlan(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<PlanRecord> {
  const { records, scratch, layout, table, ref, config } = context
  const paths = await stagedPaths(context, signal)
  const current = await readCurrent(records.store, signal)
  const manifest = current && (await fetchManifest(records.store, current.manifest, scratch, signal))
  const { figures, sha256, tableWarnings } = await withScratchFolder(scratch, 'plan', async (folder) => {
    const target = join(folder, PLAN_FORMAT.name)
    const figures = await withEngine(deps, scratch, signal, async (engine) => {
      const planned = await plan({
        engine,
        paths,
        layout,
        inventory: inventoryOfAllBlocks(deps, ref.runId, paths, engine),
        valuesOf: await loadPartitionValues(engine, paths, layout),
        manifest,
        otherPlans: await otherPlans(context, current, signal),
        observed: table.list('', signal),
        requireStorable: (key) => void table.locate(key),
        tellsApart: async (first, second) => await table.tellsApart(first, second, signal),
        checksumOf: async (key) => (await table.digest(key, signal))?.sha256,
        unitSeconds: config.processing.unit_seconds,
        target,
      })
      return { ...planned, bytesToWrite: await bytesToWrite(engine, target, manifest) }
    })
    const { sha256 } = await records.putFile(PLAN_FORMAT.name, target, signal)
    const catalog = await openCatalog(config)
    const tableWarnings = await catalog.foresee({ partitionColumns: layout.columns, planPath: target }, signal)
    return { figures, sha256, tableWarnings }
  })
  for (const warning of tableWarnings) deps.log.warn(warning)
  const record: PlanRecord = {
    formatVersion: 1,
    ...figures,
    sha256,
    ...(tableWarnings.length === 0 ? {} : { tableWarnings }),
  }
  await records.save(PLAN_RECORD, record, signal)
  return record
}

async function* inventoryOfAllBlocks(
  deps: ActivityDeps,
  runId: string,
  paths: StagedPaths,
  engine: Engine,
): AsyncGenerator<InventoryEntry> {
  const loaded = await deps.star.star(runId, paths, engine)
  const blocks = await deps.star.blocks(paths, engine)
  for (let block = 0; block < blocks; block++) {
    yield* takeInventory(engine, loaded.star, await deps.star.block(loaded, block, engine), loaded.quarantined)
  }
}

/** Plans of other runs whose records are still there. */
async function otherPlans(
  context: RunContext,
  current: CurrentRecord | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const { store, runId } = context.records
  const plans: string[] = []
  for await (const { key } of store.list(RUNS_PREFIX, signal)) {
    const [, id, name, more] = key.split('/')
    if (name === PLAN_FORMAT.name && more === undefined && id !== runId && id !== current?.runId) {
      plans.push(await fetchPlanAt(store, key, context.scratch, signal))
    }
  }
  return plans
}
