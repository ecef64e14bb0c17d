/** A Temporal server of the test's own, with a worker of ETL3 for it: what somebody has who starts runs by hand. */
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { connectClient } from '../../../src/runtime/temporal/connection.js'
import { startDevServer, stopDevServer } from '../../../src/runtime/temporal/dev-server.js'
import { findTemporalCli } from '../../../src/runtime/temporal/temporal-cli.js'
import type { Home } from './home.js'

/** What a test gets. */
export interface OwnServer {
  readonly client: Client
  readonly address: string
  /** Path of the Temporal CLI. */
  readonly cli: string
}

/** Starts a server that suggests to continue as new after so many events, and `etl3 worker`; ends both after `use`. */
export async function withOwnServer<T>(
  home: Home,
  suggestContinueAsNewAfter: number,
  use: (server: OwnServer) => Promise<T>,
): Promise<T> {
  const { path: cli } = await findTemporalCli()
  const server = await startDevServer({
    cli,
    dbFilename: join(home.root, 'server.db'),
    port: 0,
    uiPort: 0,
    logFile: join(home.root, 'server.log'),
    namespace: 'default',
    suggestContinueAsNewAfter,
  })
  const { address } = server.endpoint
  const worker = home.start({ ETL3_TEMPORAL_ADDRESS: address, ETL3_TEMPORAL_TASK_QUEUE: 'etl3' }, ['worker'])
  const client = await connectClient(server.endpoint, 10_000)
  try {
    return await use({ client, address, cli })
  } finally {
    await client.connection.close()
    worker.child.kill('SIGTERM')
    await worker.exited
    await stopDevServer(server.process)
  }
}
