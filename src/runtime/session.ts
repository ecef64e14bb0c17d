/**
 * A Temporal server and a worker for as long as a command needs them: those that are there, else private ones, which
 * are kept alive meanwhile and are gone afterwards.
 */
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { type Etl3Error, UnavailableError } from './errors.js'
import { withFileLock } from './file-lock.js'
import type { Logger } from './logging.js'
import { enter, leave, present } from './presence.js'
import { endProcess, isAlive } from './process-identity.js'
import { type Environment, stateFolder } from './state-folder.js'
import { answers, configuredEndpoint, connectClient, type Endpoint, standardEndpoint } from './temporal/connection.js'
import { endLonelyServers } from './temporal/lonely-servers.js'
import { livePollers } from './temporal/pollers.js'
import {
  openPrivateServer,
  type PrivateServer,
  type PrivateServerOptions,
  runningPrivateServer,
  stopPrivateServer,
} from './temporal/private-server.js'
import { DEFAULT_TASK_QUEUE, taskQueueAt } from './temporal/task-queue.js'
import { findTemporalCli } from './temporal/temporal-cli.js'
import type { TemporalSettings } from './temporal/temporal-settings.js'
import { meetWorkers } from './worker/found-workers.js'
import { splitBudget } from './worker/memory-budget.js'
import { SHUTDOWN_FORCE_MS, type StartWorkerOptions, WorkerProcess } from './worker/process.js'
import type { WorkerSettings } from './worker/settings.js'
import { WorkerSupervisor } from './worker/supervisor.js'
import { workerFailure } from './worker/worker-exit.js'

const LOOK_EVERY_MS = 1_000
const PRIVATE_SERVER_TIMEOUT_MS = 30_000
const IDLE_AFTER_MS = 5_000
const START_LOCK_TIMEOUT_MS = 60_000
const MOST_SERVER_RESTARTS = 5
const LOOK_WHILE_OPENING_MS = 50

const SERVER_ENDED = 'The private Temporal server ended unexpectedly. Starting it again over its history.'

/** What a session needs of a configuration. */
export interface SessionSettings {
  readonly temporal: TemporalSettings
  readonly processing: {
    readonly max_workers: number
    readonly memory_limit_mb: number
    readonly scratch: string
  }
  readonly logging: WorkerSettings['logging']
  readonly metrics: NonNullable<WorkerSettings['metrics']>
}

/** What a session is for. */
export interface SessionOptions {
  readonly config: SessionSettings
  /** Names the state folder of a private server. */
  readonly workflowId: string
  readonly log: Logger
  /** Gets one line for the person at the terminal when something is started, or ended unexpectedly. */
  readonly onNotice: (line: string) => void
  /** Default: the environment of this process. */
  readonly env?: Environment
  /** Uses a private server in any case, with these ports and this history. */
  readonly privateServer?: Pick<PrivateServerOptions, 'port' | 'uiPort' | 'historyFile'>
  /** Where a server is looked for when none is configured. Default: that of {@link standardEndpoint}. */
  readonly defaultAddress?: string
  /** Script that runs a worker. Default: the one of this installation. */
  readonly workerEntry?: string
  /** How long a worker without a client and without an open workflow stays. Default: 5,000. */
  readonly idleAfterMs?: number
  /** Events after which a private server suggests to continue as new. Default: the server's own. */
  readonly suggestContinueAsNewAfter?: number
}

/** How a session ends. */
interface CloseOptions {
  /**
   * `true`, the normal end: the workers that this session started end, and the private server with them unless another
   * client uses it. `false`, to leave a run going: nothing is stopped; the worker ends by itself, and the private
   * server with it, once no workflow is open.
   */
  readonly stopServer: boolean
  /** Whether to wait until the server is gone. Default: it has its last second after this process. */
  readonly wait?: boolean
}

