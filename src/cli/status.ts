/** `etl3 status`: how the run of the configured output goes, or what the last one left. */
import type { Command } from 'commander'
import type { CurrentRecord } from '../activities/current.js'
import type { Config } from '../config/schema.js'
import { Etl3Error, IntegrityError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { workflowIdOf } from '../runtime/workflow-id.js'
import type { Progress } from '../workflows/messages.js'
import { EXIT_DONE } from './exit-codes.js'
import { countOf } from './figures.js'
import { liveLines } from './progress-view.js'
import type { CliServices } from './services.js'
import type { CliCall, CliShell } from './shell.js'

const STORE_TIMEOUT_MS = 60_000
const LABEL_COLUMNS = 8

/** Adds `etl3 status`. */
export function registerStatus(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'status',
    summary: 'show the run that is going on, or the last published one',
    description:
      'Asks the Temporal server, if one is there, for the run of the configured output. Starts nothing. Where no run is\ngoing on it shows what was published last.',
  })
  shell.configOptions(command)
  shell.action(command, async (call) => {
    const resolved = await call.loadConfig()
    const { config } = resolved
    const workflowId = workflowIdOf(config)
    const log = await call.logger(resolved, 'cli')
    const runs = await shell.services.findRuns({ config, workflowId, log, onNotice: (line) => call.notice(line) })
    try {
      const ongoing = await runs?.ongoing(workflowId)
      const progress = await ongoing?.progress()
      const published = await publishedRun(shell.services, config)
      const state = ongoing ? 'running' : published ? 'published' : 'none'
      call.result(
        {
          formatVersion: 1,
          state,
          workflowId,
          temporalUiUrl: runs?.uiUrl ?? null,
          progress: progress ?? null,
          published: published ?? null,
        },
        () => statusText(call, { state, workflowId, uiUrl: runs?.uiUrl, progress, published }),
      )
      return EXIT_DONE
    } finally {
      await runs?.close({ stopServer: false })
    }
  })
}

async function publishedRun(services: CliServices, config: Config): Promise<CurrentRecord | undefined> {
  try {
    return await services.publishedRun(config, AbortSignal.timeout(STORE_TIMEOUT_MS))
  } catch (cause) {
    if (cause instanceof Etl3Error) throw cause
    throw new IntegrityError(
      'ETL3-CL-06',
      `the record of the published run cannot be read [record=current.json, in=${config.output.metadata_uri}]`,
      { hint: 'Restore it from a copy, or see the log for what is wrong with it.', cause },
    )
  }
}

interface Status {
  readonly state: 'running' | 'published' | 'none'
  readonly workflowId: string
  readonly uiUrl: string | undefined
  readonly progress: Progress | undefined
  readonly published: CurrentRecord | undefined
}

function statusText(call: CliCall, { state, workflowId, uiUrl, progress, published }: Status): string {
  const lines: string[] = []
  if (state === 'running') {
    lines.push(call.palette.bold(`a run is going on (workflow ${workflowId})`))
    lines.push(
      ...(progress
        ? liveLines(progress, {
            nowMs: Date.now(),
            rowsPerSecond: undefined,
            answering: true,
            spinner: '·',
            palette: call.palette,
          })
        : ['  no worker answers just now']),
    )
    if (uiUrl !== undefined) lines.push(`web ui: ${uiUrl}`)
  }
  lines.push(...(published ? publishedLines(call, published) : ["nothing is published yet; 'etl3 run' does that"]))
  return lines.join('\n')
}

function publishedLines(call: CliCall, { runId, publishedAt, published }: CurrentRecord): string[] {
  const { rows, partitions, outputUri, table, reportUri } = published
  const label = (name: string): string => name.padEnd(LABEL_COLUMNS)
  return [
    call.palette.bold(`last published: ${countOf(rows, 'row')} in ${countOf(partitions.total, 'partition')}`),
    `  ${label('when')}${plainText(publishedAt)}`,
    `  ${label('run')}${plainText(runId)}`,
    `  ${label('table')}${plainText(`${table} in ${outputUri}`)}`,
    `  ${label('report')}${plainText(reportUri)}`,
  ]
}
