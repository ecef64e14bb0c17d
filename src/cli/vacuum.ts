/** `etl3 vacuum`: deletes what no reader sees and no run needs. */
import type { Command } from 'commander'
import { sumOfBytes, sumOfObjects } from '../history/removable.js'
import type { VacuumResult } from '../history/vacuum.js'
import { UsageError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { untilSignal } from './interruptible.js'
import { bytesText, countOf } from './output/figures.js'
import type { CliShell } from './shell.js'

const DEFAULT_HOURS = 24

/** Adds `etl3 vacuum`. */
export function registerVacuum(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'vacuum',
    asks: 'delete what is found',
    summary: 'show what no reader sees and no run needs; delete it with --yes',
    description:
      'Shows old and failed runs, staged data, writes that were never ended and old scratch files, and in the analytics table old\nsnapshots, and data and metadata that nothing names; deletes them with --yes.\nThe partitions, the published run and a run that is working are never touched.',
    examples: [
      { call: 'etl3 vacuum', purpose: 'what could go, and how much it is' },
      { call: 'etl3 vacuum --yes --older-than 168', purpose: 'delete it, but leave what failed this week' },
    ],
  })
  shell
    .configOptions(command, [])
    .option(
      '--older-than <hours>',
      'failed runs, unfinished writes, scratch, replaced snapshots and unused files that are younger stay',
      String(DEFAULT_HOURS),
    )
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    const olderThanHours = hoursOf(call.options['olderThan'])
    const result = await untilSignal(
      call,
      (signal) => shell.services.vacuum({ config, delete: call.yes, olderThanHours, signal }),
      () => (call.yes ? 'the deletion was stopped; the same command goes on with it' : 'nothing was deleted'),
    )
    call.result(result, () =>
      [
        ...result.items.map(
          ({ reason, what, objects, bytes }) =>
            `${reason.padEnd(16)}  ${countOf(objects, 'object').padStart(16)}  ${bytesText(bytes).padStart(10)}  ${plainText(what)}`,
        ),
        result.items.length === 0
          ? nothingText(result, olderThanHours)
          : `${result.deleted ? 'deleted' : 'would delete'} ${countOf(result.objects, 'object')}, ${bytesText(result.bytes)}`,
      ].join('\n'),
    )
    if (!result.deleted && result.items.length > 0) call.notice('nothing was deleted; --yes deletes it')
  })
}

function nothingText({ tooYoung }: VacuumResult, olderThanHours: number): string {
  if (tooYoung.length === 0) return 'there is nothing to delete'
  const found = `${countOf(sumOfObjects(tooYoung), 'object')}, ${bytesText(sumOfBytes(tooYoung))}`
  return `there is nothing to delete yet: what was found (${found}) is younger than ${countOf(olderThanHours, 'hour')}; --older-than says another age`
}

function hoursOf(value: unknown): number {
  const hours = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (Number.isFinite(hours) && hours >= 0) return hours
  throw new UsageError('ETL3-US-20', `--older-than takes a number of hours, not ${JSON.stringify(value)}`, {
    hint: `Leave it out for ${DEFAULT_HOURS}.`,
  })
}
