/** The port {@link Runs} over a Temporal server. Imported lazily: Temporal's client takes most of a second to load. */
import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { z } from 'zod'
import { checkInput } from '../../config/input-check.js'
import { resolveInput } from '../../config/workflow-overrides.js'
import { type Etl3Input, progressQuery, type RunResult, resumeUpdate, WORKFLOW_TYPE } from '../../contract/messages.js'
import { messageOf, UnavailableError } from '../../runtime/errors.js'
import { maskUserinfo } from '../../runtime/secrets.js'
import { livePollers } from '../../runtime/temporal/pollers.js'
import { type Heartbeat, parseHeartbeat } from './heartbeat.js'
import { type LiveProgress, type Retry, withPendingWork } from './live-progress.js'
import { requestOf } from './run-request.js'
import type { OngoingRun, RunRequest, Runs, StartRun } from './runs.js'

/** Name of the memo field that holds what the run was asked for. */
const MEMO_FIELD = 'etl3'
const QUERY_DEADLINE_MS = 5_000
const CALL_DEADLINE_MS = 15_000
/** How long a server may be away (restarted, moved) before the command gives up on it. */
const SERVER_AWAY_MS = 60_000
const RETRY_PAUSE_MS = 500

const requestSchema = z.object({
  mode: z.enum(['run', 'validate', 'plan']),
  settings: z.record(z.string(), z.string()),
})

type RunWorkflow = (input: Etl3Input) => Promise<RunResult>

/** The part of a session with a server that this adapter needs. */
export interface TemporalConnection {
  readonly client: Client
  readonly taskQueue: string
  readonly uiUrl: string | undefined
  readonly ownsServer: boolean
  readonly broken: Promise<Error>
  close(options: { readonly stopServer: boolean }): Promise<void>
}

/** Runs on a Temporal server. */
export class TemporalRuns implements Runs {
  /** Looks at a run's progress that have no answer yet. */
  readonly #looks = new Set<Promise<unknown>>()

