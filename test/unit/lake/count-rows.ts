/** Asks a catalog for its counts and waits for them, as a run does. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Catalog, SmokeCount } from '../../../src/lake/catalog.js'
import { GO_ON } from './folder/lake-folder.js'

/** Counts rows by some partition columns. */
export async function countRows(
  catalog: Catalog,
  columns: readonly string[],
  signal: AbortSignal = GO_ON,
): Promise<readonly SmokeCount[]> {
  let count = await catalog.countRows(columns, signal)
  while (count.state === 'counting') {
    await delay(20, undefined, { signal })
    count = await catalog.lookAtCount(count.query, columns, signal)
  }
  return count.counts
}
