/** The run's tables of rates: taken once, before anything is published, for the catalog and for all reports of the run. */
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { RATE_FILES, takeRates } from '../rates/take-rates.js'
import { findPlan } from '../records/plan.js'
import { findRates, RATES, RATES_BY_PAYER, RATES_RECORD } from '../records/rates.js'
import { stagedPaths } from '../records/staged.js'
import { IntegrityError } from '../runtime/errors.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import type { ActivityDeps } from './deps.js'
import { type RunContext, withEngine } from './run-context.js'

/** Local copies of the two files. */
export interface LocalRates {
  readonly byState: string
  readonly byPayer: string
}

/**
 * Takes the rates of the staged star, unless the run has them. Leaves `rates.parquet`, `rates_by_payer.parquet` and
 * `rates.json`.
 *
 * @throws IntegrityError ETL3-AU-09 when they do not add up to the rows of the plan
 */
export async function keepRates(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<void> {
  if (await findRates(context, signal)) return
  await withEngine(deps, context.scratch, signal, (engine) => takeRatesWith(engine, context, signal))
}

/** As {@link keepRates}, with an engine that is open. */
export async function keepRatesWith(engine: Engine, context: RunContext, signal: AbortSignal): Promise<void> {
  if (!(await findRates(context, signal))) await takeRatesWith(engine, context, signal)
}

async function takeRatesWith(engine: Engine, context: RunContext, signal: AbortSignal): Promise<void> {
  const { records, scratch } = context
  const plan = await findPlan(context, signal)
  if (!plan) throw new Error(`run ${records.runId} has no plan`)
  const paths = await stagedPaths(context, signal)
  await withScratchFolder(scratch, 'rates', async (folder) => {
    const totals = await takeRates(engine, paths, folder)
    if (totals.rows !== plan.rows) {
      throw new IntegrityError('ETL3-AU-09', `the rates are those of ${totals.rows} rows, the plan has ${plan.rows}`, {
        hint: 'Run again. If the error persists, report it; nothing was published.',
      })
    }
    // Workers that write units at once all begin: a file that a record vouches for is not put again.
    if (await findRates(context, signal)) return
    await records.putFile(RATES, join(folder, RATE_FILES.byState), signal)
    await records.putFile(RATES_BY_PAYER, join(folder, RATE_FILES.byPayer), signal)
    await records.save(RATES_RECORD, { formatVersion: 1, ...totals }, signal)
  })
}

/** The run's rates on this machine, taken now where an earlier version of ETL3 did the steps before. */
export async function localRates(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<LocalRates> {
  await keepRates(context, deps, signal)
  const { records, scratch } = context
  const local = (name: string): Promise<string> => records.store.fetchLocal(records.key(name), scratch, signal)
  return { byState: await local(RATES), byPayer: await local(RATES_BY_PAYER) }
}
