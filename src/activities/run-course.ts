/** How a run went, from what the workflow knows and what its workers noted. */

import type { ReportInput } from '../contract/activities.js'
import type { WorkerRecord } from '../records/worker.js'
import type { RunCourse } from '../report/run-report.js'

/** What a phase goes through, by its name. */
export type PhaseAmounts = Readonly<Record<string, { readonly count: number; readonly unit: string }>>

/** What is needed besides. */
export interface CourseInput {
  readonly input: Pick<ReportInput, 'startedAtMs' | 'seconds' | 'memoryByPhase'>
  readonly workers: readonly WorkerRecord[]
  readonly amounts: PhaseAmounts
}

const MS_PER_SECOND = 1000

/** Puts together phases, memory and retries. What workers noted before this execution of the run began is left out. */
export function courseOf({ input, workers, amounts }: CourseInput): RunCourse {
  const { startedAtMs, seconds, memoryByPhase } = input
  const at = (ms: number): number => rounded((ms - startedAtMs) / MS_PER_SECOND)
  const notes = workers.flatMap((w) => w.phases).filter((p) => p.atMs >= startedAtMs)
  return {
    phases: Object.entries(seconds)
      // The report itself is not done when it is written.
      .filter(([phase]) => phase !== 'total' && phase !== 'report')
      .map(([phase, taken]) => {
        const starts = notes.filter((p) => p.phase === phase).map((p) => p.atMs)
        return {
          phase,
          startSeconds: starts.length === 0 ? null : at(Math.min(...starts)),
          seconds: taken,
          peakMemoryMb: memoryByPhase[phase] ?? null,
          amount: amounts[phase] ?? null,
        }
      }),
    memory: workers.map((w) => curveOf(w, startedAtMs)).filter((m) => m.peaksMb.length > 0),
    workerLimitMb: Math.max(0, ...workers.map((w) => w.limitMb)),
    activities: workers.reduce((sum, w) => sum + w.activities, 0),
    retries: workers
      .flatMap((w) => w.retries)
      .filter((r) => r.atMs >= startedAtMs)
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ atMs, activity, attempt, failure }) => ({ atSeconds: at(atMs), activity, attempt, failure })),
  }
}

function curveOf({ worker, memory }: WorkerRecord, startedAtMs: number): RunCourse['memory'][number] {
  const { startMs, stepMs, peaksMb } = memory
  const early = Math.max(0, Math.ceil((startedAtMs - startMs) / stepMs))
  return {
    worker,
    startSeconds: rounded((startMs + early * stepMs - startedAtMs) / MS_PER_SECOND),
    stepSeconds: stepMs / MS_PER_SECOND,
    peaksMb: peaksMb.slice(early),
  }
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100
}
