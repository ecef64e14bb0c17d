/**
 * Temporal's share of a run's wall time: the time in which no activity of the run was executing, from the events of its
 * history. It begins when a worker takes the workflow's first task: how long a worker takes to load is in the time of
 * the command. It needs a server that outlives the run, so it is measured on one of its own.
 */
import { join } from 'node:path'
import { connectClient } from '../src/runtime/connection.js'
import { startDevServer, stopDevServer } from '../src/runtime/dev-server.js'
import { resultOf, runEtl3, writeConfig } from '../test/check-star/etl3-process.js'
import type { RunOptions } from './etl3-run.js'

/** Share, 0 … 1, of the time between the run's first task and its last event in which no activity ran. */
export async function temporalShare(options: Omit<RunOptions, 'workers'>): Promise<number> {
  const { installation, subject, folder, memoryLimitMb, chunkSize } = options
  const server = await startDevServer({
    cli: installation.temporalCli,
    dbFilename: join(folder, 'server.db'),
    port: 0,
    uiPort: 0,
    logFile: join(folder, 'server.log'),
    namespace: 'default',
  })
  try {
    const config = writeConfig({ folder, tables: subject.tables, chunkSize, memoryLimitMb })
    const env = { ETL3_TEMPORAL_ADDRESS: server.endpoint.address }
    const ended = await runEtl3({ ...installation, env }, ['run', '--config', config, '-o', 'json'])
    const result = resultOf(ended)
    if (!result) throw new Error(`etl3 run ended with ${ended.exitCode}: ${ended.lastWords}`)
    const client = await connectClient(server.endpoint, 10_000)
    try {
      const { events } = await client.workflow.getHandle(result.workflowId).fetchHistory()
      const taken = (events ?? []).findIndex((event) => event.workflowTaskStartedEventAttributes != null)
      return idleShare(
        (events ?? []).slice(taken).map((event) => ({
          atMs: millisecondsOf(event.eventTime),
          change:
            event.activityTaskStartedEventAttributes != null
              ? 1
              : event.activityTaskCompletedEventAttributes != null
                ? -1
                : 0,
        })),
      )
    } finally {
      await client.connection.close()
    }
  } finally {
    await stopDevServer(server.process)
  }
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