  constructor(
    private readonly session: TemporalConnection,
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  get taskQueue(): string {
    return this.session.taskQueue
  }

  get uiUrl(): string | undefined {
    return this.session.uiUrl
  }

  get ownsServer(): boolean {
    return this.session.ownsServer
  }

  get broken(): Promise<Error> {
    return this.session.broken
  }

  async start(run: StartRun): Promise<OngoingRun | undefined> {
    try {
      const handle = await this.session.client.workflow.start<RunWorkflow>(WORKFLOW_TYPE, {
        workflowId: run.workflowId,
        taskQueue: this.taskQueue,
        args: [run.input],
        workflowIdConflictPolicy: 'FAIL',
        memo: { [MEMO_FIELD]: run.request },
        staticSummary: run.summary,
        staticDetails: run.details,
      })
      return this.#ongoing(handle, this.taskQueue, run.request)
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined
      throw error
    }
  }

  async ongoing(workflowId: string): Promise<OngoingRun | undefined> {
    try {
      return (await this.#running(workflowId)) ?? (await this.#scheduledRun(workflowId))
    } catch (cause) {
      if (!(cause instanceof ServiceError) && !isGrpcServiceError(cause)) throw cause
      throw new UnavailableError(
        'ETL3-CL-04',
        `the Temporal server does not say whether a run is going on [workflow=${workflowId}]: ${messageOf(cause)}`,
        { hint: 'It may be busy, or on its way down: call the command again.', cause },
      )
    }
  }

  async #running(workflowId: string): Promise<OngoingRun | undefined> {
    const { client } = this.session
    try {
      const found = await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
        client.workflow.getHandle(workflowId).describe(),
      )
      if (found.status.name !== 'RUNNING') return undefined
      const request = requestSchema.safeParse(found.memo?.[MEMO_FIELD])
      return this.#ongoing(
        client.workflow.getHandle<RunWorkflow>(workflowId),
        found.taskQueue,
        request.data ?? (await this.#requestByInput(workflowId, found.runId)),
      )
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  /** A schedule adds the time to the workflow id of each run that it starts. */
  async #scheduledRun(workflowId: string): Promise<OngoingRun | undefined> {
    const { client } = this.session
    const query = `ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${workflowId.replaceAll("'", "\\'")}-'`
    for await (const { workflowId: id } of client.workflow.list({ query, pageSize: 1 })) {
      const found = await this.#running(id)
      if (found) return found
    }
    return undefined
  }

  async close(options: { readonly stopServer: boolean }): Promise<void> {
    // The SDK tries a failed call again from a timer. On a connection that is closed by then it throws, where nobody can
    // catch it: a run that has ended well would end as an unexpected error. A look has a deadline, so this is short.
    await Promise.all(this.#looks)
    await this.session.close(options)
  }

  /** What a run was asked for that somebody started by hand, from the first event of its history. */
  async #requestByInput(workflowId: string, runId: string): Promise<RunRequest | undefined> {
    const { client } = this.session
    const { history } = await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
      client.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      }),
    )
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]
    if (!payload) return undefined
    try {
      const input = checkInput(defaultPayloadConverter.fromPayload(payload))
      return requestOf(resolveInput(input, this.env), input.mode ?? 'run')
    } catch {
      // Its configuration file may lie on another machine, or be gone.
      return undefined
    }
  }

  async #look(handle: WorkflowHandle<RunWorkflow>): Promise<LiveProgress | undefined> {
    try {
      return await this.session.client.withDeadline(Date.now() + QUERY_DEADLINE_MS, async () => {
        const progress = await handle.query(progressQuery)
        // Afterwards: a unit that ended in between is missing for one look, and never counted twice.
        const { heartbeats, retries } = await pendingWorkOf(handle)
        return { ...withPendingWork(progress, heartbeats), retries }
      })
    } catch {
      // No worker, or one that is busy, or a server on its way up: the next look may find it.
      return undefined
    }
  }

  #ongoing(handle: WorkflowHandle<RunWorkflow>, taskQueue: string, request: RunRequest | undefined): OngoingRun {
    const { client } = this.session
    return {
      workflowId: handle.workflowId,
      taskQueue,
      request,
      result: () => resultOf(handle),
      progress: async () => {
        const look = this.#look(handle)
        this.#looks.add(look)
        return await look.finally(() => this.#looks.delete(look))
      },
      async workers() {
        try {
          return await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () => livePollers(client, taskQueue))
        } catch {
          return undefined
        }
      },
      async cancel() {
        await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () => handle.cancel())
      },
      async unpause() {
        await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () => handle.executeUpdate(resumeUpdate))
      },
    }
  }
}

/** What the activities that are pending said last, and those of them that are tried again. */
async function pendingWorkOf(handle: WorkflowHandle): Promise<{ heartbeats: Heartbeat[]; retries: Retry[] }> {
  const { raw } = await handle.describe()
  const pending = raw.pendingActivities ?? []
  const heartbeats = pending.flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? []
    return (payload && parseHeartbeat(defaultPayloadConverter.fromPayload(payload))) ?? []
  })
  const retries = pending.flatMap(({ activityType, attempt, lastFailure }) => {
    const reason = maskUserinfo(lastFailure?.message ?? '')
    return reason === '' ? [] : [{ step: activityType?.name ?? '', attempt: attempt ?? 1, reason }]
  })
  return { heartbeats, retries }
}

async function resultOf(handle: WorkflowHandle<RunWorkflow>): Promise<RunResult> {
  let awaySince: number | undefined
  for (;;) {
    const askedAt = Date.now()
    try {
      return await handle.result()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      // An answer that took long was a long poll that broke, so the server had been there.
      if (awaySince === undefined || Date.now() - askedAt > SERVER_AWAY_MS) awaySince = Date.now()
      if (Date.now() - awaySince > SERVER_AWAY_MS) {
        throw new UnavailableError(
          'ETL3-CL-04',
          `the Temporal server does not answer any more [workflow=${handle.workflowId}]`,
          { hint: 'The run goes on when the server is back; the same command finds it again.', cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS))
    }
  }
}
