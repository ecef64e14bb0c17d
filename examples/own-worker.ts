/**
 * A worker of your own that serves ETL3's workflow and activities beside yours, and a run that is started from the same
 * program. It uses the server that TEMPORAL_ADDRESS names (default: 127.0.0.1:7233) and the configuration that the first
 * argument names.
 *
 * ```sh
 * npx tsc examples/own-worker.ts --module nodenext --target es2023 --skipLibCheck --outDir build
 * node --expose-gc build/own-worker.js config/etl3.yaml
 * ```
 */
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import {
  createEmbeddedActivities,
  type Etl3Input,
  loadConfig,
  type RunResult,
  WORKFLOW_TYPE,
  workflowBundle,
  workflowIdOf,
} from 'etl3'

const address = process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233'
const file = process.argv[2] ?? 'config/etl3.yaml'
const taskQueue = 'my-own-queue'

const { config } = loadConfig({ file, env: process.env })

// The SDK's own log, quiet.
Runtime.install({ telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } } })
const { activities, close } = createEmbeddedActivities({
  memoryLimitMb: config.processing.memory_limit_mb,
  scratch: config.processing.scratch,
})
const connection = await NativeConnection.connect({ address })
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle: workflowBundle(),
  activities: { ...activities /* , ...activities of yours */ },
  // The memory is split for one activity at a time.
  maxConcurrentActivityTaskExecutions: 1,
  shutdownGraceTime: '30 s',
})

await worker.runUntil(async () => {
  const client = new Client({ connection: await Connection.connect({ address }) })
  const input: Etl3Input = { config: file, mode: 'plan' }
  const handle = await client.workflow.start<(input: Etl3Input) => Promise<RunResult>>(WORKFLOW_TYPE, {
    taskQueue,
    // One id for each output: two runs of one table cannot go on at once.
    workflowId: workflowIdOf(config),
    args: [input],
  })
  const { status, rows, partitions } = await handle.result()
  process.stdout.write(`${status}: ${rows} rows in ${partitions.total} partitions\n`)
  await client.connection.close()
})
close()
await connection.close()
