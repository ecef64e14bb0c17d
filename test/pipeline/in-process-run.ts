/**
 * A whole run in this process: the activities in the order of the workflow, without Temporal. What a worker keeps of a
 * star is a run's own here, so a run that is opened again begins as a worker does that was started again.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditAnalytics } from '../../src/activities/audit-analytics.js'
import { auditObjects } from '../../src/activities/audit-objects.js'
import { balanceLedger } from '../../src/activities/balance-ledger.js'
import { checkQuality } from '../../src/activities/check-quality.js'
import { commitAnalytics } from '../../src/activities/commit-analytics.js'
import type { ActivityDeps } from '../../src/activities/deps.js'
import { openRun } from '../../src/activities/open-run.js'
import { planPartitions } from '../../src/activities/plan-partitions.js'
import { publishPartitions } from '../../src/activities/publish-partitions.js'
import { registerTables, removePartitions } from '../../src/activities/register-tables.js'
import type { ActivityScope } from '../../src/activities/scope.js'
import { screenFacts } from '../../src/activities/screen-facts.js'
import { joinFacts, stageDimensions, stageFacts } from '../../src/activities/staging.js'
import { StarCache } from '../../src/activities/star-cache.js'
import { validateInputs } from '../../src/activities/validate-inputs.js'
import { writeAnalytics } from '../../src/activities/write-analytics.js'
import { writePartitions } from '../../src/activities/write-partitions.js'
import { writeReport } from '../../src/activities/write-report.js'
import type { RunRef } from '../../src/contract/activities.js'
import type { RunResult } from '../../src/contract/messages.js'
import { WorkerRecorder } from '../../src/records/worker.js'
import { SILENT_LOGGER } from '../../src/runtime/logging.js'
import { splitBudget } from '../../src/runtime/worker/memory-budget.js'
import { MemoryGuard } from '../../src/runtime/worker/memory-guard.js'
import { MemorySampler } from '../../src/runtime/worker/memory-sampler.js'
import { filesUnder } from '../oracle/compare-table.js'

type Section = Readonly<Record<string, unknown>>

/** What a run is configured with; sections are merged with those that name the folders. */
export interface LakeOptions {
  /** Root of the star. */
  readonly star: string
  readonly tables?: Section
  /** Keys of `output.analytics`. Default: the built-in ones. */
  readonly analytics?: Section
  readonly partitionColumns?: readonly string[]
  readonly processing?: Section
  readonly dataQuality?: Section
}

/** Where the runs of one table work. */
export class Lake {
  constructor(readonly root: string) {
    mkdirSync(root, { recursive: true })
  }

  get table(): string {
    return join(this.root, 'table')
  }

  /** Where the analytics table lies. */
  get analytics(): string {
    return join(this.root, 'analytics')
  }

  get metadata(): string {
    return join(this.root, 'etl3')
  }

  /** Absolute paths of all data files of the analytics table, also of those that no reader is led to. */
  get dataFiles(): string[] {
    const folder = join(this.analytics, 'data')
    return existsSync(folder) ? filesUnder(folder) : []
  }

  /** A record of a run, parsed. */
  record<T>(runId: string, name: string): T {
    const value: T = JSON.parse(readFileSync(this.recordPath(runId, name), 'utf8'))
    return value
  }

  recordPath(runId: string, name: string): string {
    return join(this.metadata, 'runs', runId, name)
  }

