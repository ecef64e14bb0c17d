/** Tells a worker that nobody needs it any more: no client is there and no workflow of its task queue is open. */
import type { Client } from '@temporalio/client'
import { present } from '../presence.js'

const LOOK_EVERY_MS = 1_000

// A server that can't be asked for this long does not come back by itself: only a client would start it again.
const SERVER_GONE_AFTER_MS = 60_000

/** What an idle watch needs. */
export interface IdleWatchOptions {
  readonly client: Client
  readonly taskQueue: string
  /** State folder in which clients are noted. */
  readonly folder: string
  readonly afterMs: number
}

/** Settles when the worker has been needless for `afterMs`, or its server is gone, or `signal` is aborted. */
export async function untilIdle(options: IdleWatchOptions, signal: AbortSignal): Promise<void> {
  let neededAt = Date.now()
  let answeredAt = Date.now()
  while (!signal.aborted) {
    await pause(LOOK_EVERY_MS, signal)
    if (present(options.folder, 'client').length > 0) {
      neededAt = answeredAt = Date.now()
      continue
    }
    const open = await countOpen(options)
    if (open !== undefined) answeredAt = Date.now()
    if (open !== 0) neededAt = Date.now()
    if (open === 0 && Date.now() - neededAt >= options.afterMs) return
    if (Date.now() - answeredAt >= SERVER_GONE_AFTER_MS) return
  }
}

/** Workflows of a task queue that are open; undefined when the server does not say. */
export async function countOpen({
  client,
  taskQueue,
}: Pick<IdleWatchOptions, 'client' | 'taskQueue'>): Promise<number | undefined> {
  try {
    const { count } = await client.connection.withDeadline(Date.now() + 5_000, () =>
      client.workflow.count(`ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue.replaceAll("'", "''")}'`),
    )
    return count
  } catch {
    return undefined
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
  })
}
