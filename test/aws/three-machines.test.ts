/** A run that three machines share: workers with folders of their own, and only the bucket in common. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectClient } from '../../src/runtime/temporal/connection.js'
import { startDevServer, stopDevServer } from '../../src/runtime/temporal/dev-server.js'
import { livePollers } from '../../src/runtime/temporal/pollers.js'
import { findTemporalCli } from '../../src/runtime/temporal/temporal-cli.js'
import type { Tree } from '../check-star/tree.js'
import { Home } from '../e2e/support/home.js'
import { demoStar, type StarOnDisk } from '../e2e/support/stars.js'
import { until } from '../e2e/support/until.js'
import { type Moto, startMoto } from './moto.js'
import { S3Home } from './support/s3-home.js'
import { CREDENTIAL_VARIABLES, type S3Server, startVersitygw } from './support/servers.js'
import { uploadStar } from './support/upload-star.js'

/** The steps before the first unit take their time where the machine is busy. */
const PATIENCE_MS = 240_000

let server: S3Server
let glue: Moto
let star: StarOnDisk
let undisturbed: Tree

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  glue = await startMoto()
  process.env['AWS_ENDPOINT_URL_GLUE'] = glue.url
  star = await demoStar(400)
  await using inFolder = new Home(star.options)
  await inFolder.start().result()
  undisturbed = inFolder.tree
})

afterAll(async () => {
  await Promise.all([server.stop(), glue.stop()])
})

/** A Temporal server that no command looks after. */
async function temporalServer(
  folder: string,
): Promise<{ readonly address: string; readonly client: Client } & AsyncDisposable> {
  const { endpoint, process } = await startDevServer({
    cli: (await findTemporalCli()).path,
    dbFilename: join(folder, 'server.db'),
    port: 0,
    uiPort: 0,
    logFile: join(folder, 'server.log'),
    namespace: 'default',
  })
  const client = await connectClient(endpoint, 10_000)
  return {
    address: endpoint.address,
    client,
    async [Symbol.asyncDispose]() {
      await client.connection.close()
      await stopDevServer(process)
    },
  }
}

/** Types of the activities that took more than one attempt. */
async function repeated(client: Client, workflowId: string): Promise<(string | null | undefined)[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory()
  const scheduled = new Map(
    (events ?? []).map((event) => [
      String(event.eventId),
      event.activityTaskScheduledEventAttributes?.activityType?.name,
    ]),
  )
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started && Number(started.attempt) > 1 ? [scheduled.get(String(started.scheduledEventId))] : [],
  )
}

describe('three machines with one bucket', () => {
  it('finish a run with the same bytes after one of them is lost, which costs the unit that it was at and no other', async () => {
    await using home = await S3Home.make(server, star.options)
    await using temporal = await temporalServer(home.root)
    const input = await uploadStar(star, server.endpoint, home.bucket)
    const options = {
      star: input,
      input: { tables: { fact_rate: `${input}/gold/fact_rate*.parquet` } },
      // The limit of three workers, since the run is told of three.
      processing: { unit_seconds: 0.01, memory_limit_mb: 1536 },
      temporal: { address: temporal.address, task_queue: home.bucket, heartbeat_timeout_ms: 8_000 },
    }
    home.configure(options)
    await using stays = home.machine(options)
    await using staysToo = home.machine(options)
    await using isLost = home.machine(options)
    // Each stops in the middle of a unit: all are at work at the same time.
    const stop = { ETL3_FAILPOINT: 'write:partition@3', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' }
    const [, , lost] = [stays, staysToo, isLost].map((machine) => machine.start(stop, ['worker', '--max-workers', '1']))
    await until(
      'three workers that ask for work',
      async () => (await livePollers(temporal.client, home.bucket)).length > 2,
      PATIENCE_MS,
    )
    const run = home.start({}, ['run', '--max-workers', '3'])
    const [goesOn, goesOnToo, dies] = await Promise.race([
      Promise.all([
        stays.pidStoppedAt('write:partition', PATIENCE_MS),
        staysToo.pidStoppedAt('write:partition', PATIENCE_MS),
        isLost.pidStoppedAt('write:partition', PATIENCE_MS),
      ]),
      run.result().then(() => {
        throw new Error('the run has ended before three machines were at it')
      }),
    ])
    // The machine is gone with its processes and its disk.
    lost?.child.kill('SIGKILL')
    process.kill(dies, 'SIGKILL')
    rmSync(isLost.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    for (const pid of [goesOn, goesOnToo]) process.kill(pid, 'SIGCONT')

    expect((await run.result()).status).toBe('published')
    expect(home.tree).toEqual(undisturbed)
    expect(await repeated(temporal.client, home.workflowId)).toEqual(['writePartitions'])
    // Nobody else has helped: the command started no worker, and fetched nothing.
    expect(home.workers).toEqual([])
    expect(existsSync(join(home.root, 'scratch'))).toBe(false)
  })
})
