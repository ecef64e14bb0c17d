import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import { connectClient } from '../../src/runtime/temporal/connection.js'
import { type DevServer, startDevServer, stopDevServer } from '../../src/runtime/temporal/dev-server.js'
import { missingSearchAttributes } from '../../src/runtime/temporal/search-attribute-registry.js'
import { findTemporalCli } from '../../src/runtime/temporal/temporal-cli.js'
import { FakeIo } from '../unit/cli/fake-io.js'
import { Home } from './support/home.js'
import { demoStar } from './support/stars.js'
import { until } from './support/until.js'

const before = process.cwd()
let server: DevServer
let home: Home

beforeAll(async () => {
  home = new Home((await demoStar(400)).options)
  // Paths of the configuration are relative.
  process.chdir(home.root)
  server = await startDevServer({
    cli: (await findTemporalCli()).path,
    dbFilename: join(home.root, 'server.db'),
    port: 0,
    uiPort: 0,
    logFile: join(home.root, 'server.log'),
    namespace: 'default',
  })
})

afterAll(async () => {
  process.chdir(before)
  await stopDevServer(server.process)
  await home[Symbol.asyncDispose]()
})

function env(): Record<string, string> {
  return { ETL3_TEMPORAL_ADDRESS: server.endpoint.address, ETL3_FAILPOINT: '' }
}

/** In this process, because starting one takes longer than all that these commands do. */
async function call(args: readonly string[]): Promise<{ code: number; answer: Record<string, unknown> }> {
  const io = new FakeIo(env())
  const code = await main([...args, '--config', 'c.yaml', '-o', 'json'], io)
  const answer: Record<string, unknown> = JSON.parse(io.stdout.text)
  return { code, answer }
}

async function schedule(...args: string[]): Promise<Record<string, unknown>> {
  const { code, answer } = await call(['schedule', ...args])
  expect(code, JSON.stringify(answer)).toBe(0)
  return answer
}

/** The error of a call that fails. */
async function refused(exitCode: number, ...args: string[]): Promise<unknown> {
  const { code, answer } = await call(['schedule', ...args])
  expect(code, JSON.stringify(answer)).toBe(exitCode)
  return answer['error']
}

describe('a schedule', () => {
  it('is created, paused, unpaused, listed and deleted', async () => {
    const created = await schedule(
      'create',
      '--cron',
      '30 6 * * MON-FRI',
      '--time-zone',
      'America/New_York',
      '--id',
      'weekdays',
    )
    expect(created).toMatchObject({
      id: 'weekdays',
      cron: '30 6 * * MON-FRI',
      timeZone: 'America/New_York',
      paused: false,
    })
    expect(await refused(6, 'create', '--cron', '0 3 * * *', '--id', 'weekdays')).toMatchObject({
      code: 'ETL3-CL-08',
    })
    expect(await schedule('pause', '--id', 'weekdays')).toMatchObject({
      paused: true,
      note: 'paused by etl3 schedule pause',
    })
    expect(await schedule('unpause', '--id', 'weekdays')).toMatchObject({ paused: false })
    expect(await schedule('list')).toMatchObject({ schedules: [{ id: 'weekdays', cron: '30 6 * * MON-FRI' }] })
    expect(await refused(2, 'delete', '--id', 'weekdays')).toMatchObject({
      code: 'ETL3-CL-11',
    })
    expect(await schedule('delete', '--id', 'weekdays', '--yes')).toMatchObject({ deleted: true })
    expect(await schedule('list')).toEqual({ formatVersion: 1, schedules: [] })
    expect(await refused(2, 'describe', '--id', 'weekdays')).toMatchObject({
      code: 'ETL3-CL-10',
    })
    expect(await refused(2, 'create', '--cron', 'now and then')).toMatchObject({
      code: 'ETL3-CL-09',
    })
  })

  it('starts a run that publishes, skips one that would overlap, and is found by status', async () => {
    await schedule('create', '--cron', '0 0 1 1 *')
    const client = await connectClient(server.endpoint, 10_000)
    const handle = client.schedule.getHandle(home.workflowId)
    expect((await handle.describe()).policies.overlap).toBe('SKIP')
    // No worker yet: the first run waits, and the second time finds it there.
    await handle.trigger('SKIP')
    await until('the first run', async () => (await handle.describe()).info.runningActions.length === 1)
    await handle.trigger('SKIP')
    expect((await call(['status'])).answer).toMatchObject({
      state: 'running',
      workflowId: expect.stringMatching(`^${home.workflowId}-`),
    })

    const worker = home.start(env(), ['worker', '--memory-limit', '640'])
    const watched = await home.start(env(), ['status', '--watch']).result()
    // The limit of the worker that did the work; the run itself was configured with 512.
    expect(watched).toMatchObject({ status: 'published', memoryLimitMb: 640 })
    expect(home.tree.size).toBe(watched.partitions.total)
    const { numActionsTaken, numActionsSkippedOverlap } = (await handle.describe()).info
    expect({ numActionsTaken, numActionsSkippedOverlap }).toEqual({ numActionsTaken: 1, numActionsSkippedOverlap: 1 })
    worker.child.kill('SIGTERM')
    await worker.exited
    await client.connection.close()
  })
})

describe('search attributes', () => {
  it('are known to a server that ETL3 starts, and doctor --fix registers one that is missing', async () => {
    const client = await connectClient(server.endpoint, 10_000)
    expect(await missingSearchAttributes(client)).toEqual([])
    await client.connection.operatorService.removeSearchAttributes({
      namespace: 'default',
      searchAttributes: ['Etl3Status', 'Etl3Rows'],
    })
    await until('the server to forget them', async () => (await missingSearchAttributes(client)).length === 2)
    const checks = async (...flags: string[]): Promise<unknown> => {
      const { answer } = await call(['doctor', ...flags])
      const all = Array.isArray(answer['checks']) ? answer['checks'] : []
      return all.find(({ check }) => check === 'search attributes')
    }
    expect(await checks()).toMatchObject({ verdict: 'warn', detail: expect.stringContaining('Etl3Status, Etl3Rows') })
    expect(await checks('--fix')).toMatchObject({ verdict: 'ok', detail: 'registered Etl3Status, Etl3Rows' })
    await until('the server to know them', async () => (await missingSearchAttributes(client)).length === 0)
    await client.connection.close()
  })
})
