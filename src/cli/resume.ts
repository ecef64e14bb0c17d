/** `etl3 resume`: takes up the last run that did not come to its end. */
import type { Command } from 'commander'
import type { ResolvedConfig } from '../config/load.js'
import type { UnfinishedRun } from '../history/unfinished-run.js'
import { plainText } from '../runtime/plain-text.js'
import { countOf } from './output/figures.js'
import type { OngoingRun, Runs, StartRun } from './runs/runs.js'
import type { CliServices } from './services.js'
import type { CliCall, CliShell } from './shell.js'

const STORE_TIMEOUT_MS = 60_000

const DESCRIPTION = `Takes up the last run of the configured output that did not come to its end: attaches to it where Temporal still has it
(a paused one goes on), and else starts it again, where everything that is finished is kept. Where nothing was left
unfinished it says so and ends with 0. 'etl3 run' does the same, and starts a new run where there is none.`

/** Adds `etl3 resume`. */
export function registerResume(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'resume',
    summary: 'go on with the last run that did not come to its end',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 resume', purpose: 'after a crash, a cancellation or a pause' },
      { call: 'etl3 resume --memory-limit 2048', purpose: 'with more memory than before: the result is the same' },
    ],
  })
  shell.gateOptions(command)
  shell.action(command, async (call) => {
    const { driveToEnd } = await import('./runs/drive-run.js')
    return await driveToEnd(call, shell.services, 'run', {
      begin: (_, runs, start, resolved) => takeUp(call, shell.services, runs, start, resolved),
    })
  })
}

async function takeUp(
  call: CliCall,
  services: CliServices,
  runs: Runs,
  start: StartRun,
  resolved: ResolvedConfig,
): Promise<OngoingRun | undefined> {
  const ongoing = await runs.ongoing(start.workflowId)
  if (ongoing) {
    call.notice('attached to the run that is already going')
    if ((await ongoing.progress())?.paused) {
      await ongoing.unpause()
      call.notice('it was paused; it goes on now')
    }
    return ongoing
  }
  const unfinished = await services.unfinishedRun(resolved.config, AbortSignal.timeout(STORE_TIMEOUT_MS))
  if (!unfinished) {
    call.result(
      { formatVersion: 1, status: 'nothing-to-resume' },
      "nothing is left unfinished; 'etl3 run' starts a run",
    )
    return undefined
  }
  await say(call, unfinished, resolved)
  const { startOrAttach } = await import('./runs/drive-run.js')
  return await startOrAttach(call, runs, start)
}

async function say(
  call: CliCall,
  { runId, startedAt, unitsWritten, config }: UnfinishedRun,
  resolved: ResolvedConfig,
): Promise<void> {
  const { differenceOf, requestOf } = await import('./runs/run-request.js')
  call.notice(
    `taking up run ${plainText(runId)} of ${plainText(startedAt)}: ${countOf(unitsWritten, 'unit')} of partitions ${unitsWritten === 1 ? 'is' : 'are'} written`,
  )
  const there = requestOf({ ...resolved, config }, 'run')
  const { work } = differenceOf(requestOf(resolved, 'run'), there)
  if (work.length > 0) {
    call.warn(`the configuration is not the one that it was begun with, so it may begin anew: ${work.join('; ')}`)
  }
}
