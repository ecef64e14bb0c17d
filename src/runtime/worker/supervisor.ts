/** Keeps worker processes alive: starts one again when it ends unexpectedly, a few times, with growing pauses. */

import { doublingMs } from '../backoff.js'
import type { Logger } from '../logging.js'
import type { Endpoint } from '../temporal/connection.js'
import { type StartWorkerOptions, WorkerProcess } from './process.js'
import type { WorkerExit } from './worker-exit.js'

const MOST_RESTARTS = 4
const PAUSES = { firstMs: 500, longestMs: 4_000 }

// A worker that worked this long has outlived whatever ended the one before it.
const STEADY_AFTER_MS = 60_000

/** What a supervisor needs. */
export interface WorkerSupervisorOptions {
  /** How to start the worker, but for its index. */
  readonly worker: Omit<StartWorkerOptions, 'index'>
  readonly endpoint: Endpoint
  /** Workers that were started beforehand, by index. */
  readonly ready?: readonly WorkerProcess[]
  readonly log: Logger
  /** Gets one line for the person at the terminal when a worker ended and is started again. */
  readonly onNotice: (line: string) => void
  /** Told once when a worker can't be kept alive. */
  readonly onGivenUp: (exit: WorkerExit) => void
}

/** The workers that this process started. */
export class WorkerSupervisor {
  readonly #options: WorkerSupervisorOptions
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #pauses = new Set<NodeJS.Timeout>()
  #stopping = false

  constructor(options: WorkerSupervisorOptions) {
    this.#options = options
  }

  /** Starts as many workers as the settings say. @throws ConfigError ETL3-ME-03 when the memory does not do */
  start(): void {
    const { worker, ready = [] } = this.#options
    for (let index = 0; index < worker.settings.workers; index++) this.#start(index, 0, ready[index])
  }

  /** Pids of the workers that run now. */
  get pids(): number[] {
    return [...this.#workers.values()].flatMap(({ pid }) => pid ?? [])
  }

  /** Whether there is nothing to stop: none runs and none is about to be started again. */
  get idle(): boolean {
    return this.#workers.size === 0 && this.#pauses.size === 0
  }

  /** Ends all workers. Returns when they are gone. */
  async stop(): Promise<void> {
    this.release()
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()))
  }

  /** Leaves the workers to themselves: they run on, nobody starts them again. */
  release(): void {
    this.#stopping = true
    for (const pause of this.#pauses) clearTimeout(pause)
    this.#pauses.clear()
  }

  #start(index: number, restarts: number, ready?: WorkerProcess): void {
    const began = performance.now()
    const worker = ready ?? new WorkerProcess({ ...this.#options.worker, index })
    worker.workFor(this.#options.endpoint)
    this.#workers.set(index, worker)
    this.#options.log.info('worker started', { worker: index, workerPid: worker.pid })
    void worker.exited.then((exit) => {
      this.#workers.delete(index)
      this.#ended(index, exit, performance.now() - began > STEADY_AFTER_MS ? 0 : restarts)
    })
  }

  #ended(index: number, exit: WorkerExit, restarts: number): void {
    const { log, onNotice, onGivenUp } = this.#options
    const fields = { worker: index, code: exit.code, signal: exit.signal }
    if (this.#stopping) {
      log.info('worker ended', fields)
      return
    }
    // The person at the terminal hears it from onNotice or from the error, and warnings of the log are shown there, too.
    log.info(`worker ended unexpectedly: ${exit.reason}`, fields)
    if (exit.final || restarts >= MOST_RESTARTS) {
      this.release()
      onGivenUp(exit)
      return
    }
    onNotice(`The worker ended: ${exit.reason}. Starting it again; the run goes on where it was.`)
    const pause = setTimeout(
      () => {
        this.#pauses.delete(pause)
        this.#start(index, restarts + 1)
      },
      doublingMs(restarts + 1, PAUSES),
    )
    this.#pauses.add(pause)
  }
}
