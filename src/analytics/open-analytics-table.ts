/** Opens the analytics table: its files, and what knows its current state. */
import { analyticsTableName } from '../config/analytics-place.js'
import type { Config } from '../config/schema.js'
import type { IcebergTable } from '../iceberg/commit-table.js'
import type { TableCatalog } from '../iceberg/table-catalog.js'
import { VersionedCatalog } from '../iceberg/versioned-catalog.js'
import { isOnAws } from '../lake/catalogs.js'
import type { ObjectStore } from '../lake/object-store.js'
import { s3SettingsOf } from '../lake/s3/settings.js'
import { openStore } from '../lake/stores.js'
import { isS3Address } from '../runtime/uri.js'

/**
 * The analytics table at an address. Opening reaches and checks nothing; what is AWS's is loaded when it is needed.
 * @param uri its root: `AnalyticsTable.uri`
 */
export async function openAnalyticsTable(config: Config, uri: string): Promise<IcebergTable> {
  const store = openStore(uri, { s3: s3SettingsOf(config) })
  return { store, catalog: await openTableCatalog(config, store) }
}

/** Whether Glue names the current state of the analytics table; else the names of its files do. */
export function isInGlue(config: Pick<Config, 'output'>, uri: string): boolean {
  return isOnAws(config) && isS3Address(uri)
}

async function openTableCatalog(config: Config, store: ObjectStore): Promise<TableCatalog> {
  if (!isInGlue(config, store.uri)) return new VersionedCatalog(store)
  const [{ GlueTableCatalog }, { GlueTables }] = await Promise.all([
    import('../iceberg/glue-table-catalog.js'),
    import('../lake/glue/tables.js'),
  ])
  const { database, region } = config.athena
  return new GlueTableCatalog({ glue: new GlueTables(database, region), table: analyticsTableName(config), store })
}
