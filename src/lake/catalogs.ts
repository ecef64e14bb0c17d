/** Picks the adapter behind the {@link Catalog} port. */
import type { Config } from '../config/schema.js'
import type { Catalog } from './catalog.js'
import { DuckDbCatalog } from './duckdb-catalog.js'
import { openStore } from './stores.js'

/**
 * The catalog of a configuration: a DuckDB file in `output.metadata_uri`. Opening makes and checks nothing.
 * @throws UsageError `ETL3-ST-01` for an address that has no adapter
 */
export function openCatalog(config: Config): Catalog {
  return new DuckDbCatalog({
    metadataFolder: openStore(config.output.metadata_uri).uri,
    database: config.athena.database,
    scratch: config.processing.scratch,
  })
}
