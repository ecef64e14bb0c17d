/** Finds the server that the runs of an output are on, without starting anything. */

import { stateFolder } from '../../runtime/state-folder.js'
import {
  configuredEndpoint,
  connectClient,
  type Endpoint,
  isOpen,
  standardEndpoint,
} from '../../runtime/temporal/connection.js'
import { runningPrivateServer } from '../../runtime/temporal/private-server.js'
import { taskQueueAt } from '../../runtime/temporal/task-queue.js'
import type { OpenRunsOptions, Runs } from './runs.js'
import { TemporalRuns } from './temporal-runs.js'

const LOOK_TIMEOUT_MS = 2_000

/**
 * In the order in which a session looks: the configured server, the private one of this output, one at the default
 * address. Undefined when there is none; one that is slow is there.
 * @throws UnavailableError ETL3-TP-01 when a server that is configured, or that is there, does not answer in time
 */
export async function findRuns(
  { config, workflowId }: OpenRunsOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Runs | undefined> {
  const { temporal } = config
  const folder = stateFolder(workflowId, env)
  const connect = async (endpoint: Endpoint, timeoutMs: number, uiUrl?: string): Promise<Runs> => {
    const client = await connectClient(endpoint, timeoutMs)
    const session = {
      client,
      taskQueue: taskQueueAt(endpoint, temporal, folder),
      uiUrl,
      ownsServer: false,
      broken: new Promise<never>(() => {}),
      close: async () => await client.connection.close(),
    }
    return new TemporalRuns(session, env)
  }
  const configured = configuredEndpoint(temporal)
  if (configured) return await connect(configured, temporal.connect_timeout_ms)

  const own = runningPrivateServer(folder)
  // A process that lives and a port that is open are a server that is there, however long it takes to answer.
  if (own && (await isOpen(own.endpoint, LOOK_TIMEOUT_MS))) {
    return await connect(own.endpoint, temporal.connect_timeout_ms, own.uiUrl)
  }
  const standard = standardEndpoint(temporal)
  return (await isOpen(standard, LOOK_TIMEOUT_MS)) ? await connect(standard, temporal.connect_timeout_ms) : undefined
}
