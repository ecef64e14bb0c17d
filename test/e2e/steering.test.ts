import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Progress, pauseUpdate, progressQuery, resumeUpdate } from '../../src/contract/messages.js'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { Home } from './support/home.js'
import { withOwnServer } from './support/own-server.js'
import { demoStar, type StarOnDisk } from './support/stars.js'
import { until } from './support/until.js'

/** So many units that a pause finds some of them undone. */
const SMALL_UNITS = { unit_seconds: 0.01 }

let star: StarOnDisk
let reference: Home

beforeAll(async () => {
  star = await demoStar(400)
  reference = new Home(star.options)
  await reference.start().result()
})

afterAll(async () => {
  await reference[Symbol.asyncDispose]()
})

describe('a run that is steered from outside', () => {
  it.concurrent('pauses between units, says so, keeps its lock, and goes on when it is resumed', async () => {
    const place = 'activity:writePartitions:start'
    await using home = new Home({ ...star.options, processing: { ...SMALL_UNITS, lock_lease_ms: 4_000 } })
    await using elsewhere = home.elsewhere()
    const command = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped(place)
    const paused = home.withWorkflow(async (handle) => await handle.executeUpdate(pauseUpdate))
    signalProcess(worker, 'SIGCONT')
    expect(await paused).toBe(true)

    const progress = async (): Promise<Progress> =>
      await home.withWorkflow(async (handle) => await handle.query(progressQuery))
    let last = -1
    await until('the units at work to be finished', async () => {
      const { units } = await progress()
      const still = units.done === last && units.done > 0
      last = units.done
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return still
    })
    const { units, phase, paused: isPaused, rows, partitions } = await progress()
    expect({ phase, isPaused }).toEqual({ phase: 'write', isPaused: true })
    expect(units.total).toBeGreaterThan(3)
    expect(units.done).toBeLessThan(units.total)
    expect(rows.done).toBeLessThan(rows.total)
    expect(partitions.done).toBeLessThan(partitions.total)
    // Longer than the lease.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect((await progress()).units.done).toBe(units.done)
    expect(await elsewhere.start({ ETL3_FAILPOINT: '' }).failure(6)).toMatchObject({ code: 'ETL3-LK-01' })
    expect(home.tree.size).toBe(0)

    expect(await home.withWorkflow(async (handle) => await handle.executeUpdate(resumeUpdate))).toBe(false)
    await command.result()
    expect(home.tree).toEqual(reference.tree)
  })

  it.concurrent('is started by the Temporal CLI where a worker waits, and continues as new when its history grows', async () => {
    await using home = new Home({ ...star.options, processing: SMALL_UNITS })
    await withOwnServer(home, 40, async ({ cli, address }) => {
      const temporal = async (...args: string[]): Promise<string> =>
        (await promisify(execFile)(cli, ['--address', address, 'workflow', ...args])).stdout
      const input = JSON.stringify({ config: 'c.yaml' })
      await temporal('start', '--type', 'etl3', '--task-queue', 'etl3', '--workflow-id', 'by-hand', '--input', input)
      const result: unknown = JSON.parse(await temporal('result', '--workflow-id', 'by-hand', '-o', 'json'))
      expect(result).toMatchObject({ status: 'COMPLETED', result: { status: 'published', workflowId: 'by-hand' } })
      expect(home.tree).toEqual(reference.tree)
      const listed: unknown[] = JSON.parse(await temporal('list', '-o', 'json', '--query', 'WorkflowId = "by-hand"'))
      expect(listed.length).toBeGreaterThan(1)
      expect(readFileSync(join(home.metadata, 'current.json'), 'utf8')).toContain('by-hand')
    })
  })

  it.concurrent("is shown by 'etl3 status' while it runs, also when no worker answers, and after it has published", async () => {
    await using home = new Home(star.options)
    const place = 'write:partition'
    const command = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped(place)
    const during = home.start({}, ['status'])
    expect(await during.exited).toBe(0)
    signalProcess(worker, 'SIGCONT')
    const { runId } = await command.result()
    expect(JSON.parse(during.stdout)).toMatchObject({ state: 'running', progress: null, published: null })
    const after = home.start({}, ['status'])
    expect(await after.exited).toBe(0)
    expect(JSON.parse(after.stdout)).toMatchObject({ state: 'published', published: { runId } })
  })
})
