/**
 * What the workflow knows of its run: the answer of each phase that is done, where the units stand, how much memory was
 * used. It answers the query `progress`, keeps the page in the Web UI current, and is what an execution that is
 * continued as new takes along: a phase that is done answers from here and is not run again.
 */
import {
  ContinueAsNew,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Measured, ReportInput, RunRef, StagedBatch, UnitDone } from '../contract/activities.js'
import type { Etl3Input, Phase, PhaseProgress, Progress } from '../contract/messages.js'
import { pauseUpdate, progressQuery, resumeUpdate } from '../contract/messages.js'
import { activitiesFor } from './activity-proxies.js'
import { detailOf, type PhaseAnswers, progressPage, stagedDetail } from './progress-page.js'
import { failureOf, type RunFailure } from './run-failure.js'
import { showSearchAttributes } from './search-attributes.js'

/** Phases that go through units. */
export type UnitPhase = 'write' | 'audit' | 'publish'

/** Units that are counted together: of the partitions, and of the analytics table in the same phases. */
export type UnitKind = UnitPhase | 'writeAnalytics' | 'auditAnalytics'

const PHASE_OF: Readonly<Record<UnitKind, UnitPhase>> = {
  write: 'write',
  writeAnalytics: 'write',
  audit: 'audit',
  auditAnalytics: 'audit',
  publish: 'publish',
}

/** Batches of fact files that are staged, and the files in them. */
export interface StagedSoFar {
  readonly batches: number
  readonly files: number
}

/** What an execution hands to the next one of the same run. */
export interface CarriedState {
  readonly phases: readonly PhaseProgress[]
  readonly answers: Partial<PhaseAnswers>
  readonly units: Readonly<Partial<Record<UnitKind, UnitDone>>>
  readonly staged?: StagedSoFar
  readonly memoryByPhase: Readonly<Record<string, number>>
  readonly peakMemoryMb: number
  readonly workerLimitMb?: number
  readonly paused: boolean
}

/** Input of an execution: the user's, and what an earlier execution of the run hands over. */
export type ContinuedInput = Etl3Input & { readonly carried?: CarriedState }

const NO_UNITS: UnitDone = { unit: 0, rows: 0, partitions: 0, bytes: 0, peakMemoryMb: 0, phaseMemoryMb: 0 }

/** A paused run renews its lock this often within the lease. */
const RENEWALS_PER_LEASE = 4

/** Heartbeat time-out until the configuration is known. */
const OPENING_HEARTBEAT_TIMEOUT_MS = 15_000

/** The state of one run. */
export class RunLog {
  readonly #input: Etl3Input
  readonly #phases: PhaseProgress[]
  readonly #answers: Partial<PhaseAnswers>
  readonly #units: Record<UnitKind, UnitDone>
  #staged: StagedSoFar
  readonly #memoryByPhase: Record<string, number>
  #peakMemoryMb: number
  #workerLimitMb: number
  #paused: boolean
  #failure: RunFailure | undefined

