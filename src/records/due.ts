/**
 * `staged/due/<n>.json`: what the rows of a unit are due to be, partition by partition, as a join of the staged star says. The
 * audits of both tables compare with it what was written. Unlike other records it only saves time: what it says can be
 * joined again at any time.
 */
import { z } from 'zod'
import { IntegrityError } from '../runtime/errors.js'
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
        checksum: z.string().regex(/^\d+$/),
      }),
    )
    .readonly(),
})

/** What the partitions of one unit are due to be. */
export type DueEntries = z.output<typeof dueRecordSchema>['entries']

/** What a unit is due to be, or undefined where it was not computed or cannot be read. */
export async function findDue(
  { records }: { readonly records: RunRecords },
  unit: number,
  signal: AbortSignal,
): Promise<DueEntries | undefined> {
  try {
    return await records.find(dueName(unit), (value) => dueRecordSchema.parse(value).entries, signal)
  } catch (error) {
    if (error instanceof IntegrityError) return undefined
    throw error
  }
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
