/** A run's progress with what its activities are at just now: the workflow knows finished units only. */
import type { Phase, Progress } from '../../contract/messages.js'
import type { Heartbeat } from './heartbeat.js'

/** A step that failed and is tried again. */
export interface Retry {
  /** Name of the activity. */
  readonly step: string
  /** The attempt that runs or is waited for: 2 for the first retry. */
  readonly attempt: number
  /** Why the one before failed; data values may stand in it. */
  readonly reason: string
}

/** Progress, and what the activities that are pending say just now. */
export interface LiveProgress extends Progress {
  /** Steps that are tried again; missing where there are none. */
  readonly retries?: readonly Retry[] | undefined
  /** Resident memory of the worker that has most, in MB, as limit and peak are those of one; undefined where none says. */
  readonly memoryMb?: number | undefined
}

/** So much of so much. */
export interface Amount {
  readonly done: number
  readonly total: number
}

/** Adds what unfinished units have done. `heartbeats` are those of the activities that are pending. */
export function withPendingWork(progress: Progress, heartbeats: readonly Heartbeat[]): LiveProgress {
  const current = heartbeats.filter(({ phase }) => phase === progress.phase)
  const sum = (key: 'rows' | 'partitions'): number => current.reduce((total, beat) => total + (beat[key] ?? 0), 0)
  const memory = heartbeats.flatMap(({ memoryMb }) => memoryMb ?? [])
  const memoryMb = memory.length === 0 ? undefined : Math.max(...memory)
  return {
    ...progress,
    ...pendingCounts(progress, sum('rows'), sum('partitions')),
    // What a worker has now may be more than any finished step has told.
    ...(memoryMb === undefined ? {} : { memoryMb, peakMemoryMb: Math.max(memoryMb, progress.peakMemoryMb) }),
  }
}

function pendingCounts(progress: Progress, rows: number, partitions: number): Partial<Progress> {
  if (progress.phase !== 'write' && progress.phase !== 'publish') return {}
  const analytics = analyticsUnderWay(progress)
  if (analytics) return { analyticsRows: plus(analytics, rows) }
  return { rows: plus(progress.rows, rows), partitions: plus(progress.partitions, partitions) }
}

/** The analytics table's rows, once all partitions are written and it is its files' turn. */
function analyticsUnderWay({ phase, units, analyticsRows }: Progress): Amount | undefined {
  const isTurn = phase === 'write' && units.done >= units.total
  return isTurn && analyticsRows && analyticsRows.total > 0 ? analyticsRows : undefined
}

/** What is counted in a phase, and in which unit. */
export interface CountedWork extends Amount {
  readonly noun: 'rows' | 'partitions' | 'files'
  /** What they are of, where that is not the partitions. */
  readonly of?: string
}

const COUNTED: { readonly [P in Phase]?: (progress: LiveProgress) => CountedWork | undefined } = {
  // One file tells nothing before it is done.
  stage: ({ files }) => (files && files.total > 1 ? { ...files, noun: 'files' } : undefined),
  write: (progress) => {
    const analytics = analyticsUnderWay(progress)
    return analytics ? { ...analytics, noun: 'rows', of: 'the analytics table' } : { ...progress.rows, noun: 'rows' }
  },
  audit: ({ partitions }) => ({ ...partitions, noun: 'partitions' }),
  publish: ({ partitions }) => ({ ...partitions, noun: 'partitions' }),
}

/** The work of the phase that runs, where it can be counted. */
export function countedWork(progress: LiveProgress): CountedWork | undefined {
  const work = COUNTED[progress.phase]?.(progress)
  return work && work.total > 0 ? work : undefined
}

function plus({ done, total }: Amount, more: number): Amount {
  return { done: Math.min(total, done + more), total }
}
