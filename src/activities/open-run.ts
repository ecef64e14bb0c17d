/** Opens a run: which configuration, which input, which run it replaces, and whether there is anything to do. */

import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type AnalyticsTable, analyticsTableOf } from '../analytics/analytics-table.js'
import type { Config } from '../config/schema.js'
import { resolveInput } from '../config/workflow-overrides.js'
import type { Measured, OpenedRun, OpenRunInput } from '../contract/activities.js'
import type { AnalyticsResult, RunResult } from '../contract/messages.js'
import type { ObjectStore } from '../lake/object-store.js'
import { RunLock } from '../lake/run-lock.js'
import { s3SettingsOf } from '../lake/s3/settings.js'
import { openMetadata } from '../lake/stores.js'
import { clockOfWork, ruleSetOf } from '../quality/rule-set.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { RUN_RECORD, RUNS_PREFIX } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { factBatchesOf, parseRunRecord } from '../records/run.js'
import { idOfRun } from '../records/stale-run.js'
import { VERSION } from '../runtime/version.js'
import { batchBounds, batchSizes } from '../star/fact-batches.js'
import { findInputs, type InputFile, type InputTable, leftOutOf } from '../star/inputs.js'
import { layoutOf } from '../star/layout.js'
import type { PathColumns } from '../star/path-columns.js'
import { analyticsIsIntact } from './analytics-state.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { notifyResult } from './notify-end.js'
import { tableIsIntact } from './published-table.js'
import { withOwnScratch } from './run-context.js'
import type { ActivityScope } from './scope.js'
import { serverHasSearchAttributes } from './search-attributes.js'

/** The answer without the memory figure, which the scope adds. */
type Opened = Omit<OpenedRun, keyof Measured>

/** Opens the run. Repeating it gives the same run, unless the input changed in between. */
export function openRun(deps: ActivityDeps): (input: OpenRunInput, scope: ActivityScope) => Promise<Opened> {
  return async (request, { signal }) => {
    const config = resolveInput(request.input, deps.env).config
    const analytics = analyticsTableOf(config, layoutOf(config.partitioning.partition_columns))
    const now = new Date()
    ruleSetOf(config.data_quality, now)
    const metadata = openMetadata(config)
    const owner = `${request.workflowId}/${request.executionId}`
    const lock = new RunLock(metadata, {
      leaseMs: config.processing.lock_lease_ms,
      onWatch: ({ runId, host }, forMs) =>
        deps.log.info('watching whether the holder of the lock is gone', { runId, host, forMs }),
    })

    const inputs = await findInputs(config, signal, deps.scratch)
    const work = workDigest(config, analytics, inputs, now)
    const current = await readCurrent(metadata, signal)
    const isIntact = async (known: CurrentRecord): Promise<boolean> =>
      (await tableIsIntact(withOwnScratch(config, deps), metadata, known, deps, signal)) &&
      (analytics === undefined || (await analyticsIsIntact(config, analytics.uri, metadata, known, signal)))
    const facts = inputs.find((t) => t.name === 'fact_rate')?.files ?? []
    const shared = {
      maxWorkers: config.processing.max_workers,
      heartbeatTimeoutMs: config.temporal.heartbeat_timeout_ms,
      table: `${config.athena.database}.${config.athena.table}`,
      searchAttributes: await serverHasSearchAttributes(),
      factFiles: facts.length,
      inputBytes: inputs.flatMap((t) => t.files).reduce((sum, f) => sum + f.bytes, 0),
    }
    const runId = await idOfRun(metadata, work, current?.runId, signal)
    const held = await lock.acquire({ owner, runId }, signal)
    const run = {
      runId,
      workflowId: request.workflowId,
      metadataUri: config.output.metadata_uri,
      s3: s3SettingsOf(config),
      mode: request.mode,
      lockNumber: held.number,
      lockOwner: owner,
      lockLeaseMs: config.processing.lock_lease_ms,
    }
    if (current?.work === work && (await isIntact(current))) {
      await lock.release(held, signal)
      const unchanged = unchangedResult(current, request, inputs, deps)
      await notifyResult(config, unchanged, deps, signal)
      return { ...shared, run, unchanged }
    }
    const records = new RunRecords(metadata, runId)
    const record = await records.saveOnce(
      RUN_RECORD,
      {
        formatVersion: 1,
        runId,
        work,
        replaces: current?.runId ?? null,
        engine: VERSION,
        startedAt: now.toISOString(),
        config,
        inputs,
        factBatches: batchSizes(facts, batchBounds(config.processing.stage_batch_mb)),
      },
      parseRunRecord,
      signal,
    )
    const settled = withMendedSettings(record.config, config)
    if (!isDeepStrictEqual(record.config, settled)) {
      await records.save(RUN_RECORD, { ...record, config: settled }, signal)
    }
    await retireOtherRuns(metadata, runId, signal)
    return { ...shared, factBatches: factBatchesOf(record).length, run, unchanged: undefined }
  }
}

