/**
 * `staged/due/<n>.json`: what the rows of a unit are due to be, partition by partition, as a join of the staged star says. The
 * audits of both tables compare with it what was written.
 */
import { z } from 'zod'
import type { RunRecords } from './records.js'

const count = z.number().int().nonnegative()

const dueRecordSchema = z.object({
  formatVersion: z.literal(1),
  entries: z
    .array(
      z.object({
        ordinal: count,
        rows: count,
        /** Sum of the hashes of its rows, in decimal digits. */
        checksum: z.string(),
      }),
    )
    .readonly(),
})

/** What the partitions of one unit are due to be. */
export type DueEntries = z.output<typeof dueRecordSchema>['entries']

/**
 * What a unit is due to be, or undefined before it was computed.
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findDue(
  { records }: { readonly records: RunRecords },
  unit: number,
  signal: AbortSignal,
): Promise<DueEntries | undefined> {
  return await records.find(dueName(unit), (value) => dueRecordSchema.parse(value).entries, signal)
}

/** Leaves what a unit is due to be. */
export async function saveDue(
  { records }: { readonly records: RunRecords },
  unit: number,
  entries: DueEntries,
  signal: AbortSignal,
): Promise<void> {
  await records.save(dueName(unit), { formatVersion: 1, entries }, signal)
}

function dueName(unit: number): string {
  return `staged/due/${unit}.json`
}