  /** Writes the configuration of the runs that are opened next. */
  configure({ star, tables, analytics, partitionColumns, processing, dataQuality }: LakeOptions): void {
    const config = {
      input: { root: star, ...(tables ? { tables } : {}) },
      output: {
        uri: this.table,
        metadata_uri: this.metadata,
        ...(analytics ? { analytics: { uri: this.analytics, ...analytics } } : {}),
      },
      ...(partitionColumns ? { partitioning: { partition_columns: partitionColumns } } : {}),
      processing: { scratch: join(this.root, 'scratch'), ...processing },
      ...(dataQuality ? { data_quality: dataQuality } : {}),
    }
    // JSON is YAML.
    writeFileSync(this.#config, JSON.stringify(config))
  }

  /** Keeps what is there now, for {@link putBack}. */
  keep(): void {
    cpSync(this.root, this.#kept, { recursive: true, preserveTimestamps: true })
  }

  /** Brings back what was kept, to where it was made: addresses in an Iceberg table are absolute. */
  putBack(): void {
    rmSync(this.root, { recursive: true, force: true })
    cpSync(this.#kept, this.root, { recursive: true, preserveTimestamps: true })
  }

  /**
   * Opens a run.
   *
   * @param execution the same for a run that is taken up, another one for a new run
   * @param others what the activities get in the place of the usual
   */
  async open(execution = 'first', others: Partial<ActivityDeps> = {}): Promise<InProcessRun> {
    const deps = { ...dependencies(join(this.root, 'scratch')), ...others }
    const opened = await openRun(deps)(
      { input: { config: this.#config }, mode: 'run', workflowId: 'etl3:in-process', executionId: execution },
      SCOPE,
    )
    return new InProcessRun(deps, opened)
  }

  /** Opens a run and brings it to its end. */
  async run(execution = 'first'): Promise<RunResult> {
    return await (await this.open(execution)).toEnd()
  }

  get #kept(): string {
    return `${this.root}-kept`
  }

  get #config(): string {
    return join(this.root, 'c.yaml')
  }
}

const SCOPE: ActivityScope = { signal: new AbortController().signal, attempt: 1, heartbeat: () => {} }

type Opened = Awaited<ReturnType<ReturnType<typeof openRun>>>

/** A run that was opened. */
export class InProcessRun {
  readonly run: RunRef
  readonly #deps: ActivityDeps
  readonly #opened: Opened
  #result: RunResult | undefined

  constructor(deps: ActivityDeps, opened: Opened) {
    this.#deps = deps
    this.#opened = opened
    this.run = opened.run
  }

  /** Does everything that is left to do. */
  async toEnd(): Promise<RunResult> {
    if (this.#opened.unchanged) return this.#opened.unchanged
    for await (const _ of this.steps());
    if (!this.#result) throw new Error('the run has no result')
    return this.#result
  }

  /** Does all steps before the one of that name. */
  async until(name: string): Promise<void> {
    for await (const step of this.steps()) if (step === name) return
    throw new Error(`no step is called ${name}`)
  }

  /** Stages the star and writes and audits the analytics table, and nothing else. */
  async analyticsOnly(afterStaging?: (stagedFolder: string) => Promise<void>): Promise<void> {
    for await (const step of this.steps(ONLY_ANALYTICS)) {
      if (step === 'screenFacts') await afterStaging?.(join(this.run.metadataUri, 'runs', this.run.runId, 'staged'))
    }
  }

  /** Audits the objects of a unit. */
  async auditObjects(unit: number): Promise<void> {
    await auditObjects(this.#deps)({ run: this.run, unit }, SCOPE)
  }

  /** Audits a unit of the analytics table. */
  async audit(unit: number): Promise<void> {
    await auditAnalytics(this.#deps)({ run: this.run, unit }, SCOPE)
  }

  /** Names of the steps, each before it is done. */
  async *steps(wanted?: ReadonlySet<string>): AsyncGenerator<string, void> {
    for (const [name, step] of this.#allSteps()) {
      if (wanted && !wanted.has(name)) continue
      yield name
      await step()
    }
  }

  /** As src/workflows/etl3.ts has them. */
  #allSteps(): readonly (readonly [name: string, step: () => Promise<void>])[] {
    const deps = this.#deps
    const { run } = this
    const figures = { startedAtMs: Date.now(), seconds: { total: 1 }, peakMemoryMb: 1, memoryByPhase: {}, warnings: 0 }
    let units = 0
    let analyticsUnits: number | undefined
    const each = async (count: number, act: (unit: number) => Promise<unknown>): Promise<void> => {
      for (let unit = 0; unit < count; unit++) await act(unit)
    }
    return [
      ['validateInputs', async () => void (await validateInputs(deps)(run, SCOPE))],
      ['stageDimensions', async () => void (await stageDimensions(deps)(run, SCOPE))],
      ['stageFacts', () => each(this.#opened.factBatches ?? 0, (batch) => stageFacts(deps)({ run, batch }, SCOPE))],
      ['joinFacts', async () => void (await joinFacts(deps)(run, SCOPE))],
      ['screenFacts', async () => void (await screenFacts(deps)(run, SCOPE))],
      [
        'planPartitions',
        async () => {
          const planned = await planPartitions(deps)(run, SCOPE)
          units = planned.units
          analyticsUnits = planned.analytics?.units
        },
      ],
      ['checkQuality', async () => void (await checkQuality(deps)(run, SCOPE))],
      ['writePartitions', () => each(units, (unit) => writePartitions(deps)({ run, unit }, SCOPE))],
      ['writeAnalytics', () => each(analyticsUnits ?? 0, (unit) => writeAnalytics(deps)({ run, unit }, SCOPE))],
      ['auditObjects', () => each(units, (unit) => this.auditObjects(unit))],
      ['auditAnalytics', () => each(analyticsUnits ?? 0, (unit) => this.audit(unit))],
      ['balanceLedger', async () => void (await balanceLedger(deps)(run, SCOPE))],
      [
        'commitAnalytics',
        async () => {
          if (analyticsUnits !== undefined) await commitAnalytics(deps)(run, SCOPE)
        },
      ],
      ['publishPartitions', () => each(units, (unit) => publishPartitions(deps)({ run, unit }, SCOPE))],
      ['registerTables', async () => void (await registerTables(deps)(run, SCOPE))],
      ['removePartitions', async () => void (await removePartitions(deps)(run, SCOPE))],
      [
        'writeReport',
        async () => {
          this.#result = await writeReport(deps)({ run, ...figures }, SCOPE)
        },
      ],
    ]
  }
}

const ONLY_ANALYTICS: ReadonlySet<string> = new Set([
  'validateInputs',
  'stageDimensions',
  'stageFacts',
  'joinFacts',
  'screenFacts',
  'planPartitions',
  'writeAnalytics',
  'auditAnalytics',
])

function dependencies(scratch: string): ActivityDeps {
  const sampler = new MemorySampler()
  const log = SILENT_LOGGER
  return {
    log,
    sampler,
    // Nothing that the process of the tests takes is too much; but the report finds no room for charts.
    budget: { ...splitBudget(1024, 1), limitMb: 1 },
    memory: new MemoryGuard({ limitMb: 1_000_000, sampler, log }),
    scratch,
    env: {},
    star: new StarCache(),
    recorder: new WorkerRecorder(sampler, 1024),
  }
}
