/** A question to the published table and its answer, whichever engine is asked. */
import type { Config } from '../config/schema.js'
import type { PublishedAnalytics } from './catalog.js'

/** A question to the catalog. */
export interface QueryRequest {
  readonly config: Config
  /** One statement that reads. */
  readonly sql: string
  readonly signal: AbortSignal
  /** An earlier state of the table, instead of the one that the catalog shows. */
  readonly snapshot?: Pick<PublishedAnalytics, 'uri' | 'files'>
  /** DuckDB's own limit in MB. Default: what `processing.memory_limit_mb` leaves beside the program, at least 64. */
  readonly memoryLimitMb?: number
}

/** A column of an answer, with its type as the engine that was asked calls it. */
export interface QueryColumn {
  readonly name: string
  readonly type: string
}

/** A row: what JSON can hold. Whole numbers beyond 2^53 and decimals are texts, dates and times ISO 8601, lists arrays. */
export type QueryRow = readonly unknown[]

/** An answer that comes piece by piece: its memory does not grow with its rows. */
export interface StreamedAnswer {
  /** In order. Names may occur more than once. */
  readonly columns: readonly QueryColumn[]
  /** Files of the table that the predicates on partition columns leave; undefined where no rows of the table are read. */
  readonly filesScanned: number | undefined
  /** Files of the table; undefined where the engine does not tell. */
  readonly filesOfTable: number | undefined
  /**
   * The rows, about 2,048 at a time; can be gone through once. The next ones are made when they are asked for.
   * @throws the errors of the question, wherever the rows are
   */
  readonly pieces: AsyncIterable<readonly QueryRow[]>
}

/** A whole answer. */
export interface QueryResult {
  /** Names and DuckDB's types, in order. */
  readonly columns: readonly QueryColumn[]
  readonly rows: readonly QueryRow[]
  readonly seconds: number
  /** Files of the table that the predicates on partition columns leave; undefined where no rows of the table are read. */
  readonly filesScanned: number | undefined
}
