/** Athena: queries are started, looked at, waited for, read and stopped. */
import { setTimeout as delay } from 'node:timers/promises'
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type GetQueryResultsOutput,
  type QueryExecution,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { UnavailableError } from '../../runtime/errors.js'
import { plainText } from '../../runtime/plain-text.js'
import { awsClientSettings, awsFailure } from './connection.js'

/** Rows a page; Athena's most. */
const PAGE = 1_000

/** How pauses between looks grow, up to so many times the first one. */
const PAUSE_GROWTH = 1.5
const LONGEST_PAUSE = 5

/** Where queries run. */
export interface AthenaOptions {
  readonly region: string
  readonly database: string
  readonly workgroup: string
  /** `s3://` prefix of the results; undefined: the workgroup's own. */
  readonly outputLocation: string | undefined
}

/** A column of a result: its name and Athena's type. */
export interface AthenaColumn {
  readonly name: string
  readonly type: string
}

/** One workgroup of Athena. */
export class AthenaQueries {
  readonly #client: AthenaClient
  readonly #options: AthenaOptions

  constructor(options: AthenaOptions) {
    this.#client = new AthenaClient(awsClientSettings(options.region))
    this.#options = options
  }

  /** Starts a query. @returns its id */
  async start(sql: string, signal: AbortSignal): Promise<string> {
    const { database, workgroup, outputLocation } = this.#options
    const command = new StartQueryExecutionCommand({
      QueryString: sql,
      QueryExecutionContext: { Database: database },
      WorkGroup: workgroup,
      ...(outputLocation === undefined ? {} : { ResultConfiguration: { OutputLocation: outputLocation } }),
    })
    const { QueryExecutionId } = await this.#ask(`StartQueryExecution in workgroup ${workgroup}`, signal, () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    if (QueryExecutionId === undefined) throw new Error('Athena gave a query no id')
    return QueryExecutionId
  }

  /**
   * Whether a query has its result.
   * @throws UnavailableError `ETL3-AT-01` with Athena's reason when it failed or was stopped
   */
  async isDone(query: string, signal: AbortSignal): Promise<boolean> {
    const state = await this.#look(query, signal)
    if (state?.Status?.State === 'SUCCEEDED') return true
    if (state?.Status?.State !== 'FAILED' && state?.Status?.State !== 'CANCELLED') return false
    throw new UnavailableError('ETL3-AT-01', `Athena's query has ${describe(state)} [query ${query}]`, {
      hint: 'See the reason; the Athena console shows the query by this id.',
      // However often it is looked at: it is another query that may fare better.
      final: true,
    })
  }

  /**
   * Waits until a query has its result, looking at it less and less often. Leaves it running where that takes too long.
   *
   * @returns whether it has it within `patienceMs`
   * @throws UnavailableError `ETL3-AT-01` with Athena's reason when it failed or was stopped
   */
  async waitFor(
    query: string,
    { pollMs, patienceMs }: { readonly pollMs: number; readonly patienceMs: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const began = performance.now()
    let pauseMs = pollMs
    while (!(await this.isDone(query, signal))) {
      if (performance.now() - began > patienceMs) return false
      await delay(pauseMs, undefined, { signal })
      pauseMs = Math.min(pauseMs * PAUSE_GROWTH, pollMs * LONGEST_PAUSE)
    }
    return true
  }

  /** Names and types of a result's columns. */
  async columns(query: string, signal: AbortSignal): Promise<readonly AthenaColumn[]> {
    const { ResultSet } = await this.#page(query, undefined, 1, signal)
    return (ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(({ Name = '', Label, Type = '' }) => ({
      name: Label ?? Name,
      type: Type,
    }))
  }

  /** All rows of a result, one by one; see {@link pages}. */
  async *rows(query: string, signal: AbortSignal): AsyncGenerator<readonly (string | null)[]> {
    for await (const page of this.pages(query, signal)) yield* page
  }

  /** A result page by page: rows as texts, NULL as null, without the line of names that Athena puts before them. */
  async *pages(query: string, signal: AbortSignal): AsyncGenerator<readonly (readonly (string | null)[])[]> {
    const { StatementType, SubstatementType } = (await this.#look(query, signal)) ?? {}
    // Only what selects has a line of names; EXPLAIN, SHOW and DESCRIBE begin with their answer.
    let namesAhead = StatementType === 'DML' && SubstatementType !== 'EXPLAIN'
    let token: string | undefined
    do {
      const page = await this.#page(query, token, PAGE, signal)
      const rows = (page.ResultSet?.Rows ?? []).map(({ Data = [] }) =>
        Data.map(({ VarCharValue }) => VarCharValue ?? null),
      )
      yield namesAhead ? rows.slice(1) : rows
      if (rows.length > 0) namesAhead = false
      token = page.NextToken
    } while (token !== undefined)
  }

  /** Stops a query; one that is done is no error. */
  async stop(query: string, signal: AbortSignal): Promise<void> {
    await this.#ask('StopQueryExecution', signal, () =>
      this.#client.send(new StopQueryExecutionCommand({ QueryExecutionId: query }), { abortSignal: signal }),
    )
  }

  async #look(query: string, signal: AbortSignal): Promise<QueryExecution | undefined> {
    const command = new GetQueryExecutionCommand({ QueryExecutionId: query })
    const { QueryExecution } = await this.#ask('GetQueryExecution', signal, () =>
      this.#client.send(command, { abortSignal: signal }),
    )
    return QueryExecution
  }

  async #page(
    query: string,
    token: string | undefined,
    rows: number,
    signal: AbortSignal,
  ): Promise<GetQueryResultsOutput> {
    const command = new GetQueryResultsCommand({
      QueryExecutionId: query,
      MaxResults: rows,
      ...(token === undefined ? {} : { NextToken: token }),
    })
    return await this.#ask('GetQueryResults', signal, () => this.#client.send(command, { abortSignal: signal }))
  }

  async #ask<T>(call: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    try {
      return await send()
    } catch (error) {
      throw awsFailure(error, `Athena: ${call}`, signal)
    }
  }
}

function describe({ Status }: QueryExecution): string {
  const what = Status?.State === 'CANCELLED' ? 'been stopped' : 'failed'
  const reason = Status?.AthenaError?.ErrorMessage ?? Status?.StateChangeReason ?? 'Athena gives no reason'
  return `${what}: ${plainText(reason)}`
}
