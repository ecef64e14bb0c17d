/** The last step: report, receipt, and `current.json`, which makes this run the one that the table shows. */

import { z } from 'zod'
import type { ReportInput, RunRef } from '../contract/activities.js'
import type { AnalyticsResult, RunResult } from '../contract/messages.js'
import { runResultSchema } from '../contract/run-result.js'
import { pruneRuns } from '../history/prune-runs.js'
import { RunLock } from '../lake/run-lock.js'
import { openStore } from '../lake/stores.js'
import { MANIFEST_FORMAT } from '../partition-files/manifest-file.js'
import { type CurrentRecord, readCurrent } from '../records/current.js'
import { RUN_RECORD } from '../records/names.js'
import { jsonBytes, RunRecords } from '../records/records.js'
import { parseRunRecord } from '../records/run.js'
import type { Chart, PageCharts } from '../report/chart.js'
import { CHART_PROCESS_MB, ChartProcess } from '../report/chart-process.js'
import { chartsOf } from '../report/charts.js'
import { reportMarkdown } from '../report/markdown.js'
import { reportPage } from '../report/page.js'
import { parseRunReport, type RunReport, runReportSchema } from '../report/run-report.js'
import { ConflictError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { ENDED } from './close-run.js'
import type { ActivityDeps } from './deps.js'
import { ENCODING_VERSION } from './encoding-version.js'
import { notifyResult } from './notify-end.js'
import { withReserve } from './publication-reserve.js'
import { gatherReport } from './report-data.js'
import { openContext, type RunContext } from './run-context.js'
import type { ActivityScope } from './scope.js'

const BYTES_PER_MB = 1024 * 1024

const STATUS_OF = { run: 'published', plan: 'planned', validate: 'validated' } as const

const reportedSchema = z.object({ result: runResultSchema })

/** Writes the report of a run; of a published one it also moves `current.json` and clears away what was staged. */
export function writeReport(deps: ActivityDeps): (input: ReportInput, scope: ActivityScope) => Promise<RunResult> {
  return async (input, { signal }) => {
    const write = (): Promise<RunResult> => report(input, deps, signal)
    const isPublished = input.run.mode === 'run'
    const result = isPublished ? await withReserve(input.run, signal, write, onlyReportMissing) : await write()
    const records = new RunRecords(openStore(input.run.metadataUri, input.run), input.run.runId)
    const record = await records.find(RUN_RECORD, parseRunRecord, signal)
    if (record) await notifyResult(record.config, result, deps, signal)
    return result
  }
}

async function onlyReportMissing(): Promise<string> {
  return 'the table is published and registered, only the report of the run is missing'
}

async function report(input: ReportInput, deps: ActivityDeps, signal: AbortSignal): Promise<RunResult> {
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
  const { gathered, charts } = await gatherAndDraw(context, input, deps, signal)
  const page = reportPage(gathered, charts)
  await records.store.put(records.key('report.html'), Buffer.from(page, 'utf8'), signal)
  await records.store.put(records.key('report.md'), Buffer.from(reportMarkdown(gathered), 'utf8'), signal)
  await records.save('receipt.json', receiptOf(context, gathered), signal)
  failPoint('report:before-current')
  if (input.run.mode === 'run') {
    await moveCurrent(context, gathered.result, signal)
    failPoint('report:after-current')
  }
  await finish(context, signal)
  return gathered.result
}

/** The answer of an attempt whose worker ended after it had given the lock back: nothing is left to do. */
async function findAnswer(
  { runId, metadataUri, s3, mode, lockNumber, lockOwner }: RunRef,
  signal: AbortSignal,
): Promise<RunResult | undefined> {
  const store = openStore(metadataUri, { s3 })
  if (await new RunLock(store).holds({ number: lockNumber, owner: lockOwner }, signal)) return undefined
  if (mode === 'run') {
    const current = await readCurrent(store, signal)
    return current?.runId === runId ? current.published : undefined
  }
  const report = await new RunRecords(store, runId).find('report.json', (v) => reportedSchema.parse(v), signal)
  return report?.result.status === STATUS_OF[mode] ? report.result : undefined
}

/**
 * The report of this opening of the run. A later attempt tells the same as the first: times and memory are those of
 * when it was gathered first.
 */
async function reportOf(
  context: RunContext,
  input: ReportInput,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<{ readonly gathered: RunReport; readonly isNew: boolean }> {
  const status = STATUS_OF[input.run.mode]
  const found = await context.records.find('report.json', (v) => runReportSchema.safeParse(v).data, signal)
  if (found?.result.status === status && found.lockNumber === input.run.lockNumber)
    return { gathered: found, isNew: false }
  // In the shape in which a later attempt finds it.
  const report = parseRunReport(await gatherReport({ context, input, status, deps, signal }))
  await context.records.save('report.json', report, signal)
  return { gathered: report, isNew: true }
}

/** Drawing takes memory too. What the report says is the run's peak, for everybody who tells of it. */
async function withPeak(
  { records }: RunContext,
  gathered: RunReport,
  { sampler }: ActivityDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  sampler.sample()
  const peakMemoryMb = Math.max(gathered.result.peakMemoryMb, sampler.peaks().peakMb)
  if (peakMemoryMb === gathered.result.peakMemoryMb) return gathered
  const report = { ...gathered, result: { ...gathered.result, peakMemoryMb } }
  await records.save('report.json', report, signal)
  return report
}

/** The process that draws the charts gets ready while the report's figures are gathered, where there is room for both. */
async function gatherAndDraw(
  context: RunContext,
  input: ReportInput,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<{ readonly gathered: RunReport; readonly charts: PageCharts }> {
  // What is left of the writer's star only takes memory from here on.
  deps.star.clear()
  const early = roomMb(deps) < CHART_PROCESS_MB + deps.budget.engineMb ? undefined : new ChartProcess(signal)
  try {
    const { gathered, isNew } = await reportOf(context, input, deps, signal)
    failPoint('report:after-data')
    const { drawings } = await drawCharts(chartsOf(gathered), early, deps, signal)
    const told = isNew ? await withPeak(context, gathered, deps, signal) : gathered
    // What stands beside a chart tells of the drawing as well; what is in it does not.
    return { gathered: told, charts: { charts: chartsOf(told), drawings } }
  } finally {
    early?.stop()
  }
}

/** Draws the charts in a process of its own. A report without them is better than none: tables stand in their place. */
async function drawCharts(
  charts: readonly Chart[],
  early: ChartProcess | undefined,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<PageCharts> {
  const room = Math.round(roomMb(deps))
  if (!early && room < CHART_PROCESS_MB) {
    deps.log.warn('no memory to draw the charts of the report', { roomMb: room, neededMb: CHART_PROCESS_MB })
    return { charts, drawings: undefined }
  }
  try {
    const { drawings, peakBytes } = await (early ?? new ChartProcess(signal)).draw(charts)
    deps.sampler.besides(peakBytes)
    deps.log.debug('charts drawn', { roomMb: room, tookMb: Math.round(peakBytes / BYTES_PER_MB) })
    return { charts, drawings }
  } catch (error) {
    signal.throwIfAborted()
    deps.log.warn('the charts of the report could not be drawn', { error })
    return { charts, drawings: undefined }
  }
}

/** What this worker leaves of its limit, in MB. */
function roomMb({ budget, sampler }: ActivityDeps): number {
  globalThis.gc?.()
  return budget.limitMb - sampler.sample()
}

/** The receipt: what went in, how, and what came out, in checksums. */
function receiptOf({ record }: RunContext, report: RunReport): unknown {
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
    config: record.config,
    ledger: {
      factsRead: result.facts,
      factsQuarantined: result.quarantined,
      factsWritten: result.facts - result.quarantined,
      rows: result.rows,
      partitions: result.partitions,
      bytes: result.bytes,
      ...(result.analytics ? { analytics: analyticsLedger(result.analytics) } : {}),
    },
    quality: report.rules,
    audit: report.audit,
    output: { table: result.table, uri: result.outputUri, catalog: result.catalogUri },
  }
}

function analyticsLedger({ uri, files, rows, added, committed }: AnalyticsResult): unknown {
  if (!committed) return { uri, files, rows, added }
  const { snapshotId, bytes, removed, setAside } = committed
  return { uri, snapshotId, files, rows, bytes, added, removed, ...(setAside ? { setAside } : {}) }
}

/**
 * Makes this run the current one. Where it is already, an attempt whose answer was lost, or one that was faster, has
 * made it so.
 * @throws ConflictError ETL3-RN-02 when another run became the current one in the meantime
 */
async function moveCurrent(context: RunContext, result: RunResult, signal: AbortSignal): Promise<void> {
  const { records, ref } = context
  const { store } = records
  const current: CurrentRecord = {
    formatVersion: 1,
    runId: records.runId,
    work: context.record.work,
    manifest: records.key(MANIFEST_FORMAT.name),
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
  if (before?.runId === records.runId) return
  if ((context.record.replaces ?? undefined) !== before?.runId) throw overtaken(before)
  const condition = found ? ({ expect: 'etag', etag: found.etag } as const) : ({ expect: 'absent' } as const)
  const moved = await store.publish(store.locate(source), 'current.json', condition, signal)
  if (moved.outcome !== 'moved') {
    const standing = await readCurrent(store, signal)
    if (standing?.runId !== records.runId) throw overtaken(standing)
  }
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
    for (const folder of ['staged', 'objects']) await records.store.retire(records.key(folder), signal)
    await records.store.delete([records.key(ENDED)], signal)
    await pruneRuns(records.store, config.output.keep_runs, records.runId, signal)
  }
  await lock.release({ number: ref.lockNumber, owner: ref.lockOwner }, signal)
}
