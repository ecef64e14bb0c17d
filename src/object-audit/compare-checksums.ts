/** Every row of a unit, as it was handed to the encoder, against what a plain join of the staged star says of it. */
import type { DuePartition } from '../partition-files/due-partition.js'
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { confirmed } from './confirmed.js'
import { difference } from './difference.js'
import type { WrittenPartition } from './written-partition.js'

/**
 * Compares the values of every row of a unit, whatever the depth of the audit: the checksums of its ledger with those that
 * are due.
 *
 * @param dueRows what is due; with `true` joined anew
 * @throws IntegrityError ETL3-AU-08
 */
export async function compareChecksums(
  planned: readonly PlannedPartition[],
  ledger: readonly WrittenPartition[],
  dueRows: (anew: boolean) => Promise<readonly DuePartition[]>,
): Promise<void> {
  const wrong = await confirmed(async (anew) => differing(planned, ledger, await dueRows(anew)))
  if (wrong.length === 0) return
  throw difference('ETL3-AU-08', 'the rows that were written are not those of the staged data', wrong)
}

function differing(
  planned: readonly PlannedPartition[],
  ledger: readonly WrittenPartition[],
  due: readonly DuePartition[],
): PlannedPartition[] {
  const written = new Map(ledger.map((entry) => [entry.ordinal, entry]))
  const same = new Set<number>()
  for (const { ordinal, rows, checksum } of due) {
    const found = written.get(ordinal)
    if (found?.writtenRows === rows && found.checksum === checksum) same.add(ordinal)
  }
  return planned.filter(({ ordinal }) => !same.has(ordinal))
}
