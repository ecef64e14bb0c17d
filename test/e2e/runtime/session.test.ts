import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SILENT_LOGGER } from '../../../src/runtime/logging.js'
import { enter } from '../../../src/runtime/presence.js'
import { isAlive, signalProcess } from '../../../src/runtime/process-identity.js'
import { openSession } from '../../../src/runtime/session.js'
import { endLonelyServers } from '../../../src/runtime/temporal/lonely-servers.js'
import { historyFile, openPrivateServer } from '../../../src/runtime/temporal/private-server.js'
import { findTemporalCli } from '../../../src/runtime/temporal/temporal-cli.js'
import { writeWorkflowBundle } from '../../../src/runtime/temporal/workflow-bundle.js'
import { readWorkerIdentity } from '../../../src/runtime/worker-identity.js'
import { NOBODY, TinyHome, until } from './tiny/tiny-run.js'

const homes: TinyHome[] = []

function newHome(workflowId?: string): TinyHome {
  const home = new TinyHome(workflowId)
  homes.push(home)
  return home
}

const built = mkdtempSync(join(tmpdir(), 'etl3-tiny-'))

beforeAll(async () => {
  const target = join(built, 'bundle.js')
  const workflowsPath = fileURLToPath(new URL('./tiny/workflows.mjs', import.meta.url))
  await writeWorkflowBundle({ workflowsPath, target, logger: SILENT_LOGGER })
  process.env['TINY_BUNDLE'] = target
})

afterAll(() => rmSync(built, { recursive: true }))

afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()))
})

