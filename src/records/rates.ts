/** `rates.json`: that a run's tables of rates are there, and what they add up to. */
import { z } from 'zod'
import type { RunRecords } from './records.js'

/** Rates by payer, state, billing class and code. */
export const RATES = 'rates.parquet'

/** The same with all states together. */
export const RATES_BY_PAYER = 'rates_by_payer.parquet'

/** Name of the record. */
export const RATES_RECORD = 'rates.json'

const count = z.number().int().nonnegative()

const ratesRecordSchema = z.object({
  formatVersion: z.literal(1),
  /** Rows of each of the two files. */
  groups: count,
  payerGroups: count,
  /** Facts and rows of the table that they are of. */
  facts: count,
  rows: count,
})

/** `rates.json`: that a run's tables of rates are there. */
export type RatesRecord = z.output<typeof ratesRecordSchema>

/**
 * The record, or undefined where the run has taken no rates: those of earlier versions.
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findRates(
  { records }: { readonly records: RunRecords },
  signal: AbortSignal,
): Promise<RatesRecord | undefined> {
  return await records.find(RATES_RECORD, (value) => ratesRecordSchema.parse(value), signal)
}
