/** The port {@link Schedules} over a Temporal server. Imported lazily, as `temporal-runs.ts`. */
import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleSummary,
} from '@temporalio/client'
import type { Config } from '../../config/schema.js'
import { WORKFLOW_TYPE } from '../../contract/messages.js'
import { ConflictError, UnavailableError, UsageError } from '../../runtime/errors.js'
import { type Environment, stateFolder } from '../../runtime/state-folder.js'
import { answers, configuredEndpoint, connectClient, standardEndpoint } from '../../runtime/temporal/connection.js'
import { taskQueueAt } from '../../runtime/temporal/task-queue.js'
import { workflowIdOf } from '../../runtime/temporal/workflow-id.js'
import type { NewSchedule, ScheduleState, Schedules } from './schedules.js'

const CALL_DEADLINE_MS = 15_000
const CATCH_UP = '1 hour'
const MOST_SHOWN = 5
// google.rpc.Code
const INVALID_ARGUMENT = 3

/**
 * Connects to the configured server, else to the one at the default address. A private server is none: it ends with its
 * run.
 * @throws UnavailableError ETL3-TP-01 when a configured one does not answer, ETL3-TP-09 when none is configured and none
 *   answers
 */
export async function openSchedules(config: Config, env: Environment): Promise<Schedules> {
  const { temporal } = config
  const configured = configuredEndpoint(temporal)
  const endpoint = configured ?? standardEndpoint(temporal)
  // Nobody waits for a server that nobody named.
  if (!configured && !(await answers(endpoint, CALL_DEADLINE_MS))) {
    throw new UnavailableError(
      'ETL3-TP-09',
      `schedules live on a Temporal server that stays, and there is none [looked at=${endpoint.address}]`,
      { hint: 'Name one in temporal.address or TEMPORAL_ADDRESS, or start one with `etl3 dev`.' },
    )
  }
  const taskQueue = taskQueueAt(endpoint, temporal, stateFolder(workflowIdOf(config), env))
  return new TemporalSchedules(await connectClient(endpoint, temporal.connect_timeout_ms), endpoint.address, taskQueue)
}

class TemporalSchedules implements Schedules {
  constructor(
    private readonly client: Client,
    readonly address: string,
    readonly taskQueue: string,
  ) {}

  async create({ id, cron, timeZone, run, paused }: NewSchedule): Promise<ScheduleState> {
    try {
      await this.#call(() =>
        this.client.schedule.create({
          scheduleId: id,
          spec: { cronExpressions: [cron], timezone: timeZone },
          action: {
            type: 'startWorkflow',
            workflowType: WORKFLOW_TYPE,
            workflowId: run.workflowId,
            taskQueue: this.taskQueue,
            args: [run.input],
            memo: { etl3: run.request },
            staticSummary: run.summary,
            staticDetails: run.details,
          },
          policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
          // The server keeps the times in a form of its own.
          memo: { cron },
          state: { paused },
        }),
      )
    } catch (cause) {
      if (cause instanceof ScheduleAlreadyRunning) {
        throw new ConflictError('ETL3-CL-08', `there is a schedule '${id}' already [server=${this.address}]`, {
          hint: 'Delete it first, or give this one another --id.',
          cause,
        })
      }
      const refusal = refusalIn(cause)
      if (refusal !== undefined) {
        throw new UsageError(
          'ETL3-CL-09',
          `the server takes no such schedule [cron=${cron}, zone=${timeZone}]: ${refusal}`,
          { hint: 'Five fields, as in "0 3 * * MON-FRI", and a zone such as Europe/Berlin.', cause },
        )
      }
      throw cause
    }
    return await this.describe(id)
  }

  async list(): Promise<ScheduleState[]> {
    return await this.#call(async () => {
      const found: ScheduleState[] = []
      for await (const schedule of this.client.schedule.list()) {
        if (schedule.action?.workflowType === WORKFLOW_TYPE) found.push(stateOf(schedule))
      }
      return found.sort((a, b) => (a.id < b.id ? -1 : 1))
    })
  }

  async describe(id: string): Promise<ScheduleState> {
    return stateOf(await this.#known(id, (handle) => handle.describe()))
  }

  async pause(id: string, note: string): Promise<void> {
    await this.#known(id, (handle) => handle.pause(note))
  }

  async unpause(id: string, note: string): Promise<void> {
    await this.#known(id, (handle) => handle.unpause(note))
  }

  async delete(id: string): Promise<void> {
    await this.#known(id, (handle) => handle.delete())
  }

  async close(): Promise<void> {
    await this.client.connection.close()
  }

  async #known<T>(id: string, act: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<T>): Promise<T> {
    try {
      return await this.#call(() => act(this.client.schedule.getHandle(id)))
    } catch (cause) {
      if (!(cause instanceof ScheduleNotFoundError)) throw cause
      throw new UsageError('ETL3-CL-10', `there is no schedule '${id}' [server=${this.address}]`, {
        hint: "'etl3 schedule list' shows those that are there; --id names one.",
        cause,
      })
    }
  }

  async #call<T>(act: () => Promise<T>): Promise<T> {
    return await this.client.withDeadline(Date.now() + CALL_DEADLINE_MS, act)
  }
}

/** What the server says of times or a zone that it finds wrong; undefined for any other error. */
function refusalIn(error: unknown): string | undefined {
  // The SDK makes a TypeError of "Invalid schedule spec"; other wrong arguments stay what they are, as a cause.
  if (error instanceof TypeError) return error.message
  const cause = error instanceof Error ? error.cause : undefined
  return isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT ? cause.details : undefined
}

function stateOf({ scheduleId, spec, memo, state, info }: ScheduleDescription | ScheduleSummary): ScheduleState {
  const cron = memo?.['cron']
  return {
    id: scheduleId,
    cron: typeof cron === 'string' ? cron : undefined,
    timeZone: spec?.timezone ?? 'UTC',
    paused: state.paused,
    note: state.note ?? '',
    next: info.nextActionTimes.slice(0, MOST_SHOWN).map((at) => at.toISOString()),
    recent: info.recentActions
      .map(({ takenAt, action }) => ({ at: takenAt.toISOString(), workflowId: action.workflow.workflowId }))
      .reverse()
      .slice(0, MOST_SHOWN),
  }
}