describe('a command where no server is configured', () => {
  it('starts a server and a worker process of its own, and leaves neither behind', async () => {
    const home = newHome()
    const client = home.run(3, 100)
    await client.event('started')
    await home.untilSteps(1)
    const { processes } = home
    expect(processes).toHaveLength(2)
    const [worker] = home.workers
    // Arguments are shown to everybody by ps; settings may hold a token.
    expect(readFileSync(`/proc/${worker?.pid}/cmdline`, 'utf8')).not.toContain(home.root)
    for (const name of readdirSync(home.folder).filter(
      (file) => file.startsWith('temporal.db') || file.endsWith('.log'),
    ))
      expect([name, statSync(join(home.folder, name)).mode & 0o777]).toEqual([name, 0o600])
    expect(statSync(home.folder).mode & 0o777).toBe(0o700)
    const { pids } = await client.event('result')
    expect(pids).toEqual([worker?.pid, worker?.pid, worker?.pid])
    expect(worker?.pid).not.toBe(client.child.pid)

    expect(await client.exited).toBe(0)
    expect(home.processes).toEqual([])
    // The server takes a second to go; the command does not wait for it.
    await until(async () => !processes.some(isAlive))
    expect(existsSync(historyFile(home.folder))).toBe(true)
  })

  it('starts a worker that was killed again, says why, and keeps the steps that were done', async () => {
    const home = newHome()
    const client = home.run(4, 500)
    await client.event('started')
    await home.untilSteps(1)
    const [first] = home.workers
    if (!first) throw new Error('no worker')
    signalProcess(first, 'SIGKILL')
    const { pids } = await client.event('result')
    expect(pids?.[0]).toBe(first.pid)
    expect(pids?.[3]).not.toBe(first.pid)
    expect(client.notices.join('\n')).toContain('it was killed (SIGKILL)')
    expect(await client.exited).toBe(0)
    expect(home.processes).toEqual([])
  })

  it('starts a server that was killed again at the same address, with its open workflow', async () => {
    const home = newHome()
    const client = home.run(4, 500)
    const { address } = await client.event('open')
    await home.untilSteps(1)
    const { server } = home
    if (!server) throw new Error('no server')
    signalProcess(server, 'SIGKILL')
    const { pids } = await client.event('result')
    expect(pids).toHaveLength(4)
    expect(client.notices.join('\n')).toContain('The private Temporal server ended unexpectedly')
    expect(client.notices.filter((line) => line.includes(`server at ${address}`))).toHaveLength(2)
    expect(await client.exited).toBe(0)
    expect(home.processes).toEqual([])
  })

  it('starts a server again that is killed before anything was asked of it', async () => {
    const home = newHome()
    let killed = 0
    const session = await openSession({
      config: home.config(),
      workflowId: home.workflowId,
      log: SILENT_LOGGER,
      env: home.env,
      defaultAddress: NOBODY,
      onNotice: (line) => {
        const { server } = home
        if (!line.startsWith('Started a private Temporal server') || !server || killed > 1) return
        signalProcess(server, 'SIGKILL')
        killed += 1
      },
    })
    try {
      expect(killed).toBe(2)
      expect(await session.client.workflow.count()).toMatchObject({ count: 0 })
    } finally {
      await session.close({ stopServer: true, wait: true })
    }
    expect(home.processes).toEqual([])
  })

  it('can be killed: the run goes on, and worker and server end by themselves once it is done', async () => {
    const home = newHome()
    const client = home.run(4, 500)
    await client.event('started')
    await home.untilSteps(1)
    await client.kill()
    expect(home.processes).toHaveLength(2)
    await until(async () => home.processes.length === 0)

    const cli = async (): Promise<string> => (await findTemporalCli()).path
    await openPrivateServer({ folder: home.folder, namespace: 'default', cli })
    const status = await home.withWorkflow(async (handle) => (await handle.describe()).status.name)
    expect(status).toBe('COMPLETED')
  })

  it('goes on with the same workflow after command, worker and server were killed together', async () => {
    const home = newHome()
    const killed = home.run(4, 500)
    await killed.event('started')
    await home.untilSteps(2)
    const [first] = home.workers
    await killed.kill()
    for (const process of home.processes) signalProcess(process, 'SIGKILL')
    await until(async () => home.processes.length === 0)

    const client = home.run(4, 500)
    const { pids } = await client.event('result')
    expect(pids?.slice(0, 2)).toEqual([first?.pid, first?.pid])
    expect(pids?.[3]).not.toBe(first?.pid)
    expect(await client.exited).toBe(0)
    expect(home.processes).toEqual([])
  })

  it('ends the server of another output whose command and worker were both killed, and keeps its run', async () => {
    const home = newHome()
    const killed = home.run(4, 500)
    await killed.event('started')
    await home.untilSteps(1)
    const { server } = home
    if (!server) throw new Error('no server')
    // Somebody uses it: it stays.
    expect(await endLonelyServers(home.env)).toEqual([])
    await killed.kill()
    for (const worker of home.workers) signalProcess(worker, 'SIGKILL')
    await until(async () => home.workers.length === 0)
    expect(isAlive(server)).toBe(true)

    const other = await openSession({
      config: home.config(),
      workflowId: 'other',
      env: home.env,
      defaultAddress: NOBODY,
      log: SILENT_LOGGER,
      onNotice: () => {},
    })
    await until(async () => !isAlive(server))
    await other.close({ stopServer: true })

    const again = home.run(4, 500)
    const { pids } = await again.event('result')
    expect(new Set(pids).size).toBe(2)
    expect(await again.exited).toBe(0)
  })

  it('leaves server and worker to a second command that waits for the same run', async () => {
    const home = newHome()
    const first = home.run(4, 500)
    await first.event('started')
    const second = home.run(4, 500)
    await second.event('started')
    first.child.kill('SIGTERM')
    await first.event('detached')
    const { pids } = await second.event('result')
    expect(new Set(pids).size).toBe(1)
    expect(await second.exited).toBe(0)
    expect(home.processes).toEqual([])
  })
})

