/** A folder with everything one table needs: configuration, lake, log, private server. */
import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkflowHandle } from '@temporalio/client'
import { present } from '../../../src/runtime/presence.js'
import { endProcess, type ProcessIdentity, signalProcess } from '../../../src/runtime/process-identity.js'
import { stateFolder } from '../../../src/runtime/state-folder.js'
import { connectClient } from '../../../src/runtime/temporal/connection.js'
import {
  openPrivateServer,
  runningPrivateServer,
  stopPrivateServer,
} from '../../../src/runtime/temporal/private-server.js'
import { findTemporalCli } from '../../../src/runtime/temporal/temporal-cli.js'
import { workflowIdOf } from '../../../src/runtime/temporal/workflow-id.js'
import { normalisedUri } from '../../../src/runtime/uri.js'
import { readStamps, readTree, type Tree } from '../../check-star/tree.js'
import { filesUnder } from '../../oracle/compare-table.js'
import { Command } from './command.js'
import { until } from './until.js'

type Settings = Readonly<Record<string, unknown>>

/** What a home is made with; sections of the configuration replace the home's own keys. */
export interface HomeOptions {
  /** Root of the star; may be changed later by {@link Home.configure}. */
  readonly star: string
  readonly input?: Settings
  readonly processing?: Settings
  readonly temporal?: Settings
  readonly athena?: Settings
  readonly [section: string]: Settings | string | undefined
}

/** Short, so that a worker that was killed is noticed soon; four signs of life fit in. */
const HEARTBEAT_TIMEOUT_MS = 2_000

/** A table with its own folder and its own private server. */
export class Home {
  readonly root: string
  readonly #env: NodeJS.ProcessEnv
  readonly #commands: Command[] = []
  // A queue of its own: workers that somebody else runs on a server at the default address take none of this work.
  readonly #taskQueue = `etl3-test-${process.pid}-${randomUUID().slice(0, 8)}`

