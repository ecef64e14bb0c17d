/** A Parquet file of one column, under any name: written under a plain one and moved, so that no writer takes the name for more. */
import { renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { text } from '../oracle/sql.js'

let written = 0

/** Writes the integers as the column `value`. @param path in the same file system as the folder for temporary files */
export async function writeColumn(path: string, values: readonly number[]): Promise<void> {
  const plain = join(tmpdir(), `etl3-column-${process.pid}-${written++}.parquet`)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(
      `COPY (SELECT unnest([${values.join(', ')}]::INTEGER[]) AS value) TO ${text(plain)} (FORMAT parquet)`,
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  renameSync(plain, path)
}
