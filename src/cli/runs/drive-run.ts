/** What `run`, `plan` and `validate` have in common: start the workflow or attach to it, follow it, say how it ended. */
import type { ResolvedConfig } from '../../config/load.js'
import type { RunMode, RunResult } from '../../contract/messages.js'
import { ConflictError } from '../../runtime/errors.js'
import { plainText } from '../../runtime/plain-text.js'
import { workflowIdOf } from '../../runtime/temporal/workflow-id.js'
import { describeWorker } from '../../runtime/worker-identity.js'
import { EXIT_DONE, Interrupted } from '../exit-codes.js'
import type { SignalName } from '../io.js'
import { NO_VIEW, progressViewFor } from '../output/progress-view.js'
import { runSummary } from '../output/run-summary.js'
import type { CliServices } from '../services.js'
import type { CliCall } from '../shell.js'
import { followRun } from './follow-run.js'
import { introductionOf } from './run-introduction.js'
import { differenceOf, inputOf, requestOf } from './run-request.js'
import type { OngoingRun, OpenRunsOptions, Runs, StartRun } from './runs.js'

/** A run can end between the attempt to start another one and the look at it; then the next attempt starts it. */
const START_ATTEMPTS = 3

/** Begins a run, or finds one to follow; undefined when there is nothing to do, which it has said itself. */
type Begin = (call: CliCall, runs: Runs, start: StartRun, resolved: ResolvedConfig) => Promise<OngoingRun | undefined>

/**
 * Runs the workflow to the end of its mode.
 * @returns the exit code
 * @throws ConfigError before anything is started
 * @throws ConflictError ETL3-CL-03 when other work is going on at the same output
 */
export async function driveRun(call: CliCall, services: CliServices, mode: RunMode): Promise<number> {
  return await driveToEnd(call, services, mode)
}

/** What is to be said of a result besides itself. */
export interface Addition {
  /** Fields for `-o json`. */
  readonly fields: Readonly<Record<string, unknown>>
  /** Below the summary. */
  readonly text: string
}

/** What else a driven run is for. */
export interface DriveOptions {
  /** Default: {@link startOrAttach}. */
  readonly begin?: Begin
  /** Called with the result before it is printed. */
  readonly add?: (result: RunResult, resolved: ResolvedConfig) => Promise<Addition>
}

/** As {@link driveRun}, for a run that is begun in another way, or of which more is said. */
export async function driveToEnd(
  call: CliCall,
  services: CliServices,
  mode: RunMode,
  { begin = startOrAttach, add }: DriveOptions = {},
): Promise<number> {
  const resolved = await call.loadConfig()
  const { config } = resolved
  const workflowId = workflowIdOf(config)
  call.onFailurePrint({ workflowId, outputUri: config.output.uri, memoryLimitMb: config.processing.memory_limit_mb })
  const log = await call.logger(resolved, 'cli')
  log.info(`etl3 ${mode}`, { workflowId, file: resolved.file, environment: resolved.environment })

  const onNotice = (line: string): void => call.notice(line)
  const runs = await openRuns(call, services, { config, workflowId, log, onNotice })
  call.onFailurePrint({ temporalUiUrl: runs.uiUrl ?? null })
  let finished = false
  try {
    const start = {
      workflowId,
      input: inputOf(resolved, mode),
      request: requestOf(resolved, mode),
      ...introductionOf(resolved, mode),
    }
    const run = await begin(call, runs, start, resolved)
    if (!run) {
      finished = true
      return EXIT_DONE
    }
    await tellOtherWorkers(call, runs, run)
    const result = await followRun({
      run,
      view: call.quiet ? NO_VIEW : progressViewFor(call.terminal),
      broken: runs.broken,
      notice: (line) => call.notice(line),
      onSignal: (handler) => call.onSignal(handler),
    })
    finished = true
    log.info(`etl3 ${mode}: ${result.status}`, { runId: result.runId, rows: result.rows })
    const addition = await add?.(result, resolved)
    call.result({ ...result, ...addition?.fields, temporalUiUrl: runs.uiUrl ?? null }, () => {
      const { palette, columns } = call
      const context = { palette, columns, resolved, uiUrl: runs.uiUrl, serverEnds: runs.ownsServer }
      return [runSummary(result, context), ...(addition ? ['', addition.text] : [])].join('\n')
    })
    return EXIT_DONE
  } catch (error) {
    finished = !(error instanceof Interrupted && error.cause === undefined)
    throw error
  } finally {
    await runs.close({ stopServer: finished })
  }
}

/** Says who has a run that was begun for other workers than those that the session found or started. */
async function tellOtherWorkers(call: CliCall, { taskQueue }: Runs, run: OngoingRun): Promise<void> {
  if (run.taskQueue === taskQueue) return
  const workers = await run.workers()
  for (const worker of workers ?? []) call.notice(`its worker: ${describeWorker(worker)}`)
  if (workers?.length === 0) {
    call.warn(
      `no worker takes the work of this run: it waits on the task queue ${plainText(run.taskQueue)}, set temporal.task_queue to that for a worker`,
    )
  }
}

/** Starts a run, or attaches to the one that is going if it is the same work. */
export async function startOrAttach(call: CliCall, runs: Runs, start: StartRun): Promise<OngoingRun> {
  for (let attempt = 1; ; attempt++) {
    const started = await runs.start(start)
    if (started) return started
    const ongoing = await runs.ongoing(start.workflowId)
    if (ongoing) return attach(call, ongoing, start)
    if (attempt === START_ATTEMPTS) {
      throw new ConflictError(
        'ETL3-CL-05',
        `runs of this output start and end faster than this one can begin [workflow=${start.workflowId}]`,
        { hint: 'Look for something that starts runs in a loop.' },
      )
    }
  }
}

function attach(call: CliCall, ongoing: OngoingRun, start: StartRun): OngoingRun {
  const conflict = (differences: string): ConflictError =>
    new ConflictError(
      'ETL3-CL-03',
      `another run of this output is going on, and it is other work: ${differences} [workflow=${ongoing.workflowId}]`,
      { hint: "Wait for it ('etl3 status' shows it), cancel it in the Web UI, or choose another output.uri." },
    )
  if (!ongoing.request) throw conflict('what it was asked for cannot be told from here')
  const { work, way } = differenceOf(start.request, ongoing.request)
  if (work.length > 0) throw conflict(work.join('; '))
  call.notice('attached to the run that is already going')
  if (way.length > 0) call.notice(`it goes on with its own settings: ${way.join('; ')}`)
  return ongoing
}

/**
 * Opens a server. Ctrl-C or SIGTERM meanwhile waits until it is open and closes it again, so that nothing that was
 * started stays behind; a second signal does not wait.
 */
async function openRuns(call: CliCall, services: CliServices, options: OpenRunsOptions): Promise<Runs> {
  let first: SignalName | undefined
  let release = (): void => {}
  const impatient = new Promise<never>((_, reject) => {
    release = call.onSignal((signal) => {
      if (first) reject(new Interrupted(signal, 'stopped before the run was started'))
      else call.notice('stopping')
      first ??= signal
    })
  })
  try {
    const runs = await Promise.race([services.openRuns(options), impatient])
    if (!first) return runs
    await Promise.race([runs.close({ stopServer: true }), impatient])
    throw new Interrupted(first, 'stopped before the run was started')
  } finally {
    release()
  }
}