  /** @param options undefined: `place` is a home already, and is left as it is */
  constructor(options: HomeOptions | undefined, place: { readonly root?: string; readonly state?: string } = {}) {
    this.root = place.root ?? mkdtempSync(join(tmpdir(), 'etl3-e2e-'))
    this.#env = {
      ...process.env,
      NO_COLOR: '1',
      ETL3_STATE_DIR: join(this.root, place.state ?? 'state'),
      ETL3_FAILPOINT_ONCE: join(this.root, 'struck'),
    }
    mkdirSync(join(this.root, 'struck'), { recursive: true })
    if (options) this.configure(options)
  }

  /** The same table as somebody sees it who has a server and workers of their own. */
  elsewhere(): Home {
    return new Home(undefined, { root: this.root, state: 'state-elsewhere' })
  }

  /** Address of the private server. @throws Error when none runs */
  get address(): string {
    const server = runningPrivateServer(this.folder)
    if (!server) throw new Error('no server runs')
    return server.endpoint.address
  }

  /** Writes the configuration file. Paths of the output are relative: a home can be copied. */
  configure(options: HomeOptions): void {
    const { star, input, processing, temporal, ...sections } = options
    const config = {
      input: { root: star, ...input },
      output: { uri: 'lake/table', metadata_uri: 'lake/etl3' },
      processing: { memory_limit_mb: 512, scratch: 'scratch', ...processing },
      temporal: { task_queue: this.#taskQueue, heartbeat_timeout_ms: HEARTBEAT_TIMEOUT_MS, ...temporal },
      logging: { file: 'etl3.log', level: 'debug' },
      ...sections,
    }
    // JSON is YAML.
    writeFileSync(join(this.root, 'c.yaml'), JSON.stringify(config, undefined, 2))
  }

  /** Another home with a copy of this one's lake. */
  copy(options: HomeOptions): Home {
    const home = new Home(options)
    cpSync(join(this.root, 'lake'), join(home.root, 'lake'), { recursive: true, preserveTimestamps: true })
    return home
  }

  /** Starts `etl3 run`, or another command, with results as JSON. */
  start(env: NodeJS.ProcessEnv = {}, args: readonly string[] = ['run']): Command {
    const command = new Command([...args, '--config', 'c.yaml', '-o', 'json'], {
      cwd: this.root,
      env: { ...this.#env, ...env },
    })
    this.#commands.push(command)
    return command
  }

  /** Where the published table lies. */
  get table(): string {
    return join(this.root, 'lake', 'table')
  }

  get metadata(): string {
    return join(this.root, 'lake', 'etl3')
  }

  /** SHA-256 of each file of the table; empty where there is none. */
  get tree(): Tree {
    return existsSync(this.table) ? readTree(this.table) : new Map()
  }

  /** Inode and time of each file of the table and of the catalog. */
  get stamps(): Tree {
    const files = existsSync(this.table) ? [...readStamps(this.table)] : []
    const records = [...readStamps(this.metadata)]
    return new Map([...files, ...records.filter(([path]) => ['catalog.duckdb', 'current.json'].includes(path))])
  }

  /** The run that the table shows. @throws Error when nothing is published */
  get currentRun(): string {
    const { runId }: { runId: string } = JSON.parse(readFileSync(join(this.metadata, 'current.json'), 'utf8'))
    return runId
  }

  /** Ids of the runs that have a record. */
  get runIds(): string[] {
    const runs = join(this.metadata, 'runs')
    return existsSync(runs)
      ? [...new Set(filesUnder(runs).map((file) => file.slice(runs.length + 1).split('/')[0] ?? ''))]
      : []
  }

  /** A record of a run, parsed. */
  record(runId: string, name: string): Record<string, unknown> {
    const value: Record<string, unknown> = JSON.parse(readFileSync(join(this.metadata, 'runs', runId, name), 'utf8'))
    return value
  }

  get workflowId(): string {
    return workflowIdOf({ output: { uri: normalisedUri(this.table) } })
  }

  /** The private server's folder. */
  get folder(): string {
    return stateFolder(this.workflowId, this.#env)
  }

  get workers(): ProcessIdentity[] {
    return present(this.folder, 'worker')
  }

  get server(): ProcessIdentity | undefined {
    return runningPrivateServer(this.folder)?.process
  }

  /** Places that have struck (see ETL3_FAILPOINT_ONCE). */
  struck(name: string): boolean {
    return existsSync(join(this.root, 'struck', encodeURIComponent(name)))
  }

  /** Waits until a worker has stopped at a place; returns its process. */
  async untilStopped(name: string): Promise<ProcessIdentity> {
    const pid = await this.pidStoppedAt(name)
    const worker = this.workers.find((w) => w.pid === pid)
    if (!worker) throw new Error(`process ${pid} is no worker of ${this.root}`)
    return worker
  }

  /** The same for a worker of `etl3 worker`; `patienceMs` where steps of a run come before. */
  async pidStoppedAt(name: string, patienceMs?: number): Promise<number> {
    const marker = join(this.root, 'struck', encodeURIComponent(name))
    const isThere = (): boolean => existsSync(marker) && readFileSync(marker, 'utf8') !== ''
    await until(`a worker at ${name}`, isThere, patienceMs)
    const pid = Number(readFileSync(marker, 'utf8'))
    await until(`process ${pid} to stop`, () => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    return pid
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

  /** Opens the private server over its history, for a look at what happened, and stops it again. */
  async withHistory<T>(use: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const cli = async (): Promise<string> => (await findTemporalCli({ env: this.#env })).path
    await openPrivateServer({ folder: this.folder, namespace: 'default', cli })
    try {
      return await this.withWorkflow(use)
    } finally {
      await stopPrivateServer(this.folder, { wait: true })
    }
  }

  /** Ends what it started and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#commands) child.kill('SIGKILL')
    const processes = [...this.workers, ...(this.server ? [this.server] : [])]
    for (const process of processes) signalProcess(process, 'SIGCONT')
    await Promise.all(processes.map((process) => endProcess(process, 0)))
    if (process.env['ETL3_TEST_KEEP'] === undefined) {
      // A process that was just killed may still be closing its files.
      rmSync(this.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  }
}