/**
 * A run that is taken up goes by the settings that it was opened with, but for those that may have kept it from its end:
 * how Athena is asked, and what becomes of a commit of somebody else's.
 */
function withMendedSettings(opened: Config, now: Config): Config {
  const { output } = opened
  const analytics = { ...output.analytics, foreign_commits: now.output.analytics.foreign_commits }
  return { ...opened, athena: now.athena, output: { ...output, analytics } }
}

/** Everything that decides what the table holds and what its files look like. */
function workDigest(
  config: Config,
  analytics: AnalyticsTable | undefined,
  inputs: readonly InputTable[],
  now: Date,
): string {
  const { partitioning, data_quality, athena, processing, input } = config
  return digest(
    JSON.stringify({
      encoding: ENCODING_VERSION,
      engine: VERSION,
      inputs: inputs.map((t) => ({ name: t.name, files: t.files.map(contentOf) })),
      partitioning,
      data_quality,
      clock: clockOfWork(data_quality, now),
      duplicates: input.duplicates,
      rowGroupRows: processing.row_group_rows,
      table: `${athena.database}.${athena.table}`,
      ...(analytics ? { analytics: filesOf(analytics) } : {}),
    }),
  )
}

/** What decides which files there are; where they lie is no part of the work, as with the other table. */
function filesOf({ partitionColumns, sortColumns, target }: AnalyticsTable): unknown {
  return {
    partitionColumns,
    sortColumns,
    targetRows: target.rows,
    ...(Number.isFinite(target.bytes) ? { targetBytes: target.bytes } : {}),
  }
}

/** What a file adds to the table. Its path counts only where columns stand in it. */
function contentOf({ sha256, pathColumns }: InputFile): string | { sha256: string; pathColumns: PathColumns } {
  return pathColumns === undefined ? sha256 : { sha256, pathColumns }
}

/** Objects that an abandoned run left unpublished are taken away, so that a late worker of it cannot publish them. */
async function retireOtherRuns(metadata: ObjectStore, runId: string, signal: AbortSignal): Promise<void> {
  const abandoned = new Set<string>()
  for await (const { key } of metadata.list(RUNS_PREFIX, signal)) {
    const [, id, folder] = key.split('/')
    if (id !== undefined && id !== runId && folder === 'objects') abandoned.add(id)
  }
  for (const id of abandoned) await metadata.retire(`runs/${id}/objects`, signal)
}

function unchangedResult(
  current: CurrentRecord,
  request: OpenRunInput,
  inputs: readonly InputTable[],
  deps: ActivityDeps,
): RunResult {
  const { published } = current
  const { analytics } = published
  return {
    ...published,
    ...(analytics ? { analytics: unchangedAnalytics(analytics) } : {}),
    workflowId: request.workflowId,
    status: 'unchanged',
    partitions: {
      total: published.partitions.total,
      added: 0,
      replaced: 0,
      kept: published.partitions.total,
      removed: 0,
    },
    peakMemoryMb: deps.sampler.peaks().peakMb,
    memoryLimitMb: deps.budget.limitMb,
    seconds: {},
    leftOut: leftOutOf(inputs),
  }
}

function unchangedAnalytics({ committed, ...table }: AnalyticsResult): AnalyticsResult {
  return { ...table, added: 0, addedRows: 0, ...(committed ? { committed: { ...committed, removed: 0 } } : {}) }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
