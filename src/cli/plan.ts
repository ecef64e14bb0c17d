/** `etl3 plan`: which partitions and how many rows a run would write. */
import type { Command } from 'commander'
import type { CliShell } from './shell.js'

/** Adds `etl3 plan`. */
export function registerPlan(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'plan',
    summary: 'say exactly which partitions and rows a run would write; write nothing',
    description:
      'Validates, stages and plans: the exact partitions and rows, and what would be added, replaced, kept and removed.\nThe table is not touched.',
  })
  shell.gateOptions(command)
  shell.action(command, async (call) => {
    const { driveRun } = await import('./drive-run.js')
    return await driveRun(call, shell.services, 'plan')
  })
}
