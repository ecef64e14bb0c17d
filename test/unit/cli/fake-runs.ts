/** A Temporal server that exists only in memory: runs that end when the test says so. */

import type { OngoingRun, Runs, StartRun } from '../../../src/cli/runs/runs.js'
import type { CatalogAnswer, CliServices } from '../../../src/cli/services.js'
import type { Progress, RunResult } from '../../../src/contract/messages.js'
import type { FollowedRow } from '../../../src/history/followed-row.js'
import type { UnfinishedRun } from '../../../src/history/unfinished-run.js'
import type { CurrentRecord } from '../../../src/records/current.js'

/** A run that ends when told. */
export class FakeRun implements OngoingRun {
  readonly #result: Promise<RunResult>
  #finish: (result: RunResult) => void = () => {}
  #fail: (error: unknown) => void = () => {}
  progressNow: Progress | undefined
  workersNow: readonly string[] | undefined = []
  cancellations = 0
  onCancel: () => void = () => {}

  constructor(
    readonly workflowId: string,
    readonly request: OngoingRun['request'],
    readonly taskQueue = 'etl3',
  ) {
    this.#result = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    this.#result.catch(() => {})
  }

  finish(result: RunResult): void {
    this.#finish(result)
  }

  fail(error: unknown): void {
    this.#fail(error)
  }

  async result(): Promise<RunResult> {
    return await this.#result
  }

  async progress(): Promise<Progress | undefined> {
    return this.progressNow
  }

  async workers(): Promise<readonly string[] | undefined> {
    return this.workersNow
  }

  unpaused = 0

  async unpause(): Promise<void> {
    this.unpaused += 1
  }

  async cancel(): Promise<void> {
    this.cancellations += 1
    this.onCancel()
  }
}

/** One server, and what was asked of it. */
export class FakeServer implements Runs {
  readonly uiUrl = 'http://127.0.0.1:8233'
  readonly ownsServer = true
  readonly taskQueue = 'etl3'
  readonly broken: Promise<Error>
  break: (error: Error) => void = () => {}
  readonly started: StartRun[] = []
  readonly closed: boolean[] = []
  going: FakeRun | undefined
  /** Called with each run that is started. */
  onStart: (run: FakeRun) => void = () => {}

  constructor() {
    this.broken = new Promise((resolve) => {
      this.break = resolve
    })
  }

  async start(run: StartRun): Promise<OngoingRun | undefined> {
    if (this.going) return undefined
    this.started.push(run)
    this.going = new FakeRun(run.workflowId, run.request)
    this.onStart(this.going)
    return this.going
  }

  async ongoing(): Promise<OngoingRun | undefined> {
    return this.going
  }

  async close({ stopServer }: { readonly stopServer: boolean }): Promise<void> {
    this.closed.push(stopServer)
  }
}

/** An answer that is there at once. */
export type FakeAnswer = Omit<CatalogAnswer, 'pieces'> & { readonly rows: readonly (readonly unknown[])[] }

/** Services over a fake server, records and answers. */
export function fakeServices(
  server: FakeServer | undefined,
  options: {
    readonly current?: CurrentRecord
    readonly answer?: FakeAnswer | Error
    /** What the answer's rows end with. */
    readonly breaks?: Error
    readonly unfinished?: UnfinishedRun
    readonly row?: FollowedRow
    /** What looking for a server ends with. */
    readonly serverError?: Error
  } = {},
): CliServices {
  return {
    async openRuns() {
      if (!server) throw new Error('no server was expected to be opened')
      return server
    },
    async findRuns() {
      if (options.serverError) throw options.serverError
      return server
    },
    async askCatalog(_query, receive) {
      if (options.answer instanceof Error) throw options.answer
      const { rows = [], columns = [], ...rest } = options.answer ?? {}
      const pieces = (async function* () {
        yield rows
        if (options.breaks) throw options.breaks
      })()
      await receive({ columns, pieces, ...rest })
    },
    async answerToParquet() {
      throw new Error('no file was expected to be asked for')
    },
    async findReport() {
      throw new Error('no report was expected to be asked for')
    },
    async explorePage() {
      throw new Error('no page was expected to be asked for')
    },
    async compareRates() {
      throw new Error('no rates were expected to be compared')
    },
    async vacuum() {
      throw new Error('nothing to clean here')
    },
    async publishedRun() {
      return options.current
    },
    async unfinishedRun() {
      return options.unfinished
    },
    async openSchedules() {
      throw new Error('no schedules were expected to be asked for')
    },
    async explainPlan() {
      throw new Error('nothing was expected to be explained')
    },
    async followRow() {
      if (options.row) return options.row
      throw new Error('no row was expected to be followed')
    },
    async advisePlan() {
      throw new Error('no advice was expected to be asked for')
    },
  }
}

/** A result with figures that add up. */
export const PUBLISHED: RunResult = {
  formatVersion: 1,
  runId: 'a1b2c3',
  workflowId: 'etl3:0',
  status: 'published',
  facts: 816_329,
  quarantined: 12,
  rows: 1_444_461,
  partitions: { total: 29_425, added: 20, replaced: 3, kept: 29_402, removed: 1 },
  bytes: 338_000_000,
  peakMemoryMb: 411.6,
  memoryLimitMb: 1024,
  seconds: { total: 74.2, validate: 1.1, write: 60.5 },
  warnings: 0,
  outputUri: '/lake/partitioned-data',
  table: 'fact_rate_enriched',
  catalogUri: '/lake/etl3/catalog.duckdb',
  reportUri: '/lake/etl3/runs/a1b2c3/report.md',
  receiptUri: '/lake/etl3/runs/a1b2c3/receipt.json',
}

/** A run that writes. */
export const WRITING: Progress = {
  runId: 'a1b2c3',
  phase: 'write',
  paused: false,
  phases: [
    { phase: 'validate', state: 'done', startedAtMs: 1_000, seconds: 1.1, detail: '12 tables' },
    { phase: 'write', state: 'running', startedAtMs: 2_000, seconds: undefined, detail: '' },
  ],
  units: { done: 3, total: 12 },
  rows: { done: 250_000, total: 1_000_000 },
  partitions: { done: 100, total: 400 },
  peakMemoryMb: 256,
  memoryLimitMb: 512,
}

/** The record of a published run. */
export const CURRENT: CurrentRecord = {
  formatVersion: 1,
  runId: 'a1b2c3',
  work: 'w',
  manifest: 'runs/a1b2c3/manifest.parquet',
  publishedAt: '2026-02-03T04:05:06.000Z',
  lockNumber: 4,
  published: PUBLISHED,
}
