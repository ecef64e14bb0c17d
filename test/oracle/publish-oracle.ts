/** Writes the oracle's own table as partition files: what a right publication looks like, for tests of the comparison. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { DEFAULT_OPTIONS } from './oracle-table.js'
import { expectedPath } from './partition-path.js'
import { quoted, text } from './sql.js'

/** Publishes table `oracle` of this connection under `root`; returns the files in the order of their paths. */
export async function publishOracle(
  connection: DuckDBConnection,
  root: string,
  partitionColumns: readonly string[] = DEFAULT_OPTIONS.partitionColumns,
): Promise<string[]> {
  const keys = partitionColumns.map(quoted)
  const partitions = await connection.runAndReadAll(`SELECT DISTINCT ${keys.join(', ')} FROM oracle`)
  const files: string[] = []
  for (const row of partitions.getRowsJson()) {
    const values = row.map((value) => (value === null ? null : String(value)))
    const file = join(root, expectedPath(partitionColumns, values))
    mkdirSync(dirname(file), { recursive: true })
    const here = keys.map((key, i) => {
      const value = values[i] ?? null
      return value === null ? `${key} IS NULL` : `${key} = ${text(value)}`
    })
    await connection.run(
      `COPY (SELECT * FROM oracle WHERE ${here.join(' AND ')} ORDER BY code NULLS FIRST, fact_uid, npi NULLS FIRST)
       TO ${text(file)} (FORMAT parquet)`,
    )
    files.push(file)
  }
  return files.sort()
}
