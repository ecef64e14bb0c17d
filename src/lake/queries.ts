/** Asks the published table with the engine that its configuration has: Athena where it lies on S3, else DuckDB. */
import { isOnAws } from './catalogs.js'
import type { QueryRequest, QueryResult, QueryRow, StreamedAnswer } from './query.js'

/**
 * Runs one statement over the published table, and hands the answer over while it comes. The engine is loaded when it is
 * needed.
 *
 * @returns what `receive` does
 * @throws what `receive` does, and the errors of the engine's `withDuckDbAnswer` or `withAthenaAnswer`, as they are
 */
export async function withAnswer<T>(
  request: QueryRequest,
  receive: (answer: StreamedAnswer) => Promise<T>,
): Promise<T> {
  if (isOnAws(request.config)) {
    const { withAthenaAnswer } = await import('./glue/athena-query.js')
    return await withAthenaAnswer(request, receive)
  }
  const { withDuckDbAnswer } = await import('./duckdb/query.js')
  return await withDuckDbAnswer(request, receive)
}

/**
 * Runs one statement over the published table, which is called by its bare name, and holds all rows of the answer.
 *
 * @throws the errors of {@link withAnswer}
 */
export async function queryCatalog(request: QueryRequest): Promise<QueryResult> {
  const started = performance.now()
  return await withAnswer(request, async ({ columns, filesScanned, pieces }) => {
    const rows: QueryRow[] = []
    for await (const piece of pieces) for (const row of piece) rows.push(row)
    return { columns, rows, seconds: (performance.now() - started) / 1000, filesScanned }
  })
}

/**
 * Runs one SELECT and writes the answer as a Parquet file.
 *
 * @param path of a file that is not there, or may be written over
 * @returns how many rows it has
 * @throws the errors of {@link withAnswer}
 */
export async function answerToParquet(request: QueryRequest, path: string): Promise<number> {
  if (isOnAws(request.config)) {
    const { athenaAnswerToParquet } = await import('./glue/athena-parquet.js')
    return await athenaAnswerToParquet(request, path)
  }
  const { duckDbAnswerToParquet } = await import('./duckdb/query.js')
  return await duckDbAnswerToParquet(request, path)
}
