/** The quality gate after the plan: the rules that look at the whole. Leaves `quality.json`. */

import type { Checked, Measured, RunRef } from '../contract/activities.js'
import { checkTable } from '../quality/check-table.js'
import { requireNoWarnings, requirePassed, warningsOf } from '../quality/gate.js'
import {
  type QualityRecord,
  qualityRecordSchema,
  type RuleResult,
  type ScreenRecord,
} from '../quality/quality-record.js'
import { inOrder } from '../quality/rule-order.js'
import { ruleSetOf } from '../quality/rule-set.js'
import { fetchPlan } from '../records/plan.js'
import { RunRecords } from '../records/records.js'
import { stagedPaths } from '../records/staged.js'
import { IntegrityError } from '../runtime/errors.js'
import { contractOf } from '../star/contract.js'
import type { ActivityDeps } from './deps.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import { findScreen } from './screen-facts.js'
import { inputsRecord } from './staging.js'

/** Name of the record. */
const QUALITY = 'quality.json'

/**
 * Applies the rules on the table as a whole, and judges them with those of the screen.
 *
 * @throws QualityError ETL3-QA-01 when a rule that stops the run was violated
 * @throws QualityWarning ETL3-QA-03 when a rule was violated and warnings stop the run
 * @throws IntegrityError ETL3-QA-02 when the ledger does not balance
 */
export function checkQuality(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<Checked, keyof Measured>> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const { records, config } = context
    const screen = await findScreen(context, signal)
    if (!screen) throw new Error(`run ${ref.runId} has no screen yet`)
    const { rules } = (await findQuality(records, signal)) ?? (await check(context, screen, deps, signal))
    requirePassed(rules)
    requireNoWarnings(rules, config.data_quality.fail_on)
    // What the screen has told is not told again.
    const screened = new Set(screen.rules.map(placeOf))
    const warnings = warningsOf(rules.filter((r) => !screened.has(placeOf(r))))
    for (const warning of warnings) deps.log.warn(warning)
    const reference = await records.reference(QUALITY, signal)
    if (!reference) throw new Error(`${QUALITY} was not stored`)
    return { record: reference, warnings: warnings.length }
  }
}

function placeOf({ name, subject }: RuleResult): string {
  return JSON.stringify([name, subject])
}

/** The record of a run, or undefined before it was judged. */
export async function findQuality(records: RunRecords, signal: AbortSignal): Promise<QualityRecord | undefined> {
  return await records.find(QUALITY, (value) => qualityRecordSchema.parse(value), signal)
}

async function check(
  context: RunContext,
  screen: ScreenRecord,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<QualityRecord> {
  const { records, record: run, config, layout, scratch } = context
  const { findings } = await inputsRecord(context, signal)
  const rules = ruleSetOf(config.data_quality, new Date(run.startedAt))
  const paths = await stagedPaths(context, signal)
  const plan = await fetchPlan({ records, scratch }, signal)
  const before = await figuresOf(context, run.replaces, signal)
  const table = await withEngine(deps, scratch, signal, (engine) =>
    checkTable({
      engine,
      paths,
      plan,
      rules,
      partitionColumns: layout.columns,
      dimensions: findings.filter((t) => t.files > 0 && t.name !== 'fact_rate' && contractOf(t.name).key.length > 0),
      before,
    }),
  )
  const facts = {
    read: findings.find((t) => t.name === 'fact_rate')?.rows ?? 0,
    written: table.facts,
    quarantined: screen.quarantined,
  }
  if (facts.read !== facts.written + facts.quarantined) {
    throw new IntegrityError(
      'ETL3-QA-02',
      `${facts.read} facts were read, but ${facts.written} are to be written and ${facts.quarantined} are set aside`,
      { hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.' },
    )
  }
  const record: QualityRecord = {
    formatVersion: 1,
    asOf: run.startedAt,
    facts,
    figures: table.figures,
    rules: inOrder([...screen.rules, ...table.rules], rules.order),
  }
  await records.save(QUALITY, record, signal)
  return record
}

/** Figures of the published run. One of another version, or whose records are gone, is no run to compare with. */
async function figuresOf(
  { records }: RunContext,
  published: string | null,
  signal: AbortSignal,
): Promise<QualityRecord['figures'] | undefined> {
  if (published === null) return undefined
  const record = await new RunRecords(records.store, published).find(
    QUALITY,
    (value) => qualityRecordSchema.safeParse(value).data,
    signal,
  )
  return record?.figures
}
