/** `units/<n>.json`: the ledger of one unit: what was planned and what was written, partition by partition. */
import { z } from 'zod'

const count = z.number().int().nonnegative()

const ledgerEntrySchema = z.object({
  ordinal: count,
  key: z.string(),
  plannedRows: count,
  writtenRows: count,
  facts: count,
  bytes: count,
  sha256: z.string(),
  fingerprint: z.string(),
  /** Sum of the hashes of its rows as the encoder was handed them (row-checksums.ts), in decimal digits. */
  checksum: z.string(),
})

/** One partition in the ledger. */
export type LedgerEntry = z.output<typeof ledgerEntrySchema>

const unitRecordSchema = z.object({
  formatVersion: z.literal(2),
  unit: count,
  partitions: count,
  rows: count,
  bytes: count,
  entries: z.array(ledgerEntrySchema).readonly(),
})

/** The ledger of one unit. */
export type UnitRecord = z.output<typeof unitRecordSchema>

/** @throws ZodError when the record is not one of this version */
export function parseUnitRecord(value: unknown): UnitRecord {
  return unitRecordSchema.parse(value)
}

/** Name of a unit's ledger. */
export function unitRecordName(unit: number): string {
  return `units/${unit}.json`
}

/** Folder of a unit's objects in the run's folder, before they are published. */
export function unitObjects(unit: number): string {
  return `objects/${unit}`
}

/** Name of the object of a partition there. */
export function objectName(unit: number, ordinal: number): string {
  return `${unitObjects(unit)}/${ordinal}.parquet`
}