/** A connected client, a server that serves and a worker that works. */
export interface TemporalSession {
  readonly client: Client
  readonly endpoint: Endpoint
  /** `host:port` of the server. */
  readonly address: string
  /** The task queue on which workflows get a worker that is meant for them. */
  readonly taskQueue: string
  /** Address of the Web UI, where it is known. */
  readonly uiUrl: string | undefined
  /** Whether the server is the private one of this workflow id. */
  readonly ownsServer: boolean
  /** Folder with the private server's history and the workers' own output. */
  readonly folder: string
  /** Pid of a worker that this session started. */
  readonly workerPid: number | undefined
  /** Resolves when server or worker cannot be kept alive any more: waiting for the run is in vain then. */
  readonly broken: Promise<Etl3Error>
  close(options: CloseOptions): Promise<void>
}

/**
 * Finds or starts a server, connects, and finds or starts a worker.
 * @throws UnavailableError ETL3-TP-01 when a configured server does not answer in time
 * @throws UnavailableError ETL3-TP-03 and ETL3-TP-04 when a private server cannot be had
 * @throws ConfigError ETL3-ME-03 when a worker cannot work within the memory limit
 * @throws ConflictError ETL3-TP-10 when a worker of another ETL3 is there and in use
 */
export async function openSession(options: SessionOptions): Promise<TemporalSession> {
  const session = new Session(options)
  try {
    await session.open()
    return session
  } catch (cause) {
    await session.close({ stopServer: true })
    throw cause
  }
}

