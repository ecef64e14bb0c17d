/** Opens the analytics table: its files, and what knows its current state. */
import type { Config } from '../config/schema.js'
import type { IcebergTable } from '../iceberg/commit-table.js'
import { VersionedCatalog } from '../iceberg/versioned-catalog.js'
import { s3SettingsOf } from '../lake/s3/settings.js'
import { openStore } from '../lake/stores.js'

/**
 * The analytics table at an address. Opening reaches and checks nothing.
 * @param uri its root: `AnalyticsTable.uri`
 */
export function openAnalyticsTable(config: Config, uri: string): IcebergTable {
  const store = openStore(uri, { s3: s3SettingsOf(config) })
  return { store, catalog: new VersionedCatalog(store) }
}
