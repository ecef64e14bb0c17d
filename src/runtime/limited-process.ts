/** A process of this installation that the kernel holds to an amount of memory. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/** How much it may take, in MB. */
export interface ProcessLimits {
  /** `--max-old-space-size`. */
  readonly heapMb: number
  /**
   * Private memory that it may write to: heap, stacks and whatever it allocates. An allocation beyond that fails, in the
   * process, at once (`RLIMIT_DATA`). Linux keeps to it; other systems may not, so a process also looks at itself.
   */
  readonly dataMb: number
}

const SEMI_SPACE_MB = 4

/** The shell sets the limit and becomes the program. A limit that is lower already stays. */
const LIMITED = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"'

/**
 * Starts a script with Node. Nothing of this process's environment is handed on: settings and secrets stay here.
 *
 * @param options of `spawn`, without `env`
 */
export function startLimited(
  entry: string,
  { heapMb, dataMb }: ProcessLimits,
  options: Omit<SpawnOptions, 'env'>,
): ChildProcess {
  const program = [
    process.execPath,
    `--max-old-space-size=${heapMb}`,
    `--max-semi-space-size=${SEMI_SPACE_MB}`,
    // Each thread counts with its whole stack.
    '--v8-pool-size=1',
    entry,
  ]
  return spawn('/bin/sh', ['-c', LIMITED, 'sh', String(dataMb * 1024), ...program], {
    ...options,
    env: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '2' },
  })
}
