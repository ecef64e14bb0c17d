/** Rows of a statement with every character of their texts: the binding's own reading drops a leading U+FEFF, hex does not. */
import type { DuckDBConnection, Json } from '@duckdb/node-api'

/** The rows, in no promised order. */
export async function exactRows(connection: DuckDBConnection, sql: string): Promise<Json[][]> {
  const types = (await connection.runAndReadAll(`DESCRIBE ${sql}`)).getRowsJson().map(([, type]) => type)
  const names = types.map((_, i) => `c${i}`)
  const columns = names.map((name, i) => (types[i] === 'VARCHAR' ? `hex(${name})` : name))
  const rows = await connection.runAndReadAll(`SELECT ${columns.join(', ')} FROM (${sql}) AS t(${names.join(', ')})`)
  return rows
    .getRowsJson()
    .map((row) =>
      row.map((value, i) =>
        types[i] === 'VARCHAR' && typeof value === 'string' ? Buffer.from(value, 'hex').toString('utf8') : value,
      ),
    )
}
