/** `etl3 schedule`: runs that Temporal starts by itself. */
import type { Command } from 'commander'
import { UsageError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { workflowIdOf } from '../runtime/temporal/workflow-id.js'
import { Interrupted } from './exit-codes.js'
import { introductionOf } from './runs/run-introduction.js'
import type { ScheduleState, Schedules } from './runs/schedules.js'
import type { CliCall, CliShell } from './shell.js'

const DEFAULT_TIME_ZONE = 'UTC'

const SERVER = `It needs a server that stays: the configured one, or one at 127.0.0.1:7233 ('etl3 dev'), and a worker ('etl3 worker').`

/** Adds `etl3 schedule` and its commands. */
export function registerSchedule(program: Command, shell: CliShell): void {
  const schedule = program
    .command('schedule')
    .summary('have Temporal start runs by itself')
    .description(`Schedules on the Temporal server. A run that would overlap the one before is skipped.\n${SERVER}`)
  addCreate(schedule, shell)
  addList(schedule, shell)
  addOne(schedule, shell, {
    name: 'describe',
    summary: 'when a schedule starts runs, and which ones it started',
    description: 'Says when a schedule starts runs, and which ones it has started.',
    act: async (call, schedules, id) => show(call, await schedules.describe(id)),
  })
  addOne(schedule, shell, {
    name: 'pause',
    summary: 'start no more runs until it is unpaused',
    description: 'Starts no more runs until the schedule is unpaused.',
    act: async (call, schedules, id) => {
      await schedules.pause(id, 'paused by etl3 schedule pause')
      show(call, await schedules.describe(id))
    },
  })
  addOne(schedule, shell, {
    name: 'unpause',
    summary: 'start runs again',
    description: 'Lets a paused schedule start runs again.',
    act: async (call, schedules, id) => {
      await schedules.unpause(id, 'unpaused by etl3 schedule unpause')
      show(call, await schedules.describe(id))
    },
  })
  addOne(schedule, shell, {
    name: 'delete',
    summary: 'delete a schedule; a run that is going on is left alone',
    description: 'Deletes a schedule. A run that is going on is left alone.',
    asks: 'delete it without asking',
    act: async (call, schedules, id) => {
      await confirm(call, await schedules.describe(id))
      await schedules.delete(id)
      call.result({ formatVersion: 1, id, deleted: true }, `deleted schedule ${plainText(id)}`)
    },
  })
}

function addCreate(parent: Command, shell: CliShell): void {
  const command = shell.command(parent, {
    name: 'create',
    summary: 'start a run at the times of a cron expression',
    description: `Has Temporal start 'etl3 run' with this configuration at the times of a cron expression.\n${SERVER}\nThe worker reads the configuration file under the same path; values of flags and ETL3_* variables are kept in the schedule.`,
    examples: [
      { call: 'etl3 schedule create --cron "0 3 * * *"', purpose: 'every night at three, UTC' },
      {
        call: 'etl3 schedule create --cron "30 6 * * MON-FRI" --time-zone America/New_York --id weekdays',
        purpose: 'on working days, by the clock of New York',
      },
    ],
  })
  shell
    .configOptions(command)
    .requiredOption('--cron <expression>', 'minute, hour, day of month, month, day of week')
    .option('--time-zone <zone>', `IANA name of the zone of these times (default: ${DEFAULT_TIME_ZONE})`)
    .option('--id <id>', "name of the schedule (default: the workflow id of the output's runs)")
    .option('--paused', 'start nothing until it is unpaused')
  shell.action(command, async (call) => {
    const resolved = await call.loadConfig()
    const { config } = resolved
    const { inputOf, requestOf } = await import('./runs/run-request.js')
    const { summary, details } = introductionOf(resolved, 'run')
    const workflowId = workflowIdOf(config)
    const { cron, timeZone, id, paused } = call.options
    await withSchedules(shell, config, async (schedules) => {
      const created = await schedules.create({
        id: textOf(id) ?? workflowId,
        cron: textOf(cron) ?? '',
        timeZone: textOf(timeZone) ?? DEFAULT_TIME_ZONE,
        paused: paused === true,
        run: {
          workflowId,
          input: inputOf(resolved, 'run'),
          request: requestOf(resolved, 'run'),
          summary: `scheduled ${summary}`,
          details,
        },
      })
      call.notice(`its runs wait for a worker on the task queue ${plainText(schedules.taskQueue)}`)
      show(call, created)
    })
  })
}

function addList(parent: Command, shell: CliShell): void {
  const command = shell.command(parent, {
    name: 'list',
    summary: 'all schedules of ETL3 on the server',
    description: 'Lists all schedules of ETL3 on the server.',
    examples: [{ call: 'etl3 schedule list', purpose: 'what starts when?' }],
  })
  shell.configOptions(command, [])
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    await withSchedules(shell, config, async (schedules) => {
      const found = await schedules.list()
      call.result({ formatVersion: 1, schedules: found }, () =>
        found.length === 0 ? 'there is no schedule' : found.map((one) => linesOf(one, call).join('\n')).join('\n'),
      )
    })
  })
}

