/** What files say of themselves, against the plan. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Footer, readFooter } from '../parquet/footer-check.js'
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { DICTIONARY } from '../star/dictionary.js'
import { difference } from './difference.js'

/** How much of the rows is read again: those of a sample of the partitions, or all. */
export type AuditDepth = 'sample' | 'full'

/** Footers between two turns of the event loop: some 10 ms. */
const FOOTERS_PER_TURN = 50

const COLUMN_NAMES = DICTIONARY.map(({ name }) => name).join()

/**
 * Makes sure that footers say the rows, the columns and the fingerprint of the plan: read by hyparquet, and by
 * parquetjs-lite as well in the full audit.
 *
 * @param files local file of each partition, in their order
 * @throws IntegrityError ETL3-AU-03
 */
export async function compareFooters(
  partitions: readonly PlannedPartition[],
  files: readonly string[],
  depth: AuditDepth,
): Promise<void> {
  const wrong: PlannedPartition[] = []
  // Loaded only where it is used: it takes memory of every worker.
  const third = depth === 'full' ? await import('../parquet/parquetjs-footer.js') : undefined
  for (const [i, partition] of partitions.entries()) {
    if (i % FOOTERS_PER_TURN === 0) await nextTurn()
    const file = files[i] ?? ''
    const footers = [
      await footerOrNone(() => readFooter(file)),
      ...(third === undefined ? [] : [await footerOrNone(() => third.footerByParquetjs(file))]),
    ]
    if (!footers.every((footer) => isFooterOf(partition, footer))) wrong.push(partition)
  }
  if (wrong.length > 0) throw difference('ETL3-AU-03', 'footers differ from the plan', wrong)
}

function isFooterOf(partition: PlannedPartition, footer: Footer | undefined): boolean {
  return (
    footer?.rows === partition.rows &&
    footer.columns.join() === COLUMN_NAMES &&
    footer.metadata.get('etl3.fingerprint') === partition.fingerprint
  )
}

/** A footer that cannot be read is a difference like any other: it names the partition and is not tried again. */
async function footerOrNone(read: () => Footer | Promise<Footer>): Promise<Footer | undefined> {
  try {
    return await read()
  } catch {
    return undefined
  }
}
