/**
 * Whether a streamed result came to its end.
 *
 * DuckDB's `duckdb_fetch_chunk` answers NULL both after the last chunk and where the statement fails or is interrupted
 * while rows come, and the Node binding does not pass on `duckdb_result_error`: rows would be missing without a word. A
 * statement that fails leaves its transaction aborted, though, and that can be asked. So a stream is read in a transaction
 * of its own.
 */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'

type Connection = Pick<DuckDBConnection, 'run'>

/** A statement that failed on its way, and does not tell why. */
export class IncompleteResult extends Error {
  override readonly name = 'IncompleteResult'
}

/** Begins to read a stream. Each call needs one of {@link endWhole} or {@link endEarly}. */
export async function beginWhole(connection: Connection): Promise<void> {
  await connection.run('BEGIN TRANSACTION')
}

/**
 * Ends the reading of a stream that has no more chunks.
 *
 * @param sql the statement. Where it has failed it runs once more, without giving rows, because only so it tells why
 * @throws Error of DuckDB's when it failed on its way, IncompleteResult when that cannot be told
 */
export async function endWhole(connection: Connection, sql: string): Promise<void> {
  try {
    await connection.run('SELECT 1')
  } catch (cause) {
    await endEarly(connection)
    await connection.run(`EXPLAIN ANALYZE ${sql}`)
    throw new IncompleteResult('the statement failed while its rows came, and not when it ran again', { cause })
  }
  await connection.run('COMMIT')
}

/** Ends the reading of a stream that was not read to its end, or could not begin. */
export async function endEarly(connection: Connection): Promise<void> {
  await connection.run('ROLLBACK').catch(() => undefined)
}

/**
 * The chunks of a result, each fetched when it is asked for.
 * @throws Error of DuckDB's, or IncompleteResult, where the statement fails on its way
 */
export async function* wholeChunks(
  connection: Pick<DuckDBConnection, 'run' | 'stream'>,
  sql: string,
): AsyncGenerator<DuckDBDataChunk> {
  await beginWhole(connection)
  let ended = false
  try {
    const result = await connection.stream(sql)
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk())
      yield chunk
    ended = true
    await endWhole(connection, sql)
  } finally {
    if (!ended) await endEarly(connection)
  }
}
