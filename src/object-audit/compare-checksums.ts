/** Every row of a unit, as it was handed to the encoder, against what a plain join of the staged star says of it. */
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { difference } from './difference.js'
import type { DuePartition } from './due-partitions.js'
import type { WrittenPartition } from './written-partition.js'

/**
 * Compares the values of every row of a unit, whatever the depth of the audit: the checksums of its ledger with those that
 * are due.
 *
 * @throws IntegrityError ETL3-AU-08
 */
export function compareChecksums(
  planned: readonly PlannedPartition[],
  ledger: readonly WrittenPartition[],
  due: readonly DuePartition[],
): void {
  const written = new Map(ledger.map((entry) => [entry.ordinal, entry]))
  const same = new Set<number>()
  for (const { ordinal, rows, checksum } of due) {
    const found = written.get(ordinal)
    if (found?.writtenRows === rows && found.checksum === checksum) same.add(ordinal)
  }
  const wrong = planned.filter(({ ordinal }) => !same.has(ordinal))
  if (wrong.length === 0) return
  throw difference('ETL3-AU-08', 'the rows that were written are not those of the staged data', wrong)
}
