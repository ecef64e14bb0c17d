/** Who works on a task queue. */
import { hostname } from 'node:os'
import type { Client } from '@temporalio/client'
import { identifyProcess } from '../process-identity.js'
import { readWorkerIdentity } from '../worker-identity.js'

// A poll waits for up to a minute, and the server notes its beginning: a poller that was last seen longer ago is gone.
const LONGEST_POLL_MS = 70_000

// temporal.api.enums.v1.TaskQueueType
const TASK_QUEUE_TYPE_WORKFLOW = 1

/** Someone who polls a task queue, as the server remembers it: for minutes after it is gone. */
export interface Poller {
  /** As `runtime/worker-identity.ts` writes it, or the SDK's default: `pid@host`. */
  readonly identity: string
  readonly lastSeenMs: number
}

/** The identities of the workers that poll for workflows of a task queue now. */
export async function livePollers(client: Client, taskQueue: string): Promise<string[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
  })
  const now = Date.now()
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastSeenMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
    }))
    .filter((poller) => isLive(poller, now))
    .map(({ identity }) => identity)
}

/** Whether a poller still lives: exact for one of this machine, by age for one of another. */
export function isLive(
  poller: Poller,
  nowMs: number,
  lives: (pid: number) => boolean = (pid) => identifyProcess(pid) !== undefined,
): boolean {
  if (nowMs - poller.lastSeenMs > LONGEST_POLL_MS) return false
  const worker = readWorkerIdentity(poller.identity)
  return worker?.host === hostname() ? lives(worker.pid) : true
}
