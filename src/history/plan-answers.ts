/** Questions about a plan that a command asks: why is this partition written, and would another layout be better? */

import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import { openMetadata, openTable } from '../lake/stores.js'
import { type Advice, advise, type TypicalQuery } from '../plan/advise.js'
import {
  type ContentChange,
  compareContent,
  type ExplainedPartition,
  PlanReasons,
  type ReasonCount,
} from '../plan/explain.js'
import { sizeCurve } from '../plan/size-curve.js'
import { readCurrent } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
import { fetchPlan } from '../records/plan.js'
import { RunRecords } from '../records/records.js'
import { stagedPaths } from '../records/staged.js'
import { layoutOf } from '../star/layout.js'

const ENGINE_THREADS = 2

/** Whose plan. */
export interface PlanQuestion {
  readonly config: Config
  readonly runId: string
  readonly signal: AbortSignal
}

/** Why partitions are planned as they are. */
export interface Explanation {
  readonly counts: readonly ReasonCount[]
  readonly partitions: readonly (ExplainedPartition & {
    /** What changed inside; undefined where there is nothing to compare. */
    readonly change: ContentChange | undefined
  })[]
}

/**
 * Explains a plan whose staged files are still there.
 *
 * @param ask the partition or partitions that are meant, or how many of the changed ones
 * @throws UsageError ETL3-PL-04 when the plan has no such partition
 */
export async function explainPlan(
  { config, runId, signal }: PlanQuestion,
  ask: { readonly named?: string | undefined; readonly top: number },
): Promise<Explanation> {
  const records = new RunRecords(openMetadata(config), runId)
  const table = openTable(config)
  const { scratch } = config.processing
  const current = await readCurrent(records.store, signal)
  const plan = await fetchPlan({ records, scratch }, signal)
  const manifest = current && (await fetchManifest(records.store, current.manifest, scratch, signal))
  return await withEngine(engineOptions(scratch), signal, async (engine) => {
    const reasons = await PlanReasons.open(engine, plan, manifest)
    const counts = await reasons.counts()
    const chosen = ask.named === undefined ? await reasons.changed(ask.top) : await reasons.named(ask.named, ask.top)
    const partitions: Explanation['partitions'][number][] = []
    for (const partition of chosen) {
      const comparable = partition.reason === 'content'
      const change = comparable
        ? await compareContent(
            engine,
            await stagedPaths({ records, scratch }, signal),
            partition,
            await table.fetchLocal(partition.key, scratch, signal),
          )
        : undefined
      partitions.push({ ...partition, change })
    }
    return { counts, partitions }
  })
}

/**
 * Compares partition layouts for a plan; where nothing had to be planned, for the published table.
 *
 * @param queries columns of the queries that the table is for
 */
export async function advisePlan(
  { config, runId, signal }: PlanQuestion,
  queries: readonly TypicalQuery[] | undefined,
): Promise<Advice> {
  const records = new RunRecords(openMetadata(config), runId)
  const { scratch } = config.processing
  const current = await readCurrent(records.store, signal)
  const manifest = current && (await fetchManifest(records.store, current.manifest, scratch, signal))
  // Of a run that found nothing to do, the published run is its own; its plan may have been pruned.
  const planned = current?.runId !== runId || manifest === undefined
  const partitions = planned ? await fetchPlan({ records, scratch }, signal) : manifest
  const { columns } = layoutOf(config.partitioning.partition_columns)
  return await withEngine(engineOptions(scratch), signal, async (engine) =>
    advise({ engine, partitions, planned, columns, curve: await sizeCurve(engine, manifest), queries }),
  )
}

function engineOptions(scratch: string): Parameters<typeof withEngine>[0] {
  return { memoryLimitMb: ENGINE_MB.planAnswers, threads: ENGINE_THREADS, scratch }
}
