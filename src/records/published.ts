/** `published/<n>.json`: that a unit's objects are in their places, and the marks that they have there. */
import { z } from 'zod'
import type { RunRecords } from './records.js'

const publishedRecordSchema = z.object({
  formatVersion: z.literal(1),
  unit: z.number(),
  /** Mark of each object in its place, in the order of the ledger. */
  etags: z.array(z.string()).readonly(),
})

/** Marks of a unit's objects in their places, or undefined before it was published. */
export async function findPublished(
  { records }: { readonly records: RunRecords },
  unit: number,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  return (await records.find(publishedName(unit), (value) => publishedRecordSchema.parse(value), signal))?.etags
}

/** Leaves the record. */
export async function savePublished(
  { records }: { readonly records: RunRecords },
  unit: number,
  etags: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await records.save(publishedName(unit), { formatVersion: 1, unit, etags }, signal)
}

function publishedName(unit: number): string {
  return `published/${unit}.json`
}
