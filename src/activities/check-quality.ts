/** The quality gate after the plan: the rules that look at the whole. Leaves `quality.json`. */

import { describeViolation, judge, requirePassed } from '../quality/gate.js'
import { IntegrityError } from '../runtime/errors.js'
import type { ActivityDeps } from './deps.js'
import { findPlan } from './plan-partitions.js'
import { openContext } from './run-context.js'
import type { ActivityScope } from './scope.js'
import { findScreen } from './screen-facts.js'
import { inputsRecord } from './staging.js'
import type { Checked, Measured, RunRef } from './types.js'

/** @throws QualityError ETL3-QA-01 when a rule of severity error was violated; IntegrityError ETL3-QA-02 when the ledger does not balance */
export function checkQuality(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<Checked, keyof Measured>> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const screen = await findScreen(context, signal)
    const plan = await findPlan(context, signal)
    if (!screen || !plan) throw new Error(`run ${ref.runId} has no screen or no plan yet`)
    const read = (await inputsRecord(context, signal)).findings.find((t) => t.name === 'fact_rate')?.rows ?? 0
    if (read !== screen.facts) {
      throw new IntegrityError('ETL3-QA-02', `${read} facts were read and ${screen.facts} staged`, {
        hint: 'Nothing was published. This is a defect of ETL3: please report it with the run folder.',
      })
    }
    requirePassed(screen.rules)
    const { warnings } = judge(screen.rules)
    for (const warning of warnings) deps.log.warn(describeViolation(warning))
    const record = await context.records.save(
      'quality.json',
      {
        formatVersion: 1,
        facts: { read, written: screen.facts - screen.quarantined, quarantined: screen.quarantined },
        rules: screen.rules,
      },
      signal,
    )
    return { record, warnings: 0 }
  }
}
