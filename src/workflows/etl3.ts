/** The workflow: the order of the steps, nothing else. What a step does is in src/activities. */
import { workflowInfo } from '@temporalio/workflow'
import type { Audited, OpenedRun, OpenRunInput, Planned, RunRef, Staged, UnitDone } from '../contract/activities.js'
import type { RunResult } from '../contract/messages.js'
import { awaitCount } from './await-count.js'
import { stageFactBatches } from './batches.js'
import { closeFailedRun, closeUnopenedRun } from './close-failed-run.js'
import { type ContinuedInput, RunLog } from './run-log.js'
import { runUnits } from './units.js'

/** Brings the table of a configuration up to date with its input, step by step (docs/architecture.md, The steps). */
export async function etl3(given: ContinuedInput | null = {}): Promise<RunResult> {
  // Whoever starts it by hand may write null.
  const input = given ?? {}
  const mode = input.mode ?? 'run'
  const log = new RunLog(input)
  const opened = await open(log, openInput(input))
  if (opened.unchanged) return { ...opened.unchanged, seconds: log.seconds() }
  const { run, maxWorkers } = opened

  try {
    await log.phase('validate', () => log.activities().validateInputs(run))
    await log.phase('stage', () => stage(log, opened))
    await log.phase('screen', () => log.activities().screenFacts(run))
    const plan = await log.phase('plan', () => log.activities().planPartitions(run))
    if (mode === 'plan') return await writeReport(log, run)

    await log.phase('quality', () => log.activities().checkQuality(run))
    if (mode === 'validate') return await writeReport(log, run)

    const work = { run, plan, maxWorkers }
    await log.phase('write', () => write(log, work))
    await log.phase('audit', () => audit(log, work))
    await log.phase('publish', () => publish(log, work))
    await log.phase('register', () => register(log, run))
    return await writeReport(log, run)
  } catch (error) {
    await closeFailedRun(log, run, error)
    throw error
  }
}

async function open(log: RunLog, request: OpenRunInput): Promise<OpenedRun> {
  try {
    return await log.phase('open', () => log.activities().openRun(request))
  } catch (error) {
    await closeUnopenedRun(log, request, error)
    throw error
  }
}

function openInput({ carried: _carried, ...input }: ContinuedInput): OpenRunInput {
  const { workflowId, firstExecutionRunId } = workflowInfo()
  return { input, mode: input.mode ?? 'run', workflowId, executionId: firstExecutionRunId }
}

async function stage(log: RunLog, opened: OpenedRun): Promise<Staged> {
  if (!log.stagedBatches.batches) await log.activities().stageDimensions(opened.run)
  await stageFactBatches(log, opened)
  return await log.activities().joinFacts(opened.run)
}

/** What the steps over units need. */
interface Work {
  readonly run: RunRef
  readonly plan: Planned
  readonly maxWorkers: number
}

/** The partitions, then the files of the analytics table. */
async function write(log: RunLog, work: Work): Promise<UnitDone> {
  const written = await runUnits(log, 'write', { ...work, units: work.plan.units })
  await runAnalytics(log, 'writeAnalytics', work)
  return written
}

/** Each unit by itself, then all of them together. */
async function audit(log: RunLog, work: Work): Promise<Audited> {
  await runUnits(log, 'audit', { ...work, units: work.plan.units })
  await runAnalytics(log, 'auditAnalytics', work)
  return await log.activities().balanceLedger(work.run)
}

/** The analytics table changes as a whole, in one instant; the partitions follow. */
async function publish(log: RunLog, work: Work): Promise<UnitDone> {
  if (work.plan.analytics) await log.activities().commitAnalytics(work.run)
  return await runUnits(log, 'publish', { ...work, units: work.plan.units })
}

async function runAnalytics(log: RunLog, kind: 'writeAnalytics' | 'auditAnalytics', work: Work): Promise<void> {
  await runUnits(log, kind, { ...work, units: work.plan.analytics?.units ?? 0 })
}

/** What vanished is deleted only after nobody is led there any more. */
async function register(log: RunLog, run: RunRef): ReturnType<ReturnType<RunLog['activities']>['registerTables']> {
  const registered = await log.activities().registerTables(run)
  await awaitCount(log, run, registered)
  await log.activities().removePartitions(run)
  return registered
}

/** The report cannot tell how long it takes to write itself; who waits for the run is told. */
async function writeReport(log: RunLog, run: RunRef): Promise<RunResult> {
  const result = await log.phase('report', () => log.activities().writeReport(log.reportInput(run)))
  return { ...result, seconds: log.seconds() }
}
