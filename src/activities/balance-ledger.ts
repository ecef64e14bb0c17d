/**
 * Balances the ledger: what all units together wrote and audited is what the plan says, and what the input gives. Leaves
 * `audit.json`, and the rates of the table: what they need of memory and disk is known before anything is published.
 */
import type { z } from 'zod'
import type { Audited, Measured, RunRef } from '../contract/activities.js'
import { inputAuditSchema } from '../contract/input-audit.js'
import { type AuditedRecord, auditedRecordSchema, findAudited } from '../records/audited.js'
import { findPlan } from '../records/plan.js'
import { both } from '../runtime/both.js'
import { IntegrityError } from '../runtime/errors.js'
import { auditInputOf } from './audit-input.js'
import type { ActivityDeps } from './deps.js'
import { keepRates } from './keep-rates.js'
import { reservePublication } from './publication-reserve.js'
import { type InputContext, openContextOverInputs, type RunContext } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<Audited, keyof Measured>

/** `audit.json`: of all units together, and of the input. */
export const auditRecordSchema = auditedRecordSchema.extend({ input: inputAuditSchema.optional() })

/** What the whole audit looked at. */
export type AuditRecord = z.output<typeof auditRecordSchema>

/**
 * Sums up the audited units, audits the input, takes the rates, and reserves what publishing needs of the disk.
 *
 * @throws IntegrityError ETL3-AU-01 when the units are not what the plan says, ETL3-AU-05 or ETL3-AU-06 when the input
 * gives other rows, ETL3-AU-09 when the rates are those of other rows, ResourceError ETL3-DK-01 when there is no room to
 * publish
 */
export function balanceLedger(deps: ActivityDeps): (run: RunRef, scope: ActivityScope) => Promise<Answer> {
  return async (ref, scope) => {
    const { signal } = scope
    const context = await openContextOverInputs(ref, deps, signal)
    // At once where there is room, as the input is read in JavaScript and the rates are the engine's.
    const auditing = auditOf(context, deps, scope)
    if (scope.attempt > 1 || deps.memory.isHigh) await auditing
    const [record] = await both(auditing, keepRates(context, deps, signal))
    const reference = await context.records.reference('audit.json', signal)
    if (!reference) throw new Error('audit.json was not stored')
    return { record: reference, partitions: record.partitions, readAgain: record.readAgain, bytes: record.bytes }
  }
}

async function auditOf(context: InputContext, deps: ActivityDeps, scope: ActivityScope): Promise<AuditRecord> {
  return (await findAudit(context, scope.signal)) ?? (await balance(context, deps, scope))
}

/** The audit's record, or undefined before all units were audited. */
export async function findAudit({ records }: RunContext, signal: AbortSignal): Promise<AuditRecord | undefined> {
  return await records.find('audit.json', (value) => auditRecordSchema.parse(value), signal)
}

async function balance(context: InputContext, deps: ActivityDeps, scope: ActivityScope): Promise<AuditRecord> {
  const { signal } = scope
  const plan = await findPlan(context, signal)
  if (!plan) throw new Error(`run ${context.ref.runId} has no plan`)
  const audited: AuditedRecord[] = []
  for (let unit = 0; unit < plan.units; unit++) {
    const record = await findAudited(context, unit, signal)
    if (!record) throw new IntegrityError('ETL3-AU-01', `unit ${unit} was not audited`)
    audited.push(record)
  }
  const sum = (of: (record: AuditedRecord) => number): number => audited.reduce((total, one) => total + of(one), 0)
  const rows = sum((one) => one.rows)
  const partitions = sum((one) => one.partitions)
  const planned = plan.partitions.added + plan.partitions.replaced
  if (rows !== plan.rowsToWrite || partitions !== planned) {
    throw new IntegrityError(
      'ETL3-AU-01',
      `${plan.rowsToWrite} rows in ${planned} partitions were planned, the ledger has ${rows} in ${partitions}`,
    )
  }
  const input = await auditInputOf(context, plan, deps, scope)
  const record: AuditRecord = {
    formatVersion: 1,
    depth: context.config.processing.audit,
    partitions,
    rows,
    readAgain: sum((one) => one.readAgain),
    bytes: sum((one) => one.bytes),
    input,
  }
  // Before the record that lets publication begin, and never after it.
  await reservePublication(context, plan, record.bytes, signal)
  await context.records.save('audit.json', record, signal)
  return record
}
