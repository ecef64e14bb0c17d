/**
 * Keeps a worker within its memory limit: warns and cleans up at 70 %, has the chunk halved if that did
 * not help, and stops the work with a resumable error at the limit, before the operating system does.
 */
import { ResourceError } from '../errors.js'
import type { Logger } from '../logging.js'
import type { MemorySampler } from './memory-sampler.js'

const HIGH_SHARE = 0.7

// Collecting garbage takes tens of milliseconds; at each chunk it would be most of the work.
const CLEANUP_INTERVAL_MS = 2_000

/** What the caller is to do: go on, or take half as many rows a chunk from now on. */
export type MemoryAdvice = 'steady' | 'halve'

/** What a guard needs. */
export interface MemoryGuardOptions {
  /** Resident memory that this process may have, in MB. */
  readonly limitMb: number
  readonly sampler: MemorySampler
  readonly log: Logger
  /** Milliseconds that only grow. Default: the process's clock. */
  readonly now?: () => number
  /** Collects garbage. Default: Node's, where it runs with `--expose-gc`. */
  readonly collect?: () => void
}

/** Watches the memory of this process. */
export class MemoryGuard {
  readonly #limitMb: number
  readonly #sampler: MemorySampler
  readonly #log: Logger
  readonly #now: () => number
  readonly #collect: () => void
  readonly #releases = new Set<() => void>()
  #cleanedAt = Number.NEGATIVE_INFINITY
  #warned = false
  #cleaning = false

  constructor(options: MemoryGuardOptions) {
    this.#limitMb = options.limitMb
    this.#sampler = options.sampler
    this.#log = options.log
    this.#now = options.now ?? (() => performance.now())
    this.#collect = options.collect ?? (() => globalThis.gc?.())
  }

  /** Registers something that can be given up under pressure: a cache, spare buffers. @returns takes it off again */
  onPressure(release: () => void): () => void {
    this.#releases.add(release)
    return () => {
      this.#releases.delete(release)
    }
  }

  /** Whether so much is in use that nothing more should be begun beside what runs. */
  get isHigh(): boolean {
    return this.#sampler.sample() >= this.#limitMb * HIGH_SHARE
  }

  /**
   * Call between two chunks.
   * @throws ResourceError ETL3-ME-01 at the limit, when cleaning up did not help
   * @throws the signal's reason when it is aborted
   */
  ease(signal: AbortSignal): MemoryAdvice {
    signal.throwIfAborted()
    const before = this.#sampler.sample()
    if (before < this.#limitMb * HIGH_SHARE) {
      this.#warned = false
      return 'steady'
    }
    const atLimit = before >= this.#limitMb
    if (!atLimit && this.#now() - this.#cleanedAt < CLEANUP_INTERVAL_MS) return 'steady'
    if (!this.#warned) {
      this.#warned = true
      this.#log.warn('Memory is high, cleaning up', this.#figures(before))
    }
    const after = this.#cleanUp()
    if (after >= this.#limitMb) throw this.#overLimit(after)
    if (after < this.#limitMb * HIGH_SHARE) return 'steady'
    this.#log.warn('Memory still high after cleanup, halving the chunk', this.#figures(after))
    return 'halve'
  }

  /**
   * Does something long (a query, an activity) and aborts it when memory reaches the limit meanwhile.
   * @throws ResourceError ETL3-ME-01 instead of whatever the aborted work throws
   */
  async watch<T>(signal: AbortSignal, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController()
    const off = this.#sampler.onSample((residentMb) => {
      if (residentMb < this.#limitMb || this.#cleaning || limit.signal.aborted) return
      const after = this.#cleanUp()
      if (after >= this.#limitMb) limit.abort(this.#overLimit(after))
    })
    try {
      return await act(AbortSignal.any([signal, limit.signal]))
    } catch (cause) {
      throw limit.signal.aborted ? limit.signal.reason : cause
    } finally {
      off()
    }
  }

  #cleanUp(): number {
    // Looking at the memory afterwards calls the watchers again.
    this.#cleaning = true
    try {
      for (const release of this.#releases) release()
      this.#collect()
      this.#cleanedAt = this.#now()
      return this.#sampler.sample()
    } finally {
      this.#cleaning = false
    }
  }

  #overLimit(residentMb: number): ResourceError {
    const { resident, limit } = this.#figures(residentMb)
    return new ResourceError(
      'ETL3-ME-01',
      `the worker reached its memory limit [resident=${resident} MB, limit=${limit} MB]`,
      {
        hint: 'What is finished is kept: run again with a higher --memory-limit, or with fewer --max-workers, which share it. `etl3 memory-test` says what will fit.',
      },
    )
  }

  #figures(residentMb: number): { readonly resident: number; readonly limit: number } {
    return { resident: Math.round(residentMb), limit: this.#limitMb }
  }
}
