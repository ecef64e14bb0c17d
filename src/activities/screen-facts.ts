/** Sets aside the facts that break a rule. Leaves `quarantine/facts.parquet` and `screen.json`. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { describeViolation, judge, requirePassed } from '../quality/gate.js'
import { factRules } from '../quality/rules.js'
import { screenFacts as screen } from '../quality/screen.js'
import type { ActivityDeps } from './deps.js'
import { openContext, type RunContext, stagedName, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { Measured, RunRef, Screened } from './types.js'

/** Result of a quality rule as records keep it. */
export const ruleResultSchema = z.object({
  name: z.string(),
  severity: z.enum(['error', 'warn']),
  meaning: z.string(),
  checked: z.number(),
  failed: z.number(),
  share: z.number(),
  maxShare: z.number(),
  violated: z.boolean(),
  examples: z.array(z.string()).readonly(),
})

const screenRecordSchema = z.object({
  formatVersion: z.literal(1),
  facts: z.number(),
  quarantined: z.number(),
  rules: z.array(ruleResultSchema).readonly(),
})

/** `screen.json`: what the rules on single facts gave. */
export type ScreenRecord = z.output<typeof screenRecordSchema>

type Answer = Omit<Screened, keyof Measured>

/** Screens the staged facts. @throws QualityError ETL3-QA-01 when a rule of severity error was violated */
export function screenFacts(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const done = await findScreen(context, signal)
    const record = done ?? (await screenStaged(context, deps, signal))
    requirePassed(record.rules)
    const { warnings } = judge(record.rules)
    for (const warning of warnings) deps.log.warn(describeViolation(warning))
    const reference = await context.records.reference('screen.json', signal)
    if (!reference) throw new Error('screen.json was not stored')
    return { record: reference, facts: record.facts, quarantined: record.quarantined, warnings: warnings.length }
  }
}

/** The screen's record, or undefined before it ran. */
export async function findScreen({ records }: RunContext, signal: AbortSignal): Promise<ScreenRecord | undefined> {
  return await records.find('screen.json', (value) => screenRecordSchema.parse(value), signal)
}

async function screenStaged(context: RunContext, deps: ActivityDeps, signal: AbortSignal): Promise<ScreenRecord> {
  const { records, config, scratch } = context
  const fetch = (name: 'facts' | 'attrs' | 'codes' | 'groups'): Promise<string> =>
    records.store.fetchLocal(records.key(stagedName(name)), scratch, signal)
  const paths = {
    facts: await fetch('facts'),
    attrs: await fetch('attrs'),
    codes: await fetch('codes'),
    groups: await fetch('groups'),
  }
  const folder = join(scratch, `screen-${process.pid}-${performance.now()}`)
  mkdirSync(folder, { recursive: true })
  const { data_quality: quality } = config
  const findings = await withEngine(deps, scratch, signal, (engine) =>
    screen(engine, paths, factRules(quality), quality.unique_fact_uid.severity, folder),
  )
  await records.putFile(stagedName('quarantined'), join(folder, 'quarantined.parquet'), signal)
  await records.putFile('quarantine/facts.parquet', join(folder, 'quarantine.parquet'), signal)
  rmSync(folder, { recursive: true, force: true })
  const record: ScreenRecord = { formatVersion: 1, ...findings }
  await records.save('screen.json', record, signal)
  return record
}
