/** Asks Athena in SQL (`etl3 query` where the table lies on S3). */
import { setTimeout as delay } from 'node:timers/promises'
import { UnavailableError, UsageError } from '../../runtime/errors.js'
import type { QueryRequest, QueryResult } from '../duckdb/query.js'
import { AthenaQueries } from './athena.js'

/** What a statement may begin with: everything else writes, or changes what others see. */
const READS = /^(?:select|with|values|table|show|describe|desc|explain|\()/i
/** EXPLAIN ANALYZE runs what it explains. */
const ANALYZE = /^explain\s+analyze(?:\s+verbose)?\s*(?:\([^)]*\)\s*)?/i
const QUERY = /^(?:select|with|values|table|\()/i

const LONGEST_PAUSE = 5
const GROWTH = 1.5

/** Stopping takes a moment after the signal; nobody waits longer for it. */
const STOP_PATIENCE_MS = 5_000

/**
 * Runs one statement in the configured workgroup and database.
 *
 * @throws UsageError `ETL3-QU-01` where the statement is wrong, or does more than read
 * @throws UnavailableError `ETL3-AT-01` where Athena fails, `ETL3-AT-02` where it takes too long
 */
export async function queryAthena({ config, sql, signal }: QueryRequest): Promise<QueryResult> {
  const { region, database, workgroup, output_location, poll_ms, query_timeout_ms } = config.athena
  const started = performance.now()
  const statement = readingStatement(sql)
  const athena = new AthenaQueries({ region, database, workgroup, outputLocation: output_location })
  const query = await athena.start(statement, signal)
  try {
    let pauseMs = poll_ms
    while (!(await athena.isDone(query, signal))) {
      if (performance.now() - started > query_timeout_ms) throw tooSlow(query, query_timeout_ms)
      await delay(pauseMs, undefined, { signal })
      pauseMs = Math.min(pauseMs * GROWTH, poll_ms * LONGEST_PAUSE)
    }
    const columns = await athena.columns(query, signal)
    const rows: unknown[][] = []
    for await (const row of athena.rows(query, signal)) {
      rows.push(row.map((text, i) => parsedValue(text, columns[i]?.type ?? '')))
    }
    return {
      columns: columns.map(({ name, type }) => ({ name, type: type.toUpperCase() })),
      rows,
      seconds: (performance.now() - started) / 1000,
      filesScanned: undefined,
    }
  } catch (error) {
    await athena.stop(query, AbortSignal.timeout(STOP_PATIENCE_MS)).catch(() => undefined)
    signal.throwIfAborted()
    throw asUsage(error)
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
