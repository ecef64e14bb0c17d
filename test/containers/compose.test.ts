/** The Compose file for real: what runs, as whom, with how much memory, and what comes back. */
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunResult } from '../../src/contract/messages.js'
import { splitBudget } from '../../src/runtime/worker/memory-budget.js'
import type { Tree } from '../check-star/tree.js'
import { until } from '../e2e/support/until.js'
import type { Container } from './container.js'
import { fillUntilKilled } from './memory-hog.js'
import { podman, run } from './programs.js'
import { ONE_SHOTS, SERVICES, Stack } from './stack.js'

const BYTES_PER_MB = 1024 * 1024
const MEMORY_LIMIT_MB = 1024

/** User of the images, without rights on this machine. */
const USER = 1000

const stack = new Stack()
const worker = stack.container('worker')
let undisturbed: { readonly result: RunResult; readonly tree: Tree }

beforeAll(async () => {
  await stack.up()
  undisturbed = { result: await stack.run('undisturbed'), tree: await stack.tree('undisturbed') }
})

afterAll(async () => {
  await stack[Symbol.asyncDispose]()
})

describe('docker compose up, docker compose run etl3 run', () => {
  it('publishes the demo star', () => {
    const { status, facts, rows, partitions } = undisturbed.result
    expect({ status, facts }).toEqual({ status: 'published', facts: 50_000 })
    expect(rows).toBeGreaterThan(facts)
    expect(undisturbed.tree.size).toBe(partitions.total)
  })

  it('turns every service healthy', async () => {
    for (const service of SERVICES) {
      expect(await stack.container(service).inspect('{{ .State.Health.Status }}')).toBe('healthy')
    }
  })

  it('calls a worker sick that gives no sign of life for half a minute', async () => {
    const { pid } = await worker.process('worker.js')
    process.kill(pid, 'SIGSTOP')
    try {
      expect(await passesHealthCheck(worker)).toBe(true)
      await podman('exec', worker.name, 'sh', '-c', 'touch -d "-31 seconds" "$ETL3_STATE_DIR"/worker/*/alive-*')
      expect(await passesHealthCheck(worker)).toBe(false)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await worker.untilHealthy()
  })

  it('keeps the worker under its mem_limit', async () => {
    const { limit, peak, kills } = await worker.memory()
    expect(limit).toBe(MEMORY_LIMIT_MB * BYTES_PER_MB)
    expect(peak).toBeLessThan(limit)
    expect(kills).toBe(0)
    // The rest is for the command that watches over it.
    const { nodeHeapMb } = splitBudget(MEMORY_LIMIT_MB - 64, 1)
    expect((await worker.process('worker.js')).command).toContain(`--max-old-space-size=${nodeHeapMb} `)
    expect(undisturbed.result.peakMemoryMb).toBeLessThan(MEMORY_LIMIT_MB)
  })

  it('does nothing the second time', async () => {
    const again = await stack.run('undisturbed')
    expect(again.status).toBe('unchanged')
  })
})

describe('rights', () => {
  it('runs nothing as root, and nothing with a capability', async () => {
    for (const service of SERVICES) await expectWithoutRights(stack.container(service))
    for (const service of ONE_SHOTS) expect(await userOf(stack.container(service))).toBe('1000:1000')
  })

  it('writes nowhere but in volumes', async () => {
    for (const service of [...SERVICES, ...ONE_SHOTS]) {
      const container = stack.container(service)
      expect(await container.inspect('{{ .HostConfig.ReadonlyRootfs }}')).toBe('true')
      expect(await writtenPaths(container)).toEqual([])
    }
    const attempt = await run('podman', ['exec', worker.name, 'touch', '/home/node/anything'])
    expect(attempt.code).not.toBe(0)
    expect(attempt.stderr).toContain('Read-only file system')
  })
})

describe('docker compose --profile athena up', () => {
  it('has Trino find every row of all tables, without rights, in its memory', async () => {
    const trino = await stack.upTrino()
    const { rows, partitions, analytics } = undisturbed.result
    for (const table of ['undisturbed', 'undisturbed_projected']) {
      const sql = `SELECT count(*), count(DISTINCT "$path") FROM lake.healthcare_data_lake.${table}`
      expect(await podman('exec', trino.name, 'trino', '--execute', sql)).toBe(`"${rows}","${partitions.total}"`)
    }
    for (const catalog of ['iceberg', 'lake']) {
      const sql = `SELECT count(*), count(DISTINCT "$path") FROM ${catalog}.healthcare_data_lake.undisturbed_iceberg`
      expect(await podman('exec', trino.name, 'trino', '--execute', sql)).toBe(`"${rows}","${analytics?.files}"`)
    }
    await expectWithoutRights(trino)
    expect(await writtenPaths(trino)).toEqual([])
    const { limit, peak, kills } = await trino.memory()
    expect(peak).toBeLessThan(limit)
    expect(kills).toBe(0)
    // It would take the others' share of the machine.
    await podman('stop', trino.name)
  })
})

describe('a worker that comes back', () => {
  it('goes on to the same bytes after it was killed for memory, and after its container died', async () => {
    const struck = join(await stack.volume('work'), 'struck')
    mkdirSync(struck)
    chownSync(struck, USER, USER)
    await stack.withWorkerVariables('test/containers/disturbed.compose.yaml')
    const running = stack.run('disturbed')
    await ended(running, async () => {
      await untilStoppedAt(struck, 'write:partition')
      for (const container of await stack.commandContainers()) await expectWithoutRights(container)
      await fillUntilKilled(worker, await worker.process('worker.js'))

      await untilStoppedAt(struck, 'publish:partition')
      process.kill(Number(await worker.inspect('{{ .State.Pid }}')), 'SIGKILL')
    })

    expect((await running).status).toBe('published')
    expect(await stack.tree('disturbed')).toEqual(undisturbed.tree)
    expect(Number(await worker.inspect('{{ .RestartCount }}'))).toBeGreaterThan(0)
    await worker.untilHealthy()
  })

  it('goes on to the same bytes after it was stopped and started', async () => {
    const running = stack.run('stopped')
    const written = join(await stack.prefix('stopped', 'etl3'), 'runs')
    await ended(running, async () => {
      await until('the first unit to be written', async () => existsSync(written) && (await hasUnit(written)))
      await stack.stop('worker')
      expect(await worker.runs()).toBe(false)
      expect(await stack.commandContainers()).toHaveLength(1)
      await stack.start('worker')
    })

    expect((await running).status).toBe('published')
    expect(await stack.tree('stopped')).toEqual(undisturbed.tree)
  })
})

/** Does what a test does to a run that goes on; a run that ends with an error meanwhile says why. */
async function ended(running: Promise<RunResult>, disturb: () => Promise<void>): Promise<void> {
  const failed = new Promise<never>((_, reject) => void running.catch(reject))
  await Promise.race([disturb(), failed])
}

async function hasUnit(runs: string): Promise<boolean> {
  return (await run('find', [runs, '-path', '*/units/*.json'])).stdout !== ''
}

/** Waits until the worker has stopped itself at a place. */
async function untilStoppedAt(struck: string, place: string): Promise<void> {
  await until(`the worker at ${place}`, () => existsSync(join(struck, encodeURIComponent(place))))
  await until('it to stop', async () => (await worker.process('worker.js')).state === 'T')
}

async function expectWithoutRights(container: Container): Promise<void> {
  const processes = await container.processes()
  expect(processes.length).toBeGreaterThan(0)
  for (const { command, users, capabilities, noNewPrivileges } of processes) {
    expect({ command, users, capabilities: Number.parseInt(capabilities, 16), noNewPrivileges }).toEqual({
      command,
      users: [USER, USER, USER, USER],
      capabilities: 0,
      noNewPrivileges: true,
    })
  }
}

async function userOf(container: Container): Promise<string> {
  return await container.inspect('{{ .Config.User }}')
}

/** What differs from the image, but for what podman itself puts there: mount points, and an entry for the user. */
async function writtenPaths(container: Container): Promise<string[]> {
  const lines = (await podman('diff', container.name)).split('\n').filter(Boolean)
  return lines.filter((line) => !/^(C \/(etc|run|var)|[AC] \/etc\/(passwd|group)|A \/var(\/tmp)?)$/.test(line))
}

async function passesHealthCheck(container: Container): Promise<boolean> {
  return (await run('podman', ['healthcheck', 'run', container.name])).code === 0
}