class Session implements TemporalSession {
  readonly folder: string
  readonly broken: Promise<Etl3Error>
  readonly #options: SessionOptions
  #reportBroken: (error: Etl3Error) => void = () => {}
  #client: Client | undefined
  #endpoint: Endpoint | undefined
  #taskQueue: string
  #server: PrivateServer | undefined
  #serverRestarts = 0
  /** Workers that load their code while the private server starts. */
  #ready: readonly WorkerProcess[] = []
  #supervisor: WorkerSupervisor | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  /** Why server or worker cannot be kept alive. */
  #failure: Etl3Error | undefined
  #closed = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.folder = stateFolder(options.workflowId, options.env ?? process.env)
    this.#taskQueue = options.config.temporal.task_queue ?? DEFAULT_TASK_QUEUE
    this.broken = new Promise((resolve) => {
      this.#reportBroken = resolve
    })
  }

  get client(): Client {
    if (!this.#client) throw new Error('the session is not open')
    return this.#client
  }

  get endpoint(): Endpoint {
    if (!this.#endpoint) throw new Error('the session is not open')
    return this.#endpoint
  }

  get address(): string {
    return this.endpoint.address
  }

  get taskQueue(): string {
    return this.#taskQueue
  }

  get uiUrl(): string | undefined {
    return this.#server?.uiUrl
  }

  get ownsServer(): boolean {
    return this.#server !== undefined
  }

  get workerPid(): number | undefined {
    return this.#supervisor?.pids[0]
  }

  async open(): Promise<void> {
    const { processing, temporal } = this.#options.config
    splitBudget(processing.memory_limit_mb, processing.max_workers)
    // Before the look for a server: a private one that is about to end by itself sees that it is needed.
    enter(this.folder, 'client', process.pid)
    await this.#endLonelyServers()
    const shared = await this.#sharedServer()
    if (shared) this.#taskQueue = taskQueueAt(shared, temporal, this.folder)
    else this.#startLoading()
    if (shared) await this.#connect(shared, temporal.connect_timeout_ms)
    else await this.#openOwnServer()
    await this.#dismissReady()
    this.#timer = setInterval(() => this.#look(() => this.#keepAlive()), LOOK_EVERY_MS).unref()
  }

  async #connect(endpoint: Endpoint, timeoutMs: number): Promise<void> {
    this.#endpoint = endpoint
    this.#client = await connectClient(endpoint, timeoutMs)
    await this.#meetWorkers(endpoint.useProfile === true)
    await this.#ensureWorker()
  }

  /** A private server that ends before a worker knows it is started again, as it is later. */
  async #openOwnServer(): Promise<void> {
    const endpoint = await this.#openPrivateServer()
    // What is asked meanwhile is asked again by the client, at the same address.
    const watch = setInterval(() => this.#look(() => this.#keepServer()), LOOK_WHILE_OPENING_MS)
    try {
      for (;;) {
        const restarts = this.#serverRestarts
        try {
          await this.#connect(endpoint, PRIVATE_SERVER_TIMEOUT_MS)
          return
        } catch (error) {
          this.#look(() => this.#keepServer())
          await this.#looking
          if (this.#failure) throw this.#failure
          if (this.#serverRestarts === restarts) throw error
        }
      }
    } finally {
      clearInterval(watch)
      await this.#looking
    }
  }

  #serverFailure(): UnavailableError {
    const log = join(this.folder, 'server.log')
    return new UnavailableError('ETL3-TP-05', `the private Temporal server cannot be kept alive [log=${log}]`, {
      hint: 'See its log, and run again; what is finished is kept.',
    })
  }

  async close({ stopServer, wait = false }: CloseOptions): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    await this.#looking
    leave(this.folder, 'client', process.pid)
    try {
      await this.#dismissReady()
      if (stopServer) await this.#stop(wait)
      else this.#supervisor?.release()
    } finally {
      await this.#client?.connection.close()
    }
  }

  async #stop(wait: boolean): Promise<void> {
    if (this.#server && present(this.folder, 'client').length > 0) {
      this.#supervisor?.release()
      return
    }
    await this.#supervisor?.stop()
    if (!this.#server) return
    // Workers of a client that was killed end here too: their server goes.
    const workers = present(this.folder, 'worker')
    await Promise.all(workers.map((worker) => endProcess(worker, SHUTDOWN_FORCE_MS)))
    await stopPrivateServer(this.folder, { wait })
  }

  async #endLonelyServers(): Promise<void> {
    const { log, env } = this.#options
    try {
      for (const address of await endLonelyServers(env ?? process.env)) {
        log.info('ended a private Temporal server that nobody used', { address })
      }
    } catch (error) {
      // It is a favour to the machine; the command has other things to do.
      log.debug('looking for servers that nobody uses failed', { error })
    }
  }

  async #sharedServer(): Promise<Endpoint | undefined> {
    if (this.#options.privateServer) return undefined
    const { temporal } = this.#options.config
    const configured = configuredEndpoint(temporal)
    if (configured) return configured
    // A private server with an open run goes before a shared one that was started since.
    if (runningPrivateServer(this.folder)) return undefined
    const standard = standardEndpoint(temporal, this.#options.defaultAddress)
    // Whatever listens there gets the time that a busy server needs; it may also be another program.
    return (await answers(standard, temporal.connect_timeout_ms)) ? standard : undefined
  }

  async #openPrivateServer(): Promise<Endpoint> {
    const { config, log, onNotice, env, suggestContinueAsNewAfter } = this.#options
    const began = performance.now()
    const server = await openPrivateServer({
      folder: this.folder,
      namespace: config.temporal.namespace,
      ...this.#options.privateServer,
      cli: async () => (await findTemporalCli({ ...(env ? { env } : {}), onStep: onNotice })).path,
      ...(suggestContinueAsNewAfter === undefined ? {} : { suggestContinueAsNewAfter }),
    })
    this.#server = server
    const what = server.started
      ? 'started a private Temporal server'
      : 'found the private Temporal server of this output'
    log.info(what, { address: server.endpoint.address, uiUrl: server.uiUrl, serverPid: server.process.pid })
    const took = server.started ? ` in ${((performance.now() - began) / 1000).toFixed(1)} s` : ''
    onNotice(`${what[0]?.toUpperCase()}${what.slice(1)} at ${server.endpoint.address}${took}; Web UI: ${server.uiUrl}`)
    return server.endpoint
  }

  /** Workers for the private server, unless one of its own is there. */
  #startLoading(): void {
    if (present(this.folder, 'worker').length > 0) return
    const { max_workers: workers } = this.#options.config.processing
    this.#ready = Array.from({ length: workers }, (_, index) => new WorkerProcess({ ...this.#worker(true), index }))
  }

  /** Ends the workers that turned out not to be needed. */
  async #dismissReady(): Promise<void> {
    const ready = this.#ready
    this.#ready = []
    await Promise.all(ready.map((worker) => worker.stop()))
  }

  async #meetWorkers(configured: boolean): Promise<void> {
    const { folder, taskQueue, client } = this
    const { config, log, onNotice } = this.#options
    const sharedQueue = config.temporal.task_queue !== undefined
    await meetWorkers({ client, taskQueue, folder, configured, sharedQueue, log, onNotice })
  }

  /** Starts workers unless somebody works on the task queue. */
  async #ensureWorker(): Promise<void> {
    if ((this.#supervisor && !this.#supervisor.idle) || present(this.folder, 'worker').length > 0) return
    await withFileLock(join(this.folder, 'worker.lock'), START_LOCK_TIMEOUT_MS, async () => {
      if (present(this.folder, 'worker').length > 0) return
      if ((await livePollers(this.client, this.#taskQueue)).length > 0) return
      this.#startWorkers()
    })
  }

  #startWorkers(): void {
    const { config, log, onNotice } = this.#options
    this.#supervisor = new WorkerSupervisor({
      worker: this.#worker(this.#server !== undefined),
      endpoint: this.endpoint,
      ready: this.#ready,
      log,
      onNotice,
      onGivenUp: (exit) => this.#break(workerFailure(exit, join(this.folder, 'worker-0.log'))),
    })
    this.#ready = []
    this.#supervisor.start()
    const { max_workers: workers, memory_limit_mb: limitMb } = config.processing
    const pids = this.#supervisor.pids.join(', ')
    onNotice(
      workers === 1
        ? `Started a worker process (${pids}) with ${limitMb} MB`
        : `Started ${workers} worker processes (${pids}) that share ${limitMb} MB`,
    )
  }

  #worker(stopServer: boolean): Omit<StartWorkerOptions, 'index'> {
    const { config, idleAfterMs, workerEntry } = this.#options
    return {
      settings: {
        taskQueue: this.#taskQueue,
        connectTimeoutMs: config.temporal.connect_timeout_ms,
        memoryLimitMb: config.processing.memory_limit_mb,
        workers: config.processing.max_workers,
        scratch: config.processing.scratch,
        logging: config.logging,
        metrics: config.metrics,
        idle: { folder: this.folder, afterMs: idleAfterMs ?? IDLE_AFTER_MS, stopServer },
      },
      folder: this.folder,
      ...(workerEntry === undefined ? {} : { entry: workerEntry }),
    }
  }

  /** One look after the others; a slow one is not overtaken. */
  #look(keep: () => Promise<void>): void {
    this.#looking ??= keep()
      .catch((error: unknown) => this.#options.log.debug('looking after server and worker failed', { error }))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async #keepAlive(): Promise<void> {
    await this.#keepServer()
    await this.#ensureWorker()
  }

  async #keepServer(): Promise<void> {
    if (this.#server && !isAlive(this.#server.process) && !this.#failure) await this.#reopenServer()
  }

  #break(error: Etl3Error): void {
    clearInterval(this.#timer)
    this.#failure ??= error
    this.#reportBroken(error)
  }

  async #reopenServer(): Promise<void> {
    this.#serverRestarts += 1
    if (this.#serverRestarts > MOST_SERVER_RESTARTS) {
      this.#break(this.#serverFailure())
      return
    }
    this.#options.onNotice(SERVER_ENDED)
    const was = this.address
    await this.#openPrivateServer()
    // Client and workers know the old address only; it is taken again if nobody else took it meanwhile.
    if (this.#server?.endpoint.address !== was) {
      this.#break(
        new UnavailableError(
          'ETL3-TP-06',
          `the private Temporal server lost its port to another program [address=${was}]`,
          {
            hint: 'Run again; what is finished is kept.',
          },
        ),
      )
    }
  }
}
