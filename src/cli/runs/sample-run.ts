/** A run into a scratch folder that is cancelled after the first units: what `memory-test` measures. */

import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ResolvedConfig } from '../../config/load.js'
import type { Progress, RunResult } from '../../contract/messages.js'
import { ResourceError } from '../../runtime/errors.js'
import { withScratchFolder } from '../../runtime/scratch-folder.js'
import { workflowIdOf } from '../../runtime/temporal/workflow-id.js'
import { normalisedUri } from '../../runtime/uri.js'
import { Interrupted } from '../exit-codes.js'
import { etl3ErrorIn, isCancellation } from '../failure.js'
import type { CliServices } from '../services.js'
import type { CliCall } from '../shell.js'
import { inputOf, requestOf } from './run-request.js'
import type { OngoingRun, Runs } from './runs.js'

const SAMPLE_UNITS = 3
const LOOK_EVERY_MS = 250

/** What a sample showed. */
export interface SampleFigures {
  readonly peakMemoryMb: number
  readonly memoryLimitMb: number
  /** Units and enriched rows: written in the sample, and in the full run. */
  readonly units: { readonly done: number; readonly total: number }
  readonly rows: { readonly done: number; readonly total: number }
  readonly seconds: number
  /** The error with which the sample ended, if it was one about memory. */
  readonly outOfMemory: string | undefined
}

/**
 * Runs the pipeline into a scratch folder until the first units are written, or it ends.
 * @throws Interrupted when the command is told to end
 * @throws whatever the run fails with, unless that is a want of memory
 */
export async function sampleRun(call: CliCall, services: CliServices): Promise<SampleFigures> {
  const resolved = await call.loadConfig()
  const { scratch, memory_limit_mb: memoryLimitMb } = resolved.config.processing
  return await withScratchFolder(resolve(scratch), 'memory-test', async (folder) => {
    const began = performance.now()
    const last = await sampleInto(folder, call, services, resolved)
    return { ...last, memoryLimitMb, seconds: (performance.now() - began) / 1000 }
  })
}

type SampleEnd = Omit<SampleFigures, 'memoryLimitMb' | 'seconds'>

async function sampleInto(
  folder: string,
  call: CliCall,
  services: CliServices,
  resolved: ResolvedConfig,
): Promise<SampleEnd> {
  const output = { ...resolved.config.output, uri: join(folder, 'table'), metadata_uri: join(folder, 'records') }
  const config = { ...resolved.config, output }
  const workflowId = workflowIdOf(config)
  const input = inputOf(resolved, 'run')
  const overrides = { ...input.overrides, 'output.uri': output.uri, 'output.metadata_uri': output.metadata_uri }
  const log = await call.logger(resolved, 'cli')
  const runs = await services.openRuns({ config, workflowId, log, onNotice: (line) => call.notice(line) })
  try {
    const run = await runs.start({
      workflowId,
      input: { ...input, outputUri: normalisedUri(output.uri), overrides },
      request: requestOf({ ...resolved, config }, 'run'),
      summary: 'memory test',
      details: 'ETL3 runs the pipeline on a sample of the facts, to see how much memory the whole run will need.',
    })
    if (!run) throw new Error(`a run with the new id ${workflowId} is already going`)
    return await untilSampled(run, runs, call)
  } finally {
    await runs.close({ stopServer: true })
  }
}

type Ending = { readonly result: RunResult } | { readonly error: unknown } | { readonly signal: Interrupted }

async function untilSampled(run: OngoingRun, runs: Runs, call: CliCall): Promise<SampleEnd> {
  let ending: Ending | undefined
  const ended = run.result().then(
    (result) => {
      ending = { result }
    },
    (error: unknown) => {
      ending ??= { error }
    },
  )
  void runs.broken.then((error) => {
    ending ??= { error }
  })
  const release = call.onSignal((signal) => {
    ending = { signal: new Interrupted(signal, 'the memory test was stopped') }
  })
  let last: Progress | undefined
  let cancelled = false
  while (!ending) {
    await pause(LOOK_EVERY_MS)
    last = (await run.progress()) ?? last
    if (last && last.units.done >= SAMPLE_UNITS && !cancelled) {
      cancelled = true
      await run.cancel()
    }
  }
  release()
  if ('signal' in ending) {
    await run.cancel()
    await ended
    throw ending.signal
  }
  if ('result' in ending) return complete(ending.result, last)
  const reason = etl3ErrorIn(ending.error)
  const outOfMemory = reason?.code.startsWith('ETL3-ME-') ? reason.message : undefined
  if (outOfMemory === undefined && !(cancelled && isCancellation(ending.error))) throw ending.error
  if (!last)
    throw new ResourceError('ETL3-ME-05', 'the sample ended before it could be measured', { cause: ending.error })
  return { peakMemoryMb: last.peakMemoryMb, units: last.units, rows: last.rows, outOfMemory }
}

function complete(result: RunResult, last: Progress | undefined): SampleEnd {
  const rows = { done: result.rows, total: result.rows }
  const units = last?.units ?? { done: 0, total: 0 }
  return {
    peakMemoryMb: result.peakMemoryMb,
    units: { done: units.total, total: units.total },
    rows,
    outOfMemory: undefined,
  }
}
