/** What moved between the rates that two runs left. */
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import { withQueryScratch } from '../lake/query-scratch.js'
import { openMetadata } from '../lake/stores.js'
import { findRates, RATES_BY_PAYER } from '../records/rates.js'
import { RunRecords } from '../records/records.js'
import { takeRateMoves } from '../report/rate-moves.js'
import type { RateMoves } from '../report/run-report.js'

/** Two runs, by their ids. */
export interface RunsToCompare {
  readonly config: Config
  readonly before: string
  readonly after: string
  readonly signal: AbortSignal
}

/** Compares the rates of two runs; undefined where one of them kept none. */
export async function compareRates({ config, before, after, signal }: RunsToCompare): Promise<RateMoves | undefined> {
  const store = openMetadata(config)
  const runs = [before, after].map((runId) => new RunRecords(store, runId))
  for (const records of runs) if (!(await findRates({ records }, signal))) return undefined
  return await withQueryScratch(config.processing.scratch, async (scratch) => {
    const local = async (runId: string): Promise<string> =>
      await store.fetchLocal(new RunRecords(store, runId).key(RATES_BY_PAYER), join(scratch, runId), signal)
    const paths = { before: await local(before), after: await local(after) }
    return await withEngine({ memoryLimitMb: ENGINE_MB.rates, threads: 1, scratch }, signal, (engine) =>
      takeRateMoves(engine, paths),
    )
  })
}
