/** `etl3 memory-test`: runs a real sample under the memory limit and says whether the full run will fit. */
import type { Command } from 'commander'
import { EXIT_CODES } from '../runtime/errors.js'
import { EXIT_DONE } from './exit-codes.js'
import { countText } from './output/figures.js'
import type { SampleFigures } from './runs/sample-run.js'
import type { CliCall, CliShell } from './shell.js'

// Above this share of the limit the guard (runtime/worker/memory-guard.ts) cleans up and halves chunks: it works, but slower.
const EASY_SHARE = 0.7

const DESCRIPTION = `Runs the steps over the whole input (validate, stage, screen, plan) and the first units of writing, into a scratch
folder and with the given memory limit, and reports the peak. The later units need no more than the first ones,
because memory does not grow with the number of facts. The table and its records are left as they are.

Exit code 0 when the run fits, 7 when it does not.`

/** Adds `etl3 memory-test`. */
export function registerMemoryTest(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'memory-test',
    summary: 'run a sample under the memory limit and say whether the full run will fit',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 memory-test --memory-limit 512 --chunk-size 500', purpose: 'will the run fit into 512 MB?' },
    ],
  })
  shell.configOptions(command)
  shell.action(command, async (call) => {
    const { sampleRun } = await import('./runs/sample-run.js')
    const figures = await sampleRun(call, shell.services)
    return report(call, figures)
  })
}

function report(call: CliCall, figures: SampleFigures): number {
  const { fits, advice } = judge(figures)
  call.result({ formatVersion: 1, fits, advice, ...figures }, () => {
    const { peakMemoryMb, memoryLimitMb, units, rows } = figures
    const word = fits ? call.palette.green('fits') : call.palette.red('does not fit')
    return [
      `The full run ${word}: ${advice}`,
      `peak memory  ${peakMemoryMb} MB of ${memoryLimitMb} MB`,
      `sample       ${units.done} of ${units.total} units, ${countText(rows.done)} of ${countText(rows.total)} rows`,
      `time         ${figures.seconds.toFixed(1)} s`,
    ].join('\n')
  })
  return fits ? EXIT_DONE : EXIT_CODES.ResourceError
}

/** What a sample's figures mean for the full run. */
function judge({ peakMemoryMb, memoryLimitMb, outOfMemory }: SampleFigures): {
  readonly fits: boolean
  readonly advice: string
} {
  if (outOfMemory !== undefined || peakMemoryMb > memoryLimitMb) {
    return { fits: false, advice: `try --memory-limit ${Math.ceil((memoryLimitMb * 1.5) / 64) * 64}` }
  }
  return peakMemoryMb > memoryLimitMb * EASY_SHARE
    ? { fits: true, advice: 'it will clean up now and then; a higher --memory-limit makes it faster' }
    : { fits: true, advice: `${memoryLimitMb - peakMemoryMb} MB to spare` }
}
