/** Audits one unit; nothing was published yet. Leaves `audited/<n>.json`. */

import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import { auditUnit } from '../object-audit/audit-unit.js'
import { type AuditedRecord, findAudited, saveAudited } from '../records/audited.js'
import { fetchPlan } from '../records/plan.js'
import { stagedPaths } from '../records/staged.js'
import { type LedgerEntry, objectName, parseUnitRecord, unitRecordName } from '../records/unit.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import type { ActivityDeps } from './deps.js'
import { dueRows } from './due-rows.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<UnitDone, keyof Measured>

/** Audits one unit. @throws IntegrityError ETL3-AU-01 … 04 and 08 on any difference */
export function auditObjects(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, unit }, scope) => {
    const context = await openContext(run, deps, scope.signal)
    const record = (await findAudited(context, unit, scope.signal)) ?? (await audit(context, deps, scope, unit))
    return { unit, partitions: record.partitions, rows: record.rows, bytes: record.bytes }
  }
}

async function audit(
  context: RunContext,
  deps: ActivityDeps,
  { signal, heartbeat }: ActivityScope,
  unit: number,
): Promise<AuditedRecord> {
  const { records, config, scratch } = context
  // The writer's star is not needed any more, and the memory is.
  deps.star.clear()
  const paths = await stagedPaths(context, signal)
  const plan = await fetchPlan(context, signal)
  const ledger = await ledgerOf(context, unit, signal)
  const depth = config.processing.audit
  let readAgain = 0
  const figures = await withEngine(deps, scratch, signal, (engine) =>
    auditUnit({
      engine,
      paths,
      plan,
      unit,
      ledger,
      dueRows: (anew) => dueRows(context, unit, engine, signal, anew),
      objects: { store: records.store, keyOf: (ordinal) => records.key(objectName(unit, ordinal)) },
      depth,
      scratch,
      progress: (partitions) => {
        readAgain += partitions
        heartbeat({ unit, readAgain })
        deps.memory.ease(signal)
      },
      signal,
    }),
  )
  failPoint('audit:unit')
  const record: AuditedRecord = { formatVersion: 1, depth, ...figures }
  await saveAudited(context, unit, record, signal)
  return record
}

async function ledgerOf({ records }: RunContext, unit: number, signal: AbortSignal): Promise<readonly LedgerEntry[]> {
  const record = await records.find(unitRecordName(unit), parseUnitRecord, signal)
  if (!record) throw new IntegrityError('ETL3-AU-01', `unit ${unit} has no ledger`)
  return record.entries
}
