/** `etl3 validate`: whether the input would pass. */
import type { Command } from 'commander'
import type { CliShell } from './shell.js'

/** Adds `etl3 validate`. */
export function registerValidate(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'validate',
    summary: 'check the input and the quality rules; the table is not touched',
    description:
      'Checks the input files and applies the quality rules up to the gate. Exit code 2: the input is wrong; 3: a rule\nof severity error is violated; 4: one of severity warn is, under --fail-on warn. The table is not touched.',
    examples: [
      { call: 'etl3 validate', purpose: 'does the input pass?' },
      { call: 'etl3 validate -o json', purpose: 'the figures for a script; the exit code says how it ended' },
    ],
  })
  shell.gateOptions(command)
  shell.action(command, async (call) => {
    const { driveRun } = await import('./runs/drive-run.js')
    return await driveRun(call, shell.services, 'validate')
  })
}