describe("a command that comes upon somebody else's server", () => {
  it('has its work done by a worker of its own, and takes none of theirs', async () => {
    const [theirs, ours] = [newHome('theirs'), newHome('ours')]
    const they = theirs.run(200, 500)
    const { address } = await they.event('open')
    await theirs.untilSteps(1)
    const we = ours.run(3, 100, address)
    expect((await we.event('open')).address).toBe(address)
    const { pids } = await we.event('result')
    expect(await we.exited).toBe(0)
    const [theirWorker] = theirs.workers
    const [ourPid] = pids ?? []
    expect(pids).toEqual([ourPid, ourPid, ourPid])
    expect(we.notices.join('\n')).toContain(`Started a worker process (${ourPid})`)
    expect(ours.processes).toEqual([])
    const history = await theirs.withWorkflow(async (handle) => (await handle.fetchHistory()).events ?? [])
    const doneBy = history.flatMap(({ activityTaskStartedEventAttributes: step }) => step?.identity ?? [])
    expect(new Set(doneBy.map((identity) => readWorkerIdentity(identity)?.pid))).toEqual(new Set([theirWorker?.pid]))
    await they.kill()
  })
})

describe('a worker of another ETL3 that waits for the runs of a table', () => {
  const OTHER = `1@${hostname()} etl3 0.0.1 from "/old/etl3" in "/old"`

  function somebody(home: TinyHome, part: 'client' | 'worker'): ChildProcess {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    if (child.pid === undefined) throw new Error('no process')
    enter(home.folder, part, child.pid, part === 'worker' ? OTHER : undefined)
    return child
  }

  it('is ended where nobody uses it, so that the command has its own code do the work', async () => {
    const home = newHome()
    const worker = somebody(home, 'worker')
    const client = home.run(2, 100)
    const { pids } = await client.event('result')
    expect(pids).not.toContain(worker.pid)
    expect(worker.exitCode ?? worker.signalCode).toBe('SIGTERM')
    expect(await client.exited).toBe(0)
  })

  it('is a conflict (exit code 6) that names it where somebody keeps it', async () => {
    const home = newHome()
    const [client, worker] = [somebody(home, 'client'), somebody(home, 'worker')]
    const opening = openSession({
      config: home.config(),
      workflowId: home.workflowId,
      env: home.env,
      defaultAddress: NOBODY,
      log: SILENT_LOGGER,
      onNotice: () => {},
    })
    const says = /process 1 on .*, ETL3 0\.0\.1 of \/old\/etl3, started in \/old/
    await expect(opening).rejects.toMatchObject({
      code: 'ETL3-TP-10',
      exitCode: 6,
      message: expect.stringMatching(says),
    })
    expect(worker.exitCode).toBeNull()
    client.kill()
    worker.kill()
  })
})

describe('a session that cannot be had', () => {
  const session = (home: TinyHome, address: string | undefined, workerEntry?: string) =>
    openSession({
      config: home.config(address === undefined ? {} : { address, connect_timeout_ms: 500 }),
      workflowId: home.workflowId,
      env: home.env,
      defaultAddress: NOBODY,
      log: SILENT_LOGGER,
      onNotice: () => {},
      ...(workerEntry === undefined ? {} : { workerEntry }),
    })

  it('is exit code 5 in time when nobody listens at the configured address', async () => {
    const began = performance.now()
    await expect(session(newHome(), NOBODY)).rejects.toMatchObject({
      code: 'ETL3-TP-01',
      exitCode: 5,
      message: expect.stringContaining(NOBODY),
    })
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('is exit code 5 in time when something listens there that never answers', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    if (typeof address !== 'object' || !address) throw new Error('no address')
    const began = performance.now()
    await expect(session(newHome(), `127.0.0.1:${address.port}`)).rejects.toMatchObject({
      code: 'ETL3-TP-01',
      exitCode: 5,
    })
    expect(performance.now() - began).toBeLessThan(2_000)
    silent.close()
  })

  it('says so when the worker ends at once for a reason that will not change, and leaves nothing behind', async () => {
    const home = newHome()
    const open = await session(home, undefined, join(home.root, 'there-is-no-such-worker.js'))
    const error = await open.broken
    expect(error.message).toContain('cannot be kept alive')
    await open.close({ stopServer: true })
    expect(home.processes).toEqual([])
  })
})
