/** `audited/<n>.json`: what the audit of a unit looked at. */
import { z } from 'zod'
import type { RunRecords } from './records.js'

/** What an audit looked at: in one unit, or in all of them together. */
export const auditedRecordSchema = z.object({
  formatVersion: z.literal(1),
  depth: z.enum(['sample', 'full']),
  partitions: z.number(),
  rows: z.number(),
  /** Objects of which every row was read again. */
  readAgain: z.number(),
  bytes: z.number(),
})

/** `audited/<n>.json`, and summed up over all units `audit.json`. */
export type AuditedRecord = z.output<typeof auditedRecordSchema>

/**
 * The record of an audited unit, or undefined before it was.
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findAudited(
  { records }: { readonly records: RunRecords },
  unit: number,
  signal: AbortSignal,
): Promise<AuditedRecord | undefined> {
  return await records.find(auditedName(unit), (value) => auditedRecordSchema.parse(value), signal)
}

/** Leaves the record of an audited unit. */
export async function saveAudited(
  { records }: { readonly records: RunRecords },
  unit: number,
  record: AuditedRecord,
  signal: AbortSignal,
): Promise<void> {
  await records.save(auditedName(unit), record, signal)
}

function auditedName(unit: number): string {
  return `audited/${unit}.json`
}
