/** The last step: report, receipt, and `current.json`, which makes this run the one that the table shows. */

import { z } from 'zod'
import { openCatalog } from '../lake/catalogs.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { reportMarkdown } from '../report/markdown.js'
import type { RunReport } from '../report/run-report.js'
import { readParquet } from '../runtime/engine.js'
import { ConflictError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import type { RunResult } from '../workflows/messages.js'
import { findAudit } from './balance-ledger.js'
import { findQuality } from './check-quality.js'
import { ENDED } from './close-run.js'
import { type CurrentRecord, readCurrent, runResultSchema } from './current.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { parseInputsRecord } from './inputs-record.js'
import { MANIFEST } from './manifest.js'
import { findPlan } from './plan-partitions.js'
import { pruneRuns } from './prune-runs.js'
import { jsonBytes, RunRecords } from './records.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import { findScreen } from './screen-facts.js'
import { dimensionsRecordSchema } from './staging.js'
import type { ReportInput, RunRef } from './types.js'

const STATUS_OF = { run: 'published', plan: 'planned', validate: 'validated' } as const

const reportedSchema = z.object({ result: runResultSchema })

/** Writes the report of a run; of a published one it also moves `current.json` and clears away what was staged. */
export function writeReport(deps: ActivityDeps): (input: ReportInput, scope: ActivityScope) => Promise<RunResult> {
  return async (input, { signal }) => {
    const answered = await findAnswer(input.run, signal)
    if (answered) return answered
    const context = await openContext(input.run, deps, signal)
    const { records } = context
    const current = await readCurrent(records.store, signal)
    // A late attempt: the run is already the current one.
    if (current?.runId === input.run.runId && input.run.mode === 'run') {
      await finish(context, signal)
      return current.published
    }
    const report = await gather(context, input, deps, signal)
    await records.save('report.json', report, signal)
    await records.store.put(records.key('report.md'), Buffer.from(reportMarkdown(report), 'utf8'), signal)
    await records.save('receipt.json', receiptOf(context, report), signal)
    failPoint('report:before-current')
    if (input.run.mode === 'run') {
      await moveCurrent(context, report.result, signal)
      failPoint('report:after-current')
    }
    await finish(context, signal)
    return report.result
  }
}

/** The answer of an attempt whose worker ended after it had given the lock back: nothing is left to do. */
async function findAnswer(
  { runId, metadataUri, mode, lockNumber, lockOwner }: RunRef,
  signal: AbortSignal,
): Promise<RunResult | undefined> {
  const store = openStore(metadataUri)
  if (await new RunLock(store).holds({ number: lockNumber, owner: lockOwner }, signal)) return undefined
  if (mode === 'run') {
    const current = await readCurrent(store, signal)
    return current?.runId === runId ? current.published : undefined
  }
  const report = await new RunRecords(store, runId).find('report.json', (v) => reportedSchema.parse(v), signal)
  return report?.result.status === STATUS_OF[mode] ? report.result : undefined
}

async function gather(
  context: RunContext,
  input: ReportInput,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  const { records, record, config, table } = context
  const plan = await findPlan(context, signal)
  const screen = await findScreen(context, signal)
  const quality = await findQuality(records, signal)
  const inputs = await records.find('inputs.json', parseInputsRecord, signal)
  const dimensions = await records.find('dimensions.json', (v) => dimensionsRecordSchema.parse(v), signal)
  const audit = await findAudit(context, signal)
  if (!plan || !screen || !inputs || !dimensions) throw new Error(`run ${records.runId} lacks records for its report`)
  const uriOf = (name: string): string => records.store.locate(records.key(name))
  const bytes = input.run.mode === 'run' ? await tableBytes(context, deps, signal) : 0
  const { mode } = input.run
  return {
    formatVersion: 1,
    result: {
      formatVersion: 1,
      runId: records.runId,
      workflowId: input.run.workflowId,
      status: STATUS_OF[mode],
      facts: screen.facts,
      quarantined: screen.quarantined,
      rows: plan.rows,
      partitions: plan.partitions,
      bytes,
      peakMemoryMb: Math.max(input.peakMemoryMb, deps.sampler.peaks().peakMb),
      memoryLimitMb: config.processing.memory_limit_mb,
      seconds: { ...input.seconds, total: (Date.now() - input.startedAtMs) / 1000 },
      warnings: input.warnings,
      outputUri: table.uri,
      table: `${config.athena.database}.${config.athena.table}`,
      catalogUri: (await openCatalog(config)).uri,
      reportUri: uriOf('report.md'),
      receiptUri: uriOf('receipt.json'),
    },
    startedAt: record.startedAt,
    finishedAt: new Date().toISOString(),
    replaces: record.replaces,
    engine: record.engine,
    memoryByPhase: input.memoryByPhase,
    inputs: record.inputs.map((t) => ({
      name: t.name,
      files: t.files,
      ...inputs.findings.find((f) => f.name === t.name),
    })),
    inputWarnings: inputs.warnings,
    dimensions: dimensions.counts,
    // A plan ends before the gate: it has what the screen found.
    rules: quality?.rules ?? screen.rules,
    audit,
  }
}

/** Bytes of the table: what this run wrote and what it kept. */
async function tableBytes(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<number> {
  const { records, scratch } = context
  const manifest = await records.store.fetchLocal(records.key(MANIFEST), scratch, signal)
  return await withEngine(deps, scratch, signal, (engine) =>
    engine.count(`SELECT coalesce(sum(bytes), 0)::BIGINT FROM ${readParquet([manifest])}`),
  )
}

/** The receipt: what went in, how, and what came out, in checksums. */
function receiptOf({ record, config }: RunContext, report: RunReport): unknown {
  const { result } = report
  return {
    formatVersion: 1,
    runId: record.runId,
    work: record.work,
    replaces: record.replaces,
    engine: record.engine,
    encoding: ENCODING_VERSION,
    startedAt: record.startedAt,
    finishedAt: report.finishedAt,
    inputs: record.inputs,
    config,
    ledger: {
      factsRead: result.facts,
      factsQuarantined: result.quarantined,
      factsWritten: result.facts - result.quarantined,
      rows: result.rows,
      partitions: result.partitions,
      bytes: result.bytes,
    },
    quality: report.rules,
    audit: report.audit,
    output: { table: result.table, uri: result.outputUri, catalog: result.catalogUri },
  }
}

/** @throws ConflictError ETL3-RN-02 when another run became the current one in the meantime */
async function moveCurrent(context: RunContext, result: RunResult, signal: AbortSignal): Promise<void> {
  const { records, ref } = context
  const { store } = records
  const current: CurrentRecord = {
    formatVersion: 1,
    runId: records.runId,
    work: context.record.work,
    manifest: records.key(MANIFEST),
    publishedAt: new Date().toISOString(),
    lockNumber: ref.lockNumber,
    published: result,
  }
  // It lies among the objects that a newer run takes away, so that a late worker of this one cannot move it.
  const source = records.key('objects/current.json')
  await store.put(source, jsonBytes(current), signal)
  const [found] = await store.stat(['current.json'], signal)
  // Read after its mark, so that whatever comes in between is a mismatch.
  const before = await readCurrent(store, signal)
  if ((context.record.replaces ?? undefined) !== before?.runId) throw overtaken(before)
  const condition = found ? ({ expect: 'etag', etag: found.etag } as const) : ({ expect: 'absent' } as const)
  const moved = await store.publish(store.locate(source), 'current.json', condition, signal)
  if (moved.outcome !== 'moved') throw overtaken(await readCurrent(store, signal))
  await store.flush('current.json', signal)
}

function overtaken(by: CurrentRecord | undefined): ConflictError {
  return new ConflictError(
    'ETL3-RN-02',
    `another run became the current one in the meantime: ${by?.runId ?? 'unknown'}`,
    {
      hint: 'Start the run again.',
    },
  )
}

/** Deletes what was staged and gives the lock back. Records, manifests and reports stay. */
async function finish(context: RunContext, signal: AbortSignal): Promise<void> {
  const { records, config, lock, ref } = context
  if (ref.mode === 'run') {
    for (const folder of ['staged', 'objects']) {
      const keys: string[] = []
      for await (const { key } of records.store.list(`${records.key(folder)}/`, signal)) keys.push(key)
      await records.store.delete(keys, signal)
    }
    await records.store.delete([records.key(ENDED)], signal)
    await pruneRuns(records.store, config.output.keep_runs, records.runId, signal)
  }
  await lock.release({ number: ref.lockNumber, owner: ref.lockOwner }, signal)
}
