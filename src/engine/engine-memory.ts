/**
 * How much memory DuckDB may take, in MB, wherever a command or a catalog opens it for itself. What it may take in the
 * steps of a run is a part of the worker's budget (`src/runtime/worker/memory-budget.ts`).
 */
export const ENGINE_MB = {
  /**
   * Writing the embedded catalog (measured: enough for 300,000 partitions), or finding how Glue's differs from what is
   * due (30,000 on both sides).
   */
  catalog: 64,
  /** Reading the keys of a manifest. */
  keys: 128,
  /** Comparing the rates of two runs; what is more spills. */
  rates: 128,
  /** Taking the largest partitions and the rates of a run for a page; what is more spills. */
  explore: 128,
  /** Gathering an answer of Athena's for a file; more rows spill. */
  answer: 128,
  /** Explaining a plan, or comparing layouts. */
  planAnswers: 512,
  /** Writing the demo star, and a large star for measurements. */
  demoStar: 160,
  largeStar: 1024,
} as const

// Measured on Linux x86_64 with Node 20: a query that streams rows has up to 176 MB resident beside the engine, and the
// engine exceeds its own limit by up to a quarter.
const QUERY_PROGRAM_MB = 176
const QUERY_ENGINE_SHARE = 0.8
const SMALLEST_QUERY_ENGINE_MB = 64

/** What DuckDB may take for a query in a process that may have `limitMb` resident, in MB. */
export function queryEngineMb(limitMb: number): number {
  return Math.max(SMALLEST_QUERY_ENGINE_MB, Math.floor((limitMb - QUERY_PROGRAM_MB) * QUERY_ENGINE_SHARE))
}
