/** Chunks: about so many enriched rows between two heartbeats, memory checks and cancellation points. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MemoryGuard } from '../runtime/worker/memory-guard.js'
import type { ActivityScope } from './scope.js'

/** Smallest chunk that memory pressure leads to. */
const SMALLEST_CHUNK_ROWS = 100

/**
 * Chunks that end sooner after the last pause go on without one. Looking at the memory takes 0.1 ms, which after each
 * chunk of 500 rows was a twentieth of the writing.
 */
const SHORTEST_STEP_MS = 10

/** Counts rows and pauses between chunks. */
export class Chunks {
  readonly #memory: MemoryGuard
  readonly #scope: ActivityScope
  #chunkRows: number
  #inChunk = 0
  #total = 0
  #pausedAt = performance.now()

  constructor(chunkRows: number, memory: MemoryGuard, scope: ActivityScope) {
    this.#chunkRows = chunkRows
    this.#memory = memory
    this.#scope = scope
  }

  /**
   * Counts rows that were written; at the end of a chunk it reports, checks memory and lets other work of the process
   * go on (heartbeats, cancellation).
   *
   * @throws the signal's reason when the run is cancelled; ResourceError ETL3-ME-01 at the memory limit
   */
  async add(rows: number, details: Readonly<Record<string, number>>): Promise<void> {
    this.#inChunk += rows
    this.#total += rows
    if (this.#inChunk < this.#chunkRows) return
    this.#inChunk = 0
    const now = performance.now()
    if (now - this.#pausedAt < SHORTEST_STEP_MS) return
    this.#pausedAt = now
    await nextTurn()
    this.#scope.heartbeat({ rows: this.#total, ...details })
    if (this.#memory.ease(this.#scope.signal) === 'halve') {
      this.#chunkRows = Math.max(SMALLEST_CHUNK_ROWS, Math.floor(this.#chunkRows / 2))
    }
  }
}
