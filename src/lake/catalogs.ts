/** Picks the adapter behind the {@link Catalog} port. */
import { resolve } from 'node:path'
import type { Config } from '../config/schema.js'
import { isS3Address } from '../runtime/uri.js'
import type { Catalog } from './catalog.js'

/** Whether the table lies on S3, so that Glue and Athena are its catalog. */
export function isOnAws({ output }: Pick<Config, 'output'>): boolean {
  return [output.uri, output.metadata_uri].some(isS3Address)
}

/**
 * The catalog of a configuration: Glue and Athena where the table lies on S3, else a DuckDB file in
 * `output.metadata_uri`. Opening makes and checks nothing; an adapter is loaded when it is needed.
 */
export async function openCatalog(config: Config): Promise<Catalog> {
  const { athena, output, processing } = config
  if (isOnAws(config)) {
    const [{ GlueCatalog }, { GlueTables }, { AthenaQueries }] = await Promise.all([
      import('./glue/catalog.js'),
      import('./glue/tables.js'),
      import('./glue/athena.js'),
    ])
    return new GlueCatalog({
      glue: new GlueTables(athena.database, athena.region),
      athena: new AthenaQueries({
        region: athena.region,
        database: athena.database,
        workgroup: athena.workgroup,
        outputLocation: athena.output_location,
      }),
      table: athena.table,
      scratch: processing.scratch,
    })
  }
  const { DuckDbCatalog } = await import('./duckdb/catalog.js')
  return new DuckDbCatalog({
    metadataFolder: resolve(output.metadata_uri),
    database: athena.database,
    scratch: processing.scratch,
  })
}
