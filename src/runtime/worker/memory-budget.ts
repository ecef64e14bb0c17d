/**
 * How the memory limit is split, in one place (docs/architecture.md, Memory). The limit is a budget for resident memory: Node, Temporal's
 * core, the engine and all buffers together.
 */
import { ConfigError } from '../errors.js'

// Measured on Linux x86_64 with Node 20: a worker that has DuckDB open and has run 100 activities has 199 MB resident
// (31 MB of it JavaScript heap), with two allocator arenas.
const BASE_MB = 208

// Measured: the engine sorts the 816,329 facts of the real star, all columns, with a limit of 96 MB and not with 64.
const SMALLEST_ENGINE_MB = 96

// Measured: with 32 MB of reserve and a limit of 384 MB the real star came through with a peak of 388 MB; what exceeds
// is the engine, which overshoots its limit while it sorts, and the fragmentation that it leaves.
const SMALLEST_RESERVE_MB = 96
const SMALLEST_BUFFERS_MB = 16
const SMALLEST_HEAP_GROWTH_MB = 32

/** The part of the heap that is in use, and so in {@link BASE_MB}, before any data is touched. */
const BASE_HEAP_MB = 48

/** Shares of what one worker has above the smallest: heap, engine, buffers; the rest is reserve. */
const HEAP_SHARE = 0.2
const ENGINE_SHARE = 0.35
const BUFFERS_SHARE = 0.25

/** Smallest memory for one worker, in MB. */
export const SMALLEST_WORKER_MB =
  BASE_MB + SMALLEST_ENGINE_MB + SMALLEST_RESERVE_MB + SMALLEST_BUFFERS_MB + SMALLEST_HEAP_GROWTH_MB

/** How much each part of one worker process may take, in MB. */
export interface MemoryBudget {
  /** Resident memory of this worker. */
  readonly limitMb: number
  /** `--max-old-space-size` */
  readonly nodeHeapMb: number
  /** `--max-semi-space-size` */
  readonly semiSpaceMb: number
  /** DuckDB's `memory_limit`. */
  readonly engineMb: number
  /**
   * Buffers outside the JavaScript heap. The audit of the input keeps to it: what needs more is left out and told.
   * While a unit is written, the window of facts and the encoder's pages are here; their sizes are constants of the
   * code, whatever the limit.
   */
  readonly buffersMb: number
  /** What nobody may plan with: the engine's overshoot, fragmentation, a burst. */
  readonly reserveMb: number
}

/**
 * Splits the limit between worker processes, and each share between heap, engine, buffers and reserve.
 * @throws ConfigError ETL3-ME-03 when a worker cannot work with its share; it says the smallest limit that can
 */
export function splitBudget(limitMb: number, workers: number): MemoryBudget {
  const share = Math.floor(limitMb / workers)
  if (share < SMALLEST_WORKER_MB) {
    const smallest = SMALLEST_WORKER_MB * workers
    const forWorkers = workers === 1 ? '' : ` for ${workers} workers`
    throw new ConfigError(
      'ETL3-ME-03',
      `a memory limit of ${limitMb} MB cannot work${forWorkers}: the smallest that can is ${smallest} MB [processing.memory_limit_mb=${limitMb}]`,
      { hint: `Set --memory-limit ${smallest} or more${workers === 1 ? '' : ', or fewer --max-workers'}.` },
    )
  }
  const above = share - SMALLEST_WORKER_MB
  const heapGrowthMb = SMALLEST_HEAP_GROWTH_MB + Math.floor(above * HEAP_SHARE)
  const engineMb = SMALLEST_ENGINE_MB + Math.floor(above * ENGINE_SHARE)
  const buffersMb = SMALLEST_BUFFERS_MB + Math.floor(above * BUFFERS_SHARE)
  return {
    limitMb: share,
    nodeHeapMb: BASE_HEAP_MB + heapGrowthMb,
    semiSpaceMb: share < 1024 ? 8 : 16,
    engineMb,
    buffersMb,
    reserveMb: share - BASE_MB - heapGrowthMb - engineMb - buffersMb,
  }
}

/** What another process may take while this worker has no engine open and writes nothing, in MB. */
export function spareMb({ engineMb, buffersMb, reserveMb }: MemoryBudget): number {
  return engineMb + buffersMb + reserveMb
}

/** One line for people: the split of one worker. */
export function describeBudget(budget: MemoryBudget): string {
  const { limitMb, nodeHeapMb, engineMb, buffersMb, reserveMb } = budget
  const baseMb = BASE_MB - BASE_HEAP_MB
  return `${limitMb} MB = program ${baseMb} + JavaScript heap ${nodeHeapMb} + engine ${engineMb} + buffers ${buffersMb} + reserve ${reserveMb}`
}