interface OneCommand {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly asks?: string
  act(call: CliCall, schedules: Schedules, id: string): Promise<void>
}

/** A command about one schedule. */
function addOne(parent: Command, shell: CliShell, { name, summary, description, asks, act }: OneCommand): void {
  const command = shell.command(parent, {
    name,
    summary,
    description,
    ...(asks === undefined ? {} : { asks }),
    examples: [
      { call: `etl3 schedule ${name}`, purpose: 'the schedule of the configured output' },
      { call: `etl3 schedule ${name} --id weekdays`, purpose: 'one by its name' },
    ],
  })
  shell
    .configOptions(command, [])
    .option('--id <id>', "name of the schedule (default: the workflow id of the output's runs)")
  shell.action(command, async (call) => {
    const { config } = await call.loadConfig()
    const id = textOf(call.options['id']) ?? workflowIdOf(config)
    await withSchedules(shell, config, (schedules) => act(call, schedules, id))
  })
}

async function withSchedules(
  shell: CliShell,
  config: Parameters<CliShell['services']['openSchedules']>[0],
  act: (schedules: Schedules) => Promise<void>,
): Promise<void> {
  const schedules = await shell.services.openSchedules(config)
  try {
    await act(schedules)
  } finally {
    await schedules.close()
  }
}

async function confirm({ io, yes }: CliCall, { id, cron }: ScheduleState): Promise<void> {
  if (yes) return
  if (!io.ask) {
    throw new UsageError('ETL3-CL-11', `nobody can be asked whether schedule '${id}' is to be deleted`, {
      hint: 'Add --yes.',
    })
  }
  const answer = await io.ask(
    `Delete schedule ${plainText(id)}${cron === undefined ? '' : ` (${plainText(cron)})`}? [y/N] `,
  )
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interrupted('SIGINT', 'nothing was deleted')
}

function show(call: CliCall, schedule: ScheduleState): void {
  call.result({ formatVersion: 1, ...schedule }, () => linesOf(schedule, call).join('\n'))
}

function linesOf({ id, cron, timeZone, paused, note, next, recent }: ScheduleState, { palette }: CliCall): string[] {
  const state = paused ? palette.yellow('paused') : palette.green('active')
  return [
    `${palette.bold(plainText(id))}  ${plainText(cron ?? 'times of its own')} (${plainText(timeZone)})  ${state}${note === '' ? '' : `: ${plainText(note)}`}`,
    ...(next.length === 0 || paused ? [] : [`  next    ${next.slice(0, 3).join(', ')}`]),
    ...recent.map(({ at, workflowId }) => `  ran     ${at}  ${plainText(workflowId)}`),
  ]
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
