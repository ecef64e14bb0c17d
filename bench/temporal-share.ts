/**
 * Temporal's share of a run's wall time: the time in which no activity of the run was executing, from the events of its
 * history. It begins when a worker takes the workflow's first task: how long a worker takes to load is in the time of
 * the command. The private server is opened once more over the history that the run left.
 */
import type { Client, WorkflowHandle } from '@temporalio/client'
import { stateFolder } from '../src/runtime/state-folder.js'
import { connectClient } from '../src/runtime/temporal/connection.js'
import { openPrivateServer, stopPrivateServer } from '../src/runtime/temporal/private-server.js'
import type { Installation } from '../test/check-star/etl3-process.js'

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>

/** Share, 0 … 1, of the time between the table's first run's first task and its last event in which no activity ran. */
export async function temporalShare(installation: Installation, workflowId: string): Promise<number> {
  const events = await firstHistory(installation, workflowId)
  const taken = events.findIndex((event) => event.workflowTaskStartedEventAttributes != null)
  return idleShare(
    events.slice(taken).map((event) => ({
      atMs: millisecondsOf(event.eventTime),
      change:
        event.activityTaskStartedEventAttributes != null
          ? 1
          : event.activityTaskCompletedEventAttributes != null
            ? -1
            : 0,
    })),
  )
}

/** The events of a table's first run (of its first execution, where it was continued as new). */
export async function firstHistory(installation: Installation, workflowId: string): Promise<HistoryEvents> {
  const folder = stateFolder(workflowId, { ETL3_STATE_DIR: installation.stateDir })
  const cli = (): Promise<string> => Promise.resolve(installation.temporalCli)
  const { endpoint } = await openPrivateServer({ folder, namespace: 'default', cli })
  try {
    const client = await connectClient(endpoint, 10_000)
    try {
      const { events } = await client.workflow
        .getHandle(workflowId, await firstRunId(client, workflowId))
        .fetchHistory()
      return events ?? []
    } finally {
      await client.connection.close()
    }
  } finally {
    await stopPrivateServer(folder, { wait: true })
  }
}

async function firstRunId(client: Client, workflowId: string): Promise<string> {
  const runs: { readonly id: string; readonly began: Date }[] = []
  for await (const { runId, startTime } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    runs.push({ id: runId, began: startTime })
  }
  const [first] = runs.toSorted((a, b) => a.began.getTime() - b.began.getTime())
  if (!first) throw new Error(`the server knows no run of ${workflowId}`)
  return first.id
}

/** An event of a history: when, and by how much it changes the number of activities that run. */
interface HistoryEvent {
  readonly atMs: number
  readonly change: number
}

function idleShare(events: readonly HistoryEvent[]): number {
  const ordered = events.toSorted((a, b) => a.atMs - b.atMs)
  let running = 0
  let idleMs = 0
  let lastMs = ordered[0]?.atMs ?? 0
  for (const { atMs, change } of ordered) {
    if (running === 0) idleMs += atMs - lastMs
    running += change
    lastMs = atMs
  }
  return idleMs / (lastMs - (ordered[0]?.atMs ?? 0))
}

function millisecondsOf(
  time: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined,
): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6
}
