/**
 * Records `histories/` anew from real runs of the built program. Needed when the workflow changes on purpose in a way
 * that runs which are under way could not follow. Arguments name the ones to record; without any it records all.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { pauseUpdate, resumeUpdate } from '../../src/contract/messages.js'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { countingLake } from '../aws/support/counting-lake.js'
import { S3Home } from '../aws/support/s3-home.js'
import { Home, type HomeOptions } from '../e2e/support/home.js'
import { withOwnServer } from '../e2e/support/own-server.js'
import { demoStar } from '../e2e/support/stars.js'
import { writeStar } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'
import { recordedHistory } from './recorded-history.js'

const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url))
const PROJECT = fileURLToPath(new URL('../../', import.meta.url))

async function save(name: string, home: Home, handle: WorkflowHandle): Promise<void> {
  const places = { [home.root]: '/etl3', [PROJECT]: '', [hostname()]: 'machine' }
  writeFileSync(join(HISTORIES, `${name}.json`), recordedHistory(await handle.fetchHistory(), places))
  process.stdout.write(`recorded ${name}\n`)
}

async function tinyHome(options: Partial<HomeOptions> = {}): Promise<Home> {
  const home = new Home({ star: 'star', ...options })
  await writeStar(join(home.root, 'star'), tinyStar())
  return home
}

async function full(): Promise<void> {
  await using home = await tinyHome()
  await home.start().result()
  await home.withHistory(async (handle) => await save('full', home, handle))
}

/** A run that keeps the analytics table as well. */
async function analytics(): Promise<void> {
  await using home = await tinyHome({
    output: { uri: 'lake/table', metadata_uri: 'lake/etl3', analytics: { enabled: true } },
  })
  await home.start().result()
  await home.withHistory(async (handle) => await save('analytics', home, handle))
}

async function unchanged(): Promise<void> {
  await using home = await tinyHome()
  await home.start().result()
  await home.start().result()
  await home.withHistory(async (handle) => await save('unchanged', home, handle))
}

async function failed(): Promise<void> {
  await using home = await tinyHome({ data_quality: { rules: { rate_range: { min: 100, max_share: 0 } } } })
  await home.start().failure(3)
  await home.withHistory(async (handle) => await save('failed', home, handle))
}

/** Stops at a place, does something to the run, and lets it go on. */
async function steered(home: Home, steer: (handle: WorkflowHandle) => Promise<void>): Promise<void> {
  const place = 'activity:checkQuality:start'
  const command = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
  const worker = await home.untilStopped(place)
  await home.withWorkflow(async (handle) => {
    const steering = steer(handle)
    signalProcess(worker, 'SIGCONT')
    await steering
  })
  await command.exited
}

async function paused(): Promise<void> {
  await using home = await tinyHome({ processing: { lock_lease_ms: 4_000 } })
  await steered(home, async (handle) => {
    await handle.executeUpdate(pauseUpdate)
    // Long enough that the lock is renewed meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await handle.executeUpdate(resumeUpdate)
  })
  await home.withHistory(async (handle) => await save('paused', home, handle))
}

async function cancelled(): Promise<void> {
  await using home = await tinyHome()
  await steered(home, async (handle) => {
    await handle.cancel()
  })
  await home.withHistory(async (handle) => await save('cancelled', home, handle))
}

async function continued(): Promise<void> {
  const star = await demoStar(100)
  await using home = new Home({
    ...star.options,
    processing: { unit_seconds: 0.01 },
    data_quality: { rules: { rate_range: { max_share: 1 } } },
  })
  await withOwnServer(home, 80, async ({ client }) => {
    const handle = await client.workflow.start('etl3', {
      taskQueue: 'etl3',
      workflowId: 'continued',
      args: [{ config: 'c.yaml' }],
    })
    await handle.result()
    const runs = await runsOf(client, 'continued')
    const [first] = runs
    const last = runs.at(-1)
    if (first === undefined || last === undefined || first === last) throw new Error('the run was not continued as new')
    await save('continued-first', home, client.workflow.getHandle('continued', first))
    await save('continued-last', home, client.workflow.getHandle('continued', last))
  })
}

/** A table on S3 whose rows Athena counts, after some looks. */
async function counted(): Promise<void> {
  await using lake = await countingLake()
  lake.athena.looksUntilDone = 3
  await using home = await S3Home.make(lake.s3, { star: 'star', athena: { count_rows: true, poll_ms: 100 } })
  await writeStar(join(home.root, 'star'), tinyStar())
  await home.start().result()
  await home.withHistory(async (handle) => await save('counted', home, handle))
}

/** Run ids of all executions of a workflow, oldest first. */
async function runsOf(client: Client, workflowId: string): Promise<string[]> {
  const runs: { readonly runId: string; readonly began: number }[] = []
  for await (const { runId, startTime } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    runs.push({ runId, began: startTime.getTime() })
  }
  return runs.sort((a, b) => a.began - b.began).map(({ runId }) => runId)
}

mkdirSync(HISTORIES, { recursive: true })
const wanted = process.argv.slice(2)
for (const record of [full, analytics, unchanged, failed, paused, cancelled, continued, counted]) {
  if (wanted.length === 0 || wanted.includes(record.name)) await record()
}
process.exit()
