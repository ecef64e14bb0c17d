/** Whether Parquet files, however the rows are dealt to them, hold a table: every row as often, every value, all bits. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { createOracleTable, ENRICHED_COLUMNS, type OracleOptions, type StarTables } from './oracle-table.js'
import { quoted, text } from './sql.js'

/** What two sets of rows have. */
export interface RowsOfBoth {
  readonly expected: number
  readonly found: number
  /** Rows of one side that the other one has not, or not as often: `-` only expected, `+` only found; ten at most. */
  readonly differences: readonly string[]
}

/** Compares files with the oracle's join of a star. */
export async function comparedWithOracle(
  star: StarTables,
  options: OracleOptions,
  files: readonly string[],
): Promise<RowsOfBoth> {
  return await withDuckDb(async (connection) => {
    await createOracleTable(connection, star, options)
    return await compare(connection, 'oracle', reading(files))
  })
}

/** Compares two sets of files. */
export async function comparedFiles(expected: readonly string[], found: readonly string[]): Promise<RowsOfBoth> {
  return await withDuckDb((connection) => compare(connection, reading(expected), reading(found)))
}

async function withDuckDb<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return await use(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function compare(connection: DuckDBConnection, expected: string, found: string): Promise<RowsOfBoth> {
  await connection.run(`CREATE TABLE expected AS SELECT ${ALL} FROM ${expected}`)
  await connection.run(`CREATE TABLE found AS SELECT ${ALL} FROM ${found}`)
  const only = (sign: string, one: string, other: string): string =>
    `SELECT '${sign} ' || to_json(t)::VARCHAR FROM (FROM ${one} EXCEPT ALL FROM ${other}) t`
  const differences = await connection.runAndReadAll(
    `${only('-', 'expected', 'found')} UNION ALL ${only('+', 'found', 'expected')} ORDER BY 1 LIMIT 10`,
  )
  const counts = await connection.runAndReadAll(
    'SELECT (SELECT count(*) FROM expected)::DOUBLE, (SELECT count(*) FROM found)::DOUBLE',
  )
  const [[rowsExpected, rowsFound] = []] = counts.getRowsJson()
  return {
    expected: Number(rowsExpected),
    found: Number(rowsFound),
    differences: differences.getRowsJson().map(([row]) => String(row)),
  }
}

// DuckDB takes 0 and −0 for the same.
const ALL = ENRICHED_COLUMNS.map(([name, type]) =>
  type === 'DOUBLE' ? `${quoted(name)}, signbit(${quoted(name)})` : quoted(name),
).join(', ')

function reading(files: readonly string[]): string {
  if (files.length === 0)
    return `(SELECT ${ENRICHED_COLUMNS.map(([name, type]) => `NULL::${type} AS ${quoted(name)}`).join(', ')} WHERE false)`
  return `read_parquet([${files.map(text).join(', ')}], hive_partitioning = false)`
}
