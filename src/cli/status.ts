/** `etl3 status`: how the run of the configured output goes, or what the last one left. */
import type { Command } from 'commander'
import type { ResolvedConfig } from '../config/load.js'
import type { UnfinishedRun } from '../history/unfinished-run.js'
import type { CurrentRecord } from '../records/current.js'
import { Etl3Error } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { workflowIdOf } from '../runtime/temporal/workflow-id.js'
import { describeWorker, readWorkerIdentity } from '../runtime/worker-identity.js'
import { EXIT_DONE } from './exit-codes.js'
import { countOf, countText } from './output/figures.js'
import { DETAIL_COLUMN, liveLines, NO_VIEW, progressViewFor } from './output/progress-view.js'
import { runSummary } from './output/run-summary.js'
import { wrapLine } from './output/wrapped-line.js'
import { followRun } from './runs/follow-run.js'
import type { LiveProgress } from './runs/live-progress.js'
import type { OngoingRun, OpenRunsOptions, Runs } from './runs/runs.js'
import type { CliServices } from './services.js'
import type { CliCall, CliShell } from './shell.js'

const STORE_TIMEOUT_MS = 60_000
const LABEL_COLUMNS = 10

const DESCRIPTION = `Asks the Temporal server, if one is there, for the run of the configured output. Starts nothing. Where no run is going
on, or the server does not answer, it shows what was published last, and a run that did not come to its end.

With --watch it follows the run to its end and ends with its exit code; Ctrl-C stops watching and leaves the run going.`

/** Adds `etl3 status`. */
export function registerStatus(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'status',
    summary: 'show the run that is going on, or the last published one',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 status', purpose: 'one look' },
      { call: 'etl3 status --watch', purpose: 'follow the run to its end' },
      { call: 'etl3 status -o json', purpose: 'for a script' },
    ],
  })
  shell.configOptions(command, []).option('-w, --watch', 'follow the run that is going on to its end')
  shell.action(command, async (call) => {
    const resolved = await call.loadConfig()
    const { config } = resolved
    const workflowId = workflowIdOf(config)
    const log = await call.logger(resolved, 'cli')
    const options = { config, workflowId, log, onNotice: (line: string): void => call.notice(line) }
    const { runs, ongoing, problem } = await lookForRun(shell.services, options)
    if (problem) call.warn(`${problem.message} [${problem.code}]`)
    try {
      if (ongoing && runs && call.options['watch'] === true) return await watch(call, resolved, runs, ongoing)
      const [progress, workers] = await Promise.all([ongoing?.progress(), ongoing?.workers()])
      const published = await shell.services.publishedRun(config, AbortSignal.timeout(STORE_TIMEOUT_MS))
      // Where the server cannot be asked, the run may be going on.
      const unfinished =
        ongoing || problem
          ? undefined
          : await shell.services.unfinishedRun(config, AbortSignal.timeout(STORE_TIMEOUT_MS))
      const state = ongoing ? 'running' : published ? 'published' : 'none'
      call.result(
        {
          formatVersion: 1,
          state,
          workflowId: ongoing?.workflowId ?? workflowId,
          temporalUiUrl: runs?.uiUrl ?? null,
          temporalProblem: problem?.message ?? null,
          progress: progress ?? null,
          workers: workers?.map(workerFields) ?? null,
          published: published ?? null,
          unfinished: unfinished ? { ...unfinished, config: undefined } : null,
        },
        () => statusText(call, { state, workflowId, uiUrl: runs?.uiUrl, progress, workers, published, unfinished }),
      )
      return EXIT_DONE
    } finally {
      await runs?.close({ stopServer: false })
    }
  })
}

interface FoundRun {
  readonly runs: Runs | undefined
  readonly ongoing: OngoingRun | undefined
  /** Why a server that is configured, or that is there, could not be asked. */
  readonly problem: Etl3Error | undefined
}

/** A server that is down or too busy to answer hides how a run goes, and not what is published. */
async function lookForRun(services: CliServices, options: OpenRunsOptions): Promise<FoundRun> {
  let runs: Runs | undefined
  try {
    runs = await services.findRuns(options)
    return { runs, ongoing: await runs?.ongoing(options.workflowId), problem: undefined }
  } catch (error) {
    if (error instanceof Etl3Error && error.kind === 'UnavailableError')
      return { runs, ongoing: undefined, problem: error }
    await runs?.close({ stopServer: false })
    throw error
  }
}

