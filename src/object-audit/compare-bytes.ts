/** The stored objects against the ledger: their bytes as they lie in the store. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { severalAtOnce } from '../runtime/several-at-once.js'
import { difference } from './difference.js'
import type { UnitObjects } from './unit-objects.js'
import type { WrittenPartition } from './written-partition.js'

/** Objects between two turns of the event loop. */
const OBJECTS_PER_TURN = 200

/**
 * Makes sure that every object has the size and the SHA-256 of the ledger.
 *
 * @throws IntegrityError ETL3-AU-02
 */
export async function compareBytes(
  { store, keyOf }: UnitObjects,
  ledger: readonly WrittenPartition[],
  signal: AbortSignal,
): Promise<void> {
  const same = await severalAtOnce(ledger, store.atOnce, async ({ ordinal, bytes, sha256 }, i) => {
    if (i % OBJECTS_PER_TURN === 0) await nextTurn()
    const content = await store.digest(keyOf(ordinal), signal)
    return content?.bytes === bytes && content.sha256 === sha256
  })
  const wrong = ledger.filter((_, i) => !same[i])
  if (wrong.length > 0) {
    throw difference('ETL3-AU-02', 'the objects in the store are not the ones that were written', wrong)
  }
}
