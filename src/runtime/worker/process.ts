/** A worker as a process of its own, with its own memory cap. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { readTail } from '../file-tail.js'
import { built } from '../package-root.js'
import { enter, leave } from '../presence.js'
import { endProcess, identifyProcess, type ProcessIdentity } from '../process-identity.js'
import { addressSpaceLimitMb, hasMemoryLimit } from '../process-limits.js'
import { makePrivateFolder } from '../state-folder.js'
import type { Endpoint } from '../temporal/connection.js'
import { identityOfWorker } from '../worker-identity.js'
import { splitBudget } from './memory-budget.js'
import { encodeEndpoint, encodeSettings, type WorkerSettings } from './settings.js'
import { type ExitReason, explainExit, type WorkerExit } from './worker-exit.js'

/** How long a worker that is told to end may go on with what it does; above one chunk. */
export const SHUTDOWN_GRACE_MS = 30_000

/** After this a worker that is told to end gives up what it does. */
export const SHUTDOWN_FORCE_MS = SHUTDOWN_GRACE_MS + 10_000

/**
 * How glibc's allocator gives memory back. Measured on the real star: two arenas instead of eight per core are 25 MB less
 * resident; thresholds that stay where they begin, instead of growing with what is freed, are another 25 MB.
 */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024),
}

/** Tens of lines of a native stack follow what V8 says when it ends a process. */
const LAST_WORDS_BYTES = 16 * 1024

/**
 * By default V8 reserves 10 GB of addresses for each WebAssembly memory, to catch accesses out of bounds by the kernel. Under
 * `ulimit -v` there are none to spare, and the code checks its bounds itself.
 */
const CHECKED_BOUNDS = '--disable-wasm-trap-handler'

/** How to start a worker process. */
export interface StartWorkerOptions {
  readonly settings: WorkerSettings
  /** Folder for what it prints, and where it is noted as present. */
  readonly folder: string
  /** Which of the worker processes it is, from 0; names its log. */
  readonly index: number
  /** Script that runs the worker. Default: the one of this installation. */
  readonly entry?: string
}

/** A worker process that this process started. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #identity: ProcessIdentity | undefined
  readonly #folder: string
  readonly #logFile: string
  readonly #limitMb: number
  /** Settles when it is gone. */
  readonly exited: Promise<WorkerExit>

  /**
   * Starts a worker in a process group of its own, so that it survives this process once it knows what to work on. It
   * loads its code, which takes most of a second, and waits for {@link workFor}.
   * @throws ConfigError ETL3-ME-03 when it can't work within its share of the memory
   */
  constructor({ settings, folder, index, entry = built('worker.js') }: StartWorkerOptions) {
    const budget = splitBudget(settings.memoryLimitMb, settings.workers)
    makePrivateFolder(folder)
    this.#folder = folder
    this.#limitMb = budget.limitMb
    this.#logFile = join(folder, `worker-${index}.log`)
    const log = openSync(this.#logFile, 'w', 0o600)
    this.#child = spawn(
      process.execPath,
      [
        '--expose-gc',
        `--max-old-space-size=${budget.nodeHeapMb}`,
        `--max-semi-space-size=${budget.semiSpaceMb}`,
        ...(addressSpaceLimitMb() === undefined ? [] : [CHECKED_BOUNDS]),
        entry,
      ],
      {
        detached: true,
        stdio: ['pipe', log, log],
        env: { ...process.env, ...ALLOCATOR },
      },
    )
    closeSync(log)
    this.#child.unref()
    const { pid } = this.#child
    this.#identity = pid === undefined ? undefined : identifyProcess(pid)
    // One that ends early closes its input; why it ended is told by `exited`.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.write(encodeSettings({ ...settings, index }))
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message, final: true }))
      this.#child.once('exit', (code, signal) => {
        if (pid !== undefined) leave(folder, 'worker', pid)
        resolve({ code, signal, ...this.#explain(code, signal) })
      })
    })
  }

  #explain(code: number | null, signal: NodeJS.Signals | null): ExitReason {
    return explainExit({
      code,
      signal,
      limitMb: this.#limitMb,
      lastWords: readTail(this.#logFile, LAST_WORDS_BYTES),
      memoryIsLimited: hasMemoryLimit(),
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Tells it the server that it works for. From here on others count on it. */
  workFor(endpoint: Endpoint): void {
    if (this.pid !== undefined) enter(this.#folder, 'worker', this.pid, identityOfWorker(this.pid))
    this.#child.stdin?.end(encodeEndpoint(endpoint))
  }

  /** Ends it: it finishes or cancels what it does, then goes. Returns when it is gone. */
  async stop(): Promise<void> {
    // A process that waits for nothing else would end before its worker does.
    this.#child.ref()
    if (this.#identity) await endProcess(this.#identity, SHUTDOWN_FORCE_MS + 5_000)
    await this.exited
  }
}
