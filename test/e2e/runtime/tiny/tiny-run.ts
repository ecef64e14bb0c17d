/** A command that runs the tiny workflow in a process of its own, on a state folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import { type Config, configSchema } from '../../../../src/config/schema.js'
import { present } from '../../../../src/runtime/presence.js'
import { endProcess, type ProcessIdentity } from '../../../../src/runtime/process-identity.js'
import { stateFolder } from '../../../../src/runtime/state-folder.js'
import { connectClient } from '../../../../src/runtime/temporal/connection.js'
import { runningPrivateServer } from '../../../../src/runtime/temporal/private-server.js'

const CLIENT = fileURLToPath(new URL('./client.mjs', import.meta.url))

/** Nobody listens there: a server that somebody runs at the default address does not disturb the tests. */
export const NOBODY = '127.0.0.1:1'

interface ClientEvent {
  readonly event: string
  readonly line?: string
  readonly pids?: readonly number[]
  readonly address?: string
}

/** A folder with all that a private session leaves, and a configuration that points into it. */
export class TinyHome {
  readonly root = mkdtempSync(join(tmpdir(), 'etl3-session-'))
  readonly workflowId: string
  readonly env: { readonly ETL3_STATE_DIR: string }
  readonly folder: string

  constructor(workflowId = 'tiny') {
    this.workflowId = workflowId
    this.env = { ETL3_STATE_DIR: join(this.root, 'state') }
    this.folder = stateFolder(workflowId, this.env)
  }

  config(temporal: Partial<Config['temporal']> = {}): Config {
    return configSchema.parse({
      processing: { memory_limit_mb: 512, scratch: join(this.root, 'scratch') },
      logging: { file: join(this.root, 'etl3.log') },
      temporal,
    })
  }

  /** Starts the command. `defaultAddress`: where it may come upon a server of somebody else. */
  run(steps: number, stepMs: number, defaultAddress = NOBODY): TinyClient {
    const { workflowId, env } = this
    const settings = {
      config: this.config(),
      workflowId,
      env,
      steps,
      stepMs,
      idleAfterMs: 1_000,
      defaultAddress,
    }
    return new TinyClient(
      spawn(process.execPath, [CLIENT, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'] }),
    )
  }

  get server(): ProcessIdentity | undefined {
    return runningPrivateServer(this.folder)?.process
  }

  get workers(): ProcessIdentity[] {
    return present(this.folder, 'worker')
  }

  /** Processes that this home's sessions started and that still live. */
  get processes(): ProcessIdentity[] {
    return [...(this.server ? [this.server] : []), ...this.workers]
  }

  get log(): string {
    return readFileSync(join(this.root, 'etl3.log'), 'utf8')
  }

  /** Uses the workflow through a connection of the test's own. */
  async withWorkflow<T>(use: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const server = runningPrivateServer(this.folder)
    if (!server) throw new Error('no server runs')
    const client = await connectClient(server.endpoint, 10_000)
    try {
      return await use(client.workflow.getHandle(this.workflowId))
    } finally {
      await client.connection.close()
    }
  }

  /** Waits until the workflow has finished some activities. */
  async untilSteps(steps: number): Promise<void> {
    await until(async () => await this.withWorkflow(async (handle) => (await completed(handle)) >= steps))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((process) => endProcess(process, 0)))
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** The command. */
export class TinyClient {
  readonly events: ClientEvent[] = []
  readonly exited: Promise<number | null>
  #stderr = ''

  constructor(readonly child: ChildProcess) {
    const { stdout, stderr } = child
    if (!stdout || !stderr) throw new Error('the command has no output')
    createInterface({ input: stdout }).on('line', (line) => this.events.push(JSON.parse(line)))
    stderr.on('data', (text) => {
      this.#stderr += String(text)
    })
    this.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  }

  get notices(): string[] {
    return this.events.flatMap(({ line }) => line ?? [])
  }

  /** Waits for an event. @throws Error when the command ends without it */
  async event(name: string): Promise<ClientEvent> {
    const found = (): ClientEvent | undefined => this.events.find(({ event }) => event === name)
    await Promise.race([until(async () => found() !== undefined), this.exited])
    const event = found()
    if (!event) throw new Error(`no '${name}' from the command: ${JSON.stringify(this.events)} ${this.#stderr}`)
    return event
  }

  /** Kills it as the operating system would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }
}

/** Waits until a condition holds; a condition that throws does not hold. */
export async function until(holds: () => Promise<boolean>, timeoutMs = 45_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    if (await holds().catch(() => false)) return
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function completed(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory()
  return (events ?? []).filter(({ activityTaskCompletedEventAttributes: done }) => done).length
}
