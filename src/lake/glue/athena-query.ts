/** Asks Athena in SQL (`etl3 query` where the table lies on S3). */
import { UnavailableError, UsageError } from '../../runtime/errors.js'
import { onAbort } from '../on-abort.js'
import type { QueryRequest, QueryRow, StreamedAnswer } from '../query.js'
import { type AthenaColumn, AthenaQueries } from './athena.js'

/** What a statement may begin with: everything else writes, or changes what others see. */
const READS = /^(?:select|with|values|table|show|describe|desc|explain|\()/i
/** EXPLAIN ANALYZE runs what it explains. */
const ANALYZE = /^explain\s+analyze(?:\s+verbose)?\s*(?:\([^)]*\)\s*)?/i
const QUERY = /^(?:select|with|values|table|\()/i

/** After the signal, starting and stopping take a moment; nobody waits longer for them. */
const START_PATIENCE_MS = 1_000
const STOP_PATIENCE_MS = 2_000

/**
 * Runs one statement in the configured workgroup and database, and hands the answer over page by page. A query that is
 * given up before it has its answer is stopped in Athena.
 *
 * @returns what `receive` does
 * @throws what `receive` does, as it is
 * @throws UsageError `ETL3-QU-01` where the statement is wrong, or does more than read
 * @throws UnavailableError `ETL3-AT-01` where Athena fails, `ETL3-AT-02` where it takes too long
 */
export async function withAthenaAnswer<T>(
  { config, sql, signal }: QueryRequest,
  receive: (answer: StreamedAnswer) => Promise<T>,
): Promise<T> {
  const { region, database, workgroup, output_location, poll_ms, query_timeout_ms } = config.athena
  const statement = readingStatement(sql)
  const athena = new AthenaQueries({ region, database, workgroup, outputLocation: output_location })
  // A request that is broken off may have started a query whose id nobody knows.
  const query = await athena.start(statement, abortedLater(signal, START_PATIENCE_MS))
  let answered = false
  try {
    answered = await athena.waitFor(query, { pollMs: poll_ms, patienceMs: query_timeout_ms }, signal)
    if (!answered) throw tooSlow(query, query_timeout_ms)
    const columns = await athena.columns(query, signal)
    return await receive({
      columns: columns.map(({ name, type }) => ({ name, type: type.toUpperCase() })),
      filesScanned: undefined,
      filesOfTable: undefined,
      pieces: parsedPages(athena.pages(query, signal), columns),
    })
  } catch (error) {
    if (!answered) await athena.stop(query, AbortSignal.timeout(STOP_PATIENCE_MS)).catch(() => undefined)
    signal.throwIfAborted()
    throw asUsage(error)
  }
}

/** Is aborted, with the same reason, so long after `signal` is. */
function abortedLater(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  onAbort(signal, () => setTimeout(() => later.abort(signal.reason), ms).unref())
  return later.signal
}

async function* parsedPages(
  pages: AsyncIterable<readonly (readonly (string | null)[])[]>,
  columns: readonly AthenaColumn[],
): AsyncGenerator<readonly QueryRow[]> {
  for await (const page of pages) {
    yield page.map((row) => row.map((text, i) => parsedValue(text, columns[i]?.type ?? '')))
  }
}

function readingStatement(sql: string): string {
  const bare = withoutComments(sql).trim().replace(/;\s*$/, '')
  if (bare === '') throw new UsageError('ETL3-QU-01', 'the query is empty')
  const analyzed = ANALYZE.exec(bare)?.[0]
  const reads = analyzed === undefined ? READS.test(bare) : QUERY.test(bare.slice(analyzed.length))
  if (reads) return bare
  throw new UsageError('ETL3-QU-01', 'a query reads, and this is another statement', {
    hint: 'Ask with SELECT, or EXPLAIN SELECT.',
  })
}

/** Comments before the statement; inside of it they are Athena's. */
function withoutComments(sql: string): string {
  return sql.replace(/^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '')
}

/** Athena answers in texts; numbers that JSON holds exactly and truth values become what they are. */
function parsedValue(text: string | null, type: string): unknown {
  if (text === null) return null
  switch (type) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return Number.isSafeInteger(Number(text)) ? Number(text) : text
    case 'double':
    case 'float':
    case 'real':
      return Number.isFinite(Number(text)) ? Number(text) : text
    case 'boolean':
      return text === 'true'
    default:
      return text
  }
}

/** Athena names what is wrong with a statement by an error of its engine. */
function asUsage(error: unknown): unknown {
  if (!(error instanceof UnavailableError) || error.code !== 'ETL3-AT-01') return error
  const reason =
    /\b(?:SYNTAX_ERROR|COLUMN_NOT_FOUND|TYPE_MISMATCH|FUNCTION_NOT_FOUND|INVALID_FUNCTION_ARGUMENT|DIVISION_BY_ZERO|INVALID_CAST_ARGUMENT)\b.*/s.exec(
      error.message,
    )?.[0]
  return reason === undefined ? error : new UsageError('ETL3-QU-01', reason, { cause: error })
}

function tooSlow(query: string, timeoutMs: number): UnavailableError {
  return new UnavailableError('ETL3-AT-02', `Athena's query takes longer than ${timeoutMs / 1000} s [query ${query}]`, {
    hint: 'See the query in the Athena console; raise athena.query_timeout_ms if it is sound.',
  })
}
