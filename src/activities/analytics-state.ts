/** Whether the analytics table is still what the published run made of it. */
import { openAnalyticsTable } from '../analytics/open-analytics-table.js'
import type { Config } from '../config/schema.js'
import { foreignChange } from '../iceberg/ownership.js'
import { tableColumns } from '../iceberg/table-columns.js'
import { areInPlace } from '../iceberg/table-files.js'
import { currentSnapshot } from '../iceberg/table-metadata.js'
import type { ObjectStore } from '../lake/object-store.js'
import { committedBy } from '../records/analytics.js'
import type { CurrentRecord } from '../records/current.js'
import { DICTIONARY } from '../star/dictionary.js'

/**
 * Looks at the table's current snapshot, at what others have done to it, and at the size of each of its files.
 * @param uri root of the table as the configuration has it
 */
export async function analyticsIsIntact(
  config: Config,
  uri: string,
  metadata: ObjectStore,
  { runId }: CurrentRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const committed = await committedBy(metadata, runId, signal)
  const table = await openAnalyticsTable(config, uri)
  if (committed?.uri !== table.store.uri) return false
  const found = await table.catalog.load(signal)
  // What somebody else has done is said by the commit.
  if (!found || foreignChange(found, tableColumns(DICTIONARY)) !== undefined) return false
  if (String(currentSnapshot(found.metadata)?.['snapshot-id']) !== committed.snapshotId) return false
  const files = committed.files.map(({ file }) => file)
  return (await areInPlace(table.store, files, signal)).every(Boolean)
}