  constructor({ carried, ...input }: ContinuedInput) {
    this.#input = input
    this.#phases = [...(carried?.phases ?? [])]
    this.#answers = { ...carried?.answers }
    this.#units = {
      write: NO_UNITS,
      writeAnalytics: NO_UNITS,
      audit: NO_UNITS,
      auditAnalytics: NO_UNITS,
      publish: NO_UNITS,
      ...carried?.units,
    }
    this.#staged = carried?.staged ?? { batches: 0, files: 0 }
    this.#memoryByPhase = { ...carried?.memoryByPhase }
    this.#peakMemoryMb = carried?.peakMemoryMb ?? 0
    this.#workerLimitMb = carried?.workerLimitMb ?? 0
    this.#paused = carried?.paused ?? false
    setHandler(progressQuery, () => this.progress())
    setHandler(pauseUpdate, () => this.#setPaused(true))
    setHandler(resumeUpdate, () => this.#setPaused(false))
  }

  /** Runs a phase, unless an earlier execution of this run has done so. */
  async phase<P extends Phase>(phase: P, act: () => Promise<PhaseAnswers[P]>): Promise<PhaseAnswers[P]> {
    const known: PhaseAnswers[P] | undefined = this.#answers[phase]
    if (known !== undefined) return known
    const startedAtMs = this.#phases.find((p) => p.phase === phase)?.startedAtMs ?? Date.now()
    const set = (state: PhaseProgress['state'], detail: string): void =>
      this.#set({
        phase,
        state,
        startedAtMs,
        seconds: state === 'running' ? undefined : (Date.now() - startedAtMs) / 1000,
        detail,
      })
    set('running', '')
    try {
      const answer = await act()
      this.#answers[phase] = answer
      this.#remember(phase, answer)
      this.#showSearchAttributes()
      set('done', detailOf(phase, answer))
      return answer
    } catch (error) {
      // Thrown on purpose to end this execution: the phase goes on in the next one.
      if (!(error instanceof ContinueAsNew)) {
        this.#failure = failureOf(error)
        set('failed', '')
      }
      throw error
    }
  }

  /** Activities of this run; `detail` is added to their summary. */
  activities(detail?: string): ReturnType<typeof activitiesFor> {
    return activitiesFor(this.#answers.open?.heartbeatTimeoutMs ?? OPENING_HEARTBEAT_TIMEOUT_MS, detail)
  }

  /** The unit of a kind that comes next; units before it are done. */
  nextUnit(kind: UnitKind): number {
    return this.#units[kind].unit
  }

  /** Counts a finished unit. */
  unitDone(kind: UnitKind, done: UnitDone): void {
    const before = this.#units[kind]
    this.#units[kind] = {
      unit: before.unit + 1,
      partitions: before.partitions + done.partitions,
      rows: before.rows + done.rows,
      bytes: before.bytes + done.bytes,
      peakMemoryMb: Math.max(before.peakMemoryMb, done.peakMemoryMb),
      phaseMemoryMb: Math.max(before.phaseMemoryMb, done.phaseMemoryMb),
    }
    this.#remember(PHASE_OF[kind], done)
    this.#show()
  }

  /** The batches of fact files that are staged so far. */
  get stagedBatches(): StagedSoFar {
    return this.#staged
  }

  /** Counts a staged batch. */
  batchDone(done: StagedBatch): void {
    const { batches, files } = this.#staged
    this.#staged = { batches: batches + 1, files: files + done.files }
    this.#remember('stage', done)
    const stage = this.#phases.find(({ phase }) => phase === 'stage')
    const total = this.#answers.open?.factFiles ?? 0
    if (stage) this.#set({ ...stage, detail: stagedDetail(this.#staged.files, total) })
  }

  /** Sums of the units of a kind. */
  unitTotals(kind: UnitKind): UnitDone {
    return this.#units[kind]
  }

  /** Waits while the run is paused, keeping its lock. */
  async untilResumed(run: RunRef): Promise<void> {
    while (this.#paused && !(await condition(() => !this.#paused, run.lockLeaseMs / RENEWALS_PER_LEASE))) {
      await this.activities().renewLock(run)
    }
  }

  /** Whether this execution's history is long enough. */
  get shouldContinue(): boolean {
    return workflowInfo().continueAsNewSuggested
  }

  /** Goes on in a new execution with an empty history. Never returns. */
  async continue(): Promise<never> {
    const carried: CarriedState = {
      phases: this.#phases,
      answers: this.#answers,
      units: this.#units,
      staged: this.#staged,
      memoryByPhase: this.#memoryByPhase,
      peakMemoryMb: this.#peakMemoryMb,
      workerLimitMb: this.#workerLimitMb,
      paused: this.#paused,
    }
    return await continueAsNew<(input: ContinuedInput) => Promise<unknown>>({ ...this.#input, carried })
  }

  /** Seconds of each phase so far, and of the whole. */
  seconds(): Record<string, number> {
    const now = Date.now()
    const seconds: Record<string, number> = { total: (now - this.#startedAtMs) / 1000 }
    for (const { phase, startedAtMs, seconds: taken } of this.#phases) {
      seconds[phase] = taken ?? (now - startedAtMs) / 1000
    }
    return seconds
  }

  /** What the report needs of the workflow's knowledge. */
  reportInput(run: RunRef): ReportInput {
    const { validate, screen, plan, quality } = this.#answers
    return {
      run,
      startedAtMs: this.#startedAtMs,
      seconds: this.seconds(),
      peakMemoryMb: this.#peakMemoryMb,
      memoryByPhase: this.#memoryByPhase,
      warnings: (validate?.warnings ?? 0) + (screen?.warnings ?? 0) + (plan?.warnings ?? 0) + (quality?.warnings ?? 0),
    }
  }

  progress(): Progress {
    const { open, plan } = this.#answers
    const phase = this.#phases.at(-1)?.phase ?? 'open'
    const units = this.#units[unitPhaseAt(phase)]
    return {
      runId: open?.run.runId,
      phase,
      paused: this.#paused,
      phases: this.#phases,
      files: { done: this.#staged.files, total: open?.factFiles ?? 0 },
      units: { done: units.unit, total: plan?.units ?? 0 },
      rows: { done: units.rows, total: plan?.rowsToWrite ?? 0 },
      partitions: { done: units.partitions, total: plan ? plan.partitions.added + plan.partitions.replaced : 0 },
      ...(plan?.analytics
        ? { analyticsRows: { done: this.#units.writeAnalytics.rows, total: plan.analytics.rowsToWrite } }
        : {}),
      peakMemoryMb: this.#peakMemoryMb,
      memoryLimitMb: this.#workerLimitMb,
    }
  }

  get #startedAtMs(): number {
    return this.#phases[0]?.startedAtMs ?? Date.now()
  }

  #remember(
    phase: Phase,
    { peakMemoryMb, phaseMemoryMb, workerLimitMb = 0 }: Pick<Measured, 'peakMemoryMb'> & Partial<Measured>,
  ): void {
    this.#peakMemoryMb = Math.max(this.#peakMemoryMb, peakMemoryMb)
    this.#workerLimitMb = Math.max(this.#workerLimitMb, workerLimitMb)
    if (phaseMemoryMb === undefined) return
    this.#memoryByPhase[phase] = Math.max(this.#memoryByPhase[phase] ?? 0, phaseMemoryMb)
  }

  /** Dataset, status and rows, by which runs are found. Only where the server has the attributes: an unknown one stops it. */
  #showSearchAttributes(): void {
    const { open, plan, report } = this.#answers
    if (!open?.searchAttributes) return
    const last = this.#phases.at(-1)?.phase ?? 'open'
    showSearchAttributes({
      dataset: open.table,
      status: open.unchanged?.status ?? report?.status ?? last,
      rows: open.unchanged?.rows ?? plan?.rows,
    })
  }

  #set(progress: PhaseProgress): void {
    const at = this.#phases.findIndex((p) => p.phase === progress.phase)
    if (at < 0) this.#phases.push(progress)
    else this.#phases[at] = progress
    this.#show()
  }

  #setPaused(paused: boolean): boolean {
    this.#paused = paused
    this.#show()
    return paused
  }

  #show(): void {
    const { open, report } = this.#answers
    setCurrentDetails(
      progressPage(this.progress(), {
        mode: this.#input.mode ?? 'run',
        table: open?.table,
        result: open?.unchanged ?? report,
        failure: this.#failure,
      }),
    )
  }
}

/** The units that tell how far a run is. */
function unitPhaseAt(phase: Phase): UnitPhase {
  switch (phase) {
    case 'audit':
      return 'audit'
    case 'publish':
    case 'register':
    case 'report':
      return 'publish'
    default:
      return 'write'
  }
}
