/** The workflow: the order of the steps, nothing else. What a step does is in src/activities. */
import { workflowInfo } from '@temporalio/workflow'
import type { OpenedRun, OpenRunInput, RunRef, Staged } from '../contract/activities.js'
import type { RunResult } from '../contract/messages.js'
import { awaitCount } from './await-count.js'
import { stageFactBatches } from './batches.js'
import { closeFailedRun, closeUnopenedRun } from './close-failed-run.js'
import { type ContinuedInput, RunLog } from './run-log.js'
import { runUnits, type UnitsInput } from './units.js'

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

    await log.phase('write', () => runUnits(log, 'write', { run, plan, maxWorkers }))
    await log.phase('audit', () => audit(log, { run, plan, maxWorkers }))
    await log.phase('publish', () => runUnits(log, 'publish', { run, plan, maxWorkers }))
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

/** Each unit by itself, then all of them together. */
async function audit(log: RunLog, units: UnitsInput): ReturnType<ReturnType<RunLog['activities']>['balanceLedger']> {
  await runUnits(log, 'audit', units)
  return await log.activities().balanceLedger(units.run)
}

/** What vanished is deleted only after nobody is led there any more. */
async function register(log: RunLog, run: RunRef): ReturnType<ReturnType<RunLog['activities']>['registerTables']> {
  const registered = await log.activities().registerTables(run)
  await awaitCount(log, run, registered)
  await log.activities().removePartitions(run)
  return registered
}

function writeReport(log: RunLog, run: RunRef): Promise<RunResult> {
  return log.phase('report', () => log.activities().writeReport(log.reportInput(run)))
}
