/** `etl3 run`: the whole pipeline. `--dry-run` makes it a plan, `--validate-only` a validation. */
import type { Command } from 'commander'
import type { RunMode } from '../contract/messages.js'
import { UsageError } from '../runtime/errors.js'
import type { CliShell } from './shell.js'

const DESCRIPTION = `Reads the star, writes the enriched, partitioned table and publishes it.

Without a configured Temporal server it uses the one at 127.0.0.1:7233, or starts a private one for the run.
The run is a workflow of its own: when this command is killed or told to end (SIGTERM), the run goes on, and
'etl3 run' or 'etl3 status' finds it again. Ctrl-C cancels the run and waits for it; a second Ctrl-C does not wait.
A run that is started again goes on where it stopped.`

/** Adds `etl3 run`. */
export function registerRun(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'run',
    summary: 'run the pipeline: validate, plan, write, audit, publish, register',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 run', purpose: 'bring the table up to date with its input' },
      { call: 'etl3 run --memory-limit 2048 --max-workers 2 --chunk-size 2000', purpose: 'two workers with 1 GB each' },
      {
        call: 'etl3 run --environment production -o json',
        purpose: 'another section of the configuration; the result as JSON',
      },
    ],
  })
  shell
    .gateOptions(command)
    .option('--validate-only', "stop after the quality gate, as 'etl3 validate'")
    .option('--dry-run', "stop after the plan, as 'etl3 plan'")
  shell.action(command, async (call) => {
    const mode = modeOf(call.options)
    const { driveRun } = await import('./runs/drive-run.js')
    return await driveRun(call, shell.services, mode)
  })
}

function modeOf(options: Readonly<Record<string, unknown>>): RunMode {
  const validateOnly = options['validateOnly'] === true
  const dryRun = options['dryRun'] === true
  if (validateOnly && dryRun) {
    throw new UsageError('ETL3-CL-02', '--validate-only and --dry-run cannot both be given', {
      hint: '--dry-run stops after the plan, --validate-only after the quality gate, which comes later.',
    })
  }
  return validateOnly ? 'validate' : dryRun ? 'plan' : 'run'
}
