/** Sets aside the facts that break a rule. Leaves `quarantine/facts.parquet` and `screen.json`. */
import { join } from 'node:path'
import type { Measured, RunRef, Screened } from '../contract/activities.js'
import { requireNoWarnings, requirePassed, warningsOf } from '../quality/gate.js'
import { requirePatterns } from '../quality/patterns.js'
import { type ScreenRecord, screenRecordSchema } from '../quality/quality-record.js'
import { ruleSetOf } from '../quality/rule-set.js'
import { runStatements } from '../quality/run-statements.js'
import { screenFacts as screen } from '../quality/screen.js'
import type { SandboxPaths } from '../quality/statement-messages.js'
import { QUARANTINE, SCREEN_RECORD } from '../records/names.js'
import { stagedFetcher, stagedName } from '../records/staged.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { spareMb } from '../runtime/worker/memory-budget.js'
import type { ActivityDeps } from './deps.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<Screened, keyof Measured>

/**
 * Screens the staged facts.
 *
 * @throws QualityError ETL3-QA-01 when a rule that stops the run was violated
 * @throws QualityWarning ETL3-QA-03 when a rule was violated, warnings stop the run, and it is a plan: other runs come to
 * the gate after the plan, which judges all warnings together
 */
export function screenFacts(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const done = await findScreen(context, signal)
    const record = done ?? (await screenStaged(context, deps, signal))
    requirePassed(record.rules)
    const warnings = warningsOf(record.rules)
    if (ref.mode === 'plan') requireNoWarnings(record.rules, context.config.data_quality.fail_on)
    for (const warning of warnings) deps.log.warn(warning)
    const reference = await context.records.reference(SCREEN_RECORD, signal)
    if (!reference) throw new Error('screen.json was not stored')
    return { record: reference, facts: record.facts, quarantined: record.quarantined, warnings: warnings.length }
  }
}

/** The screen's record, or undefined before it ran. */
export async function findScreen({ records }: RunContext, signal: AbortSignal): Promise<ScreenRecord | undefined> {
  return await records.find(SCREEN_RECORD, (value) => screenRecordSchema.parse(value), signal)
}

async function screenStaged(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<ScreenRecord> {
  const { records, config, scratch, record: run } = context
  const fetch = stagedFetcher(context, signal)
  const paths = {
    facts: await fetch('facts'),
    attrs: await fetch('attrs'),
    codes: await fetch('codes'),
    groups: await fetch('groups'),
  }
  const factFiles = run.inputs.find(({ name }) => name === 'fact_rate')?.files.map(({ path }) => path) ?? []
  const rules = ruleSetOf(config.data_quality, new Date(run.startedAt))
  const sandboxPaths = async (): Promise<SandboxPaths> => ({
    ...paths,
    npis: await fetch('npis'),
    members: await fetch('members'),
    cells: await fetch('cells'),
    benchmarks: await fetch('benchmarks'),
  })
  const statements =
    rules.sql.length === 0
      ? new Map()
      : await runStatements(rules.sql, await sandboxPaths(), {
          memoryMb: spareMb(deps.budget),
          scratch,
          signal,
          onPeak: (peakBytes) => deps.sampler.besides(peakBytes),
        })
  const findings = await withScratchFolder(scratch, 'screen', async (folder) => {
    const found = await withEngine(deps, scratch, signal, async (engine) => {
      await requirePatterns(engine, rules.patterns)
      return await screen(engine, { ...paths, factFiles }, rules, statements, folder)
    })
    await records.putFile(stagedName('quarantined'), join(folder, 'quarantined.parquet'), signal)
    await records.putFile(QUARANTINE, join(folder, 'quarantine.parquet'), signal)
    return found
  })
  const record: ScreenRecord = { formatVersion: 1, ...findings }
  await records.save(SCREEN_RECORD, record, signal)
  return record
}
