/** Picks the adapter behind the {@link Catalog} port. */
import { resolve } from 'node:path'
import type { Config } from '../config/schema.js'
import type { Catalog } from './catalog.js'
import { DuckDbCatalog } from './duckdb-catalog.js'
import { ManifestCatalog } from './manifest-catalog.js'
import { isS3Address } from './s3-address.js'
import { s3SettingsOf } from './s3-settings.js'
import { openStore } from './stores.js'

/**
 * The catalog of a configuration: a DuckDB file in `output.metadata_uri`, or where a bucket is involved a
 * record there. Opening makes and checks nothing.
 * @throws UsageError `ETL3-ST-01` for an address that has no adapter
 */
export function openCatalog(config: Config): Catalog {
  const { scratch } = config.processing
  if (isS3Address(config.output.uri) || isS3Address(config.output.metadata_uri)) {
    return new ManifestCatalog({
      metadata: openStore(config.output.metadata_uri, { s3: s3SettingsOf(config) }),
      scratch,
    })
  }
  return new DuckDbCatalog({
    metadataFolder: resolve(config.output.metadata_uri),
    database: config.athena.database,
    scratch,
  })
}
