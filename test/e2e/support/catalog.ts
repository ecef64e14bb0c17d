/** What the embedded catalog holds, read by DuckDB itself. */
import { join } from 'node:path'
import { DuckDBInstance, type Json } from '@duckdb/node-api'
import type { Home } from './home.js'

/** The tables about the table, without times, and the rows that the view gives. */
export interface CatalogContents {
  readonly partitions: readonly Json[][]
  readonly columns: readonly Json[][]
  readonly figures: readonly Json[][]
  readonly rowsOfView: Json | undefined
}

/** Reads the catalog of a home. */
export async function catalogOf(home: Home): Promise<CatalogContents> {
  const instance = await DuckDBInstance.create(join(home.metadata, 'catalog.duckdb'), {
    access_mode: 'READ_ONLY',
    threads: '1',
  })
  const connection = await instance.connect()
  try {
    const rows = async (sql: string): Promise<Json[][]> => (await connection.runAndReadAll(sql)).getRowsJson()
    return {
      partitions: await rows('SELECT * FROM etl3.partitions ORDER BY ALL'),
      columns: await rows('SELECT * FROM etl3.columns ORDER BY ALL'),
      figures: await rows('SELECT * FROM etl3.figures ORDER BY ALL'),
      rowsOfView: (await rows('SELECT count(*) FROM healthcare_data_lake.fact_rate_enriched'))[0]?.[0],
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The manifest of the current run, without the marks that differ from disk to disk. */
export async function manifestOf(home: Home, runId: string): Promise<readonly Json[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const file = join(home.metadata, 'runs', runId, 'manifest.parquet').replaceAll("'", "''")
    const result = await connection.runAndReadAll(`SELECT * EXCLUDE (etag) FROM '${file}' ORDER BY key`)
    return result.getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
