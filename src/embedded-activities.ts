/** The activities for a worker that somebody else makes. */
import { join } from 'node:path'
import { createActivities } from './activities/index.js'
import type { Etl3Activities } from './contract/activities.js'
import { type Logger, SILENT_LOGGER } from './runtime/logging.js'
import { splitBudget } from './runtime/worker/memory-budget.js'
import { MemoryGuard } from './runtime/worker/memory-guard.js'
import { MemorySampler } from './runtime/worker/memory-sampler.js'

/** What the activities need of the process that they run in. */
export interface EmbeddedOptions {
  /** Resident memory of this process, in MB; ETL3 stays below it. Default: 1024. */
  readonly memoryLimitMb?: number
  /** Local folder for spill files and fetched objects. Default: `.etl3/scratch` under the working directory. */
  readonly scratch?: string
  /** Default: nothing is logged. */
  readonly log?: Logger
  /** Environment in which configurations are resolved (ETL3_* variables). Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Activities, and how to end what watches over them. */
export interface EmbeddedActivities {
  /** For `activities` of a Temporal worker. Give the worker one activity slot: the memory is split for one. */
  readonly activities: Etl3Activities
  /** Stops the memory sampler. Call it when the worker has ended. */
  close(): void
}

/**
 * Makes the activities of ETL3. Start Node with `--expose-gc` and a heap that fits (`--max-old-space-size`, a third of the
 * limit does), as `etl3 worker` does by itself.
 *
 * @throws ConfigError ETL3-ME-03 when the limit is too small to work with
 */
export function createEmbeddedActivities(options: EmbeddedOptions = {}): EmbeddedActivities {
  const { memoryLimitMb = 1024, scratch = join('.etl3', 'scratch'), log = SILENT_LOGGER, env = process.env } = options
  const budget = splitBudget(memoryLimitMb, 1)
  const sampler = new MemorySampler()
  sampler.start()
  const memory = new MemoryGuard({ limitMb: budget.limitMb, sampler, log })
  return {
    activities: createActivities({ log, budget, memory, sampler, scratch }, env),
    close: () => sampler.stop(),
  }
}