async function watch(call: CliCall, resolved: ResolvedConfig, runs: Runs, run: OngoingRun): Promise<number> {
  const result = await followRun({
    run,
    view: call.quiet ? NO_VIEW : progressViewFor(call.terminal),
    broken: runs.broken,
    onInterrupt: 'leave',
    notice: (line) => call.notice(line),
    onSignal: (handler) => call.onSignal(handler),
  })
  call.result({ ...result, temporalUiUrl: runs.uiUrl ?? null }, () =>
    runSummary(result, {
      palette: call.palette,
      columns: call.columns,
      resolved,
      uiUrl: runs.uiUrl,
      serverEnds: false,
    }),
  )
  return EXIT_DONE
}

interface Status {
  readonly state: 'running' | 'published' | 'none'
  readonly workflowId: string
  readonly uiUrl: string | undefined
  readonly progress: LiveProgress | undefined
  /** Identities of the workers that can take the run's work. */
  readonly workers: readonly string[] | undefined
  readonly published: CurrentRecord | undefined
  readonly unfinished: UnfinishedRun | undefined
}

/** What is known of a worker, for scripts. */
function workerFields(identity: string): Record<string, unknown> {
  const { pid, host, build } = readWorkerIdentity(identity) ?? {}
  return { identity, pid: pid ?? null, host: host ?? null, build: build ?? null }
}

function statusText(
  call: CliCall,
  { state, workflowId, uiUrl, progress, workers, published, unfinished }: Status,
): string {
  const lines: string[] = []
  if (state === 'running') {
    lines.push(call.palette.bold(`a run is going on (workflow ${workflowId})`))
    lines.push(
      ...(progress
        ? liveLines(progress, {
            nowMs: Date.now(),
            perSecond: undefined,
            answering: true,
            spinner: '·',
            palette: call.palette,
          }).map((line) => wrapLine(line, call.columns, DETAIL_COLUMN))
        : ['  no worker answers just now']),
    )
    lines.push(...(workers ?? []).map((worker) => `worker: ${describeWorker(worker)}`))
    if (uiUrl !== undefined) lines.push(`web ui: ${uiUrl}`)
  }
  if (unfinished) lines.push(unfinishedLine(call, unfinished))
  if (published) lines.push(...publishedLines(call, published))
  else lines.push(unfinished ? 'nothing is published yet' : "nothing is published yet; 'etl3 run' does that")
  return lines.join('\n')
}

function publishedLines(call: CliCall, { runId, publishedAt, published }: CurrentRecord): string[] {
  const { rows, partitions, outputUri, table, reportUri, warnings, warningSources = [] } = published
  const label = (name: string): string => name.padEnd(LABEL_COLUMNS)
  return [
    call.palette.bold(`last published: ${countOf(rows, 'row')} in ${countOf(partitions.total, 'partition')}`),
    `  ${label('when')}${plainText(publishedAt)}`,
    `  ${label('run')}${plainText(runId)}`,
    `  ${label('table')}${plainText(`${table} in ${outputUri}`)}`,
    ...(warnings > 0 ? [`  ${label('warnings')}${countText(warnings)}, see the report`] : []),
    ...warningSources.map((source) =>
      wrapLine(`  ${label('  from')}${plainText(source)}`, call.columns, LABEL_COLUMNS + 2),
    ),
    `  ${label('report')}${plainText(reportUri)}`,
  ]
}

function unfinishedLine(call: CliCall, { runId, startedAt, unitsWritten, heldBy }: UnfinishedRun): string {
  const written = `${countOf(unitsWritten, 'unit')} of partitions written`
  if (heldBy) {
    const holder = `process ${heldBy.pid} on ${plainText(heldBy.host)}`
    return `run ${plainText(runId)} of ${plainText(startedAt)} is held by ${holder} (${written}); its Temporal server was not found from here`
  }
  return call.palette.yellow(
    `run ${plainText(runId)} of ${plainText(startedAt)} did not come to its end (${written}); 'etl3 resume' goes on with it`,
  )
}
