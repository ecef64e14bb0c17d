import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { built } from '../../../src/runtime/package-root.js'
import { identifyProcess } from '../../../src/runtime/process-identity.js'
import { freePort } from '../../../src/runtime/temporal/dev-server.js'
import { until } from './tiny/tiny-run.js'

const devSchema = z.object({ address: z.string(), uiUrl: z.url(), workerPid: z.int() })
const workerSchema = z.object({ pids: z.array(z.int()) })

/** A command that stays in the foreground, and what it has printed. */
class Foreground {
  stdout = ''
  stderr = ''
  readonly exited: Promise<number | null>

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (text) => {
      this.stdout += String(text)
    })
    child.stderr?.on('data', (text) => {
      this.stderr += String(text)
    })
    this.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  }

  /** Waits for its result. */
  async result<T>(schema: z.ZodType<T>): Promise<T> {
    const parsed = (): T => schema.parse(JSON.parse(this.stdout))
    const ended = this.exited.then((code) => {
      throw new Error(`it ended with ${code}: ${this.stderr}`)
    })
    ended.catch(() => {})
    await Promise.race([until(async () => parsed() !== undefined), ended])
    return parsed()
  }
}

const lives = (pid: number): boolean => identifyProcess(pid) !== undefined

describe('commands that stay in the foreground', () => {
  let folder = ''
  const commands: Foreground[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-foreground-'))
    mkdirSync(join(folder, 'work'))
  })
  afterEach(async () => {
    for (const { child } of commands) child.kill('SIGTERM')
    await Promise.all(commands.splice(0).map(({ exited }) => exited))
    rmSync(folder, { recursive: true, force: true })
  })

  function etl3(args: readonly string[], env: Readonly<Record<string, string>> = {}): Foreground {
    const command = new Foreground(
      spawn(process.execPath, [built('cli/main.js'), ...args, '-o', 'json'], {
        cwd: join(folder, 'work'),
        env: { ...process.env, ETL3_STATE_DIR: join(folder, 'state'), ...env },
      }),
    )
    commands.push(command)
    return command
  }

  it('dev: serves Temporal, the Web UI and a worker until Ctrl-C, and leaves no process behind', async () => {
    const [port, uiPort] = [await freePort(), await freePort()]
    const dev = etl3(['dev', '--port', String(port), '--ui-port', String(uiPort)])
    const { address, uiUrl, workerPid } = await dev.result(devSchema)
    expect(address).toBe(`127.0.0.1:${port}`)
    expect((await fetch(uiUrl)).status).toBe(200)
    expect(lives(workerPid)).toBe(true)

    dev.child.kill('SIGINT')
    expect(await dev.exited).toBe(130)
    expect(lives(workerPid)).toBe(false)
    await expect(fetch(uiUrl)).rejects.toThrow()
  })

  it('dev: refuses a port that another program listens on, as exit code 6', async () => {
    const first = etl3(['dev', '--port', '0', '--ui-port', '0'])
    const { address } = await first.result(devSchema)
    const port = address.split(':')[1] ?? ''
    const second = etl3(['dev', '--port', port, '--db-filename', join(folder, 'other.db')])
    expect(await second.exited).toBe(6)
    expect(second.stderr).toContain(port)
  })

  it('worker: starts as many processes as configured, ends them when told, and they end by themselves when it is killed', async () => {
    const { address } = await etl3(['dev', '--port', '0', '--ui-port', '0']).result(devSchema)
    const work = (): Foreground =>
      etl3(['worker', '--max-workers', '2', '--memory-limit', '1000'], { ETL3_TEMPORAL_ADDRESS: address })
    const told = work()
    const { pids } = await told.result(workerSchema)
    expect(pids).toHaveLength(2)
    expect(pids.every(lives)).toBe(true)
    told.child.kill('SIGTERM')
    expect(await told.exited).toBe(143)
    expect(pids.some(lives)).toBe(false)

    const killed = work()
    const { pids: left } = await killed.result(workerSchema)
    killed.child.kill('SIGKILL')
    await until(async () => !left.some(lives))
  })

  it('worker: is exit code 5 when the server does not answer', async () => {
    const worker = etl3(['worker'], {
      ETL3_TEMPORAL_ADDRESS: '127.0.0.1:1',
      ETL3_TEMPORAL_CONNECT_TIMEOUT_MS: '500',
    })
    expect(await worker.exited).toBe(5)
    expect(worker.stderr).toContain('ETL3-TP-01')
  })
})
