/** The ledger against the plan: figures alone, nothing is read. */
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { IntegrityError } from '../runtime/errors.js'
import { difference } from './difference.js'
import type { WrittenPartition } from './written-partition.js'

/**
 * Makes sure that the ledger of a unit has the partitions of the plan, each with its rows, facts, key and fingerprint, and
 * no others.
 *
 * @throws IntegrityError ETL3-AU-01
 */
export function compareLedger(due: readonly PlannedPartition[], ledger: readonly WrittenPartition[]): void {
  const written = new Map(ledger.map((entry) => [entry.ordinal, entry]))
  const wrong = due.filter((partition) => {
    const entry = written.get(partition.ordinal)
    return (
      entry?.writtenRows !== partition.rows ||
      entry.facts !== partition.facts ||
      entry.key !== partition.key ||
      entry.fingerprint !== partition.fingerprint
    )
  })
  if (wrong.length > 0) throw difference('ETL3-AU-01', 'the ledger differs from the plan', wrong)
  if (ledger.length !== due.length) {
    throw new IntegrityError('ETL3-AU-01', `the ledger has ${ledger.length} partitions, the plan ${due.length}`)
  }
}
