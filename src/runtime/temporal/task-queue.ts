/**
 * On which task queue a table's runs wait for a worker. A worker reads files and credentials as they are where it was
 * started, so it must not get the work of somebody else who came upon the same server.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { configuredEndpoint, type Endpoint } from './connection.js'
import { runningPrivateServer } from './private-server.js'
import type { TemporalSettings } from './temporal-settings.js'

/** The task queue where the server was chosen: by configuration, or because it belongs to the table. */
export const DEFAULT_TASK_QUEUE = 'etl3'

const DIGEST_CHARACTERS = 16

/**
 * The configured task queue; {@link DEFAULT_TASK_QUEUE} on a configured server and on the table's own one (`etl3 dev`,
 * a private server); else, on a server that just happens to be there, one that only this state folder uses.
 * @param folder the table's state folder
 */
export function taskQueueAt(endpoint: Endpoint, temporal: TemporalSettings, folder: string): string {
  if (temporal.task_queue !== undefined) return temporal.task_queue
  const chosen =
    configuredEndpoint(temporal) !== undefined || runningPrivateServer(folder)?.endpoint.address === endpoint.address
  return chosen ? DEFAULT_TASK_QUEUE : ownTaskQueue(folder)
}

/** A task queue that only this state folder uses. */
export function ownTaskQueue(folder: string): string {
  const digest = createHash('sha256').update(resolve(folder)).digest('hex')
  return `${DEFAULT_TASK_QUEUE}:${digest.slice(0, DIGEST_CHARACTERS)}`
}
