/**
 * The port to where queries find the table. Adapters: `duckdb/catalog.ts` (a DuckDB file with a view) and
 * `glue/catalog.ts` (Glue and Athena). A catalog is brought to one published state; what it holds afterwards is that state and nothing else.
 */

/** A column of the table for the catalog. */
export interface CatalogColumn {
  readonly name: string
  /** SQL type as Hive, Glue and Athena write it: `string`, `double`, `boolean`, `array<string>` … */
  readonly type: string
  readonly comment: string
}

/** The state that a catalog is brought to. */
export interface PublishedTable {
  /** Unquoted name of the table, e.g. `fact_rate_enriched`. */
  readonly table: string
  readonly columns: readonly CatalogColumn[]
  readonly partitionColumns: readonly string[]
  /** Full address of the table's root. */
  readonly tableUri: string
  /** Local path of `manifest.parquet` with all partitions: src/partition-files/manifest-file.ts. */
  readonly manifestPath: string
  /** A local Parquet file with the facts that the run has set aside, each with the rule that it breaks. Unset: not shown. */
  readonly quarantinePath?: string
  /** The tables of rates. Unset: not shown. */
  readonly rates?: PublishedRates
  readonly runId: string
  /** Number of the lock under which the run registers; a newer run has a higher one. */
  readonly lockNumber: number
  /** Figures of the run, shown in the catalog: name and number or text. */
  readonly figures: Readonly<Record<string, string | number>>
  /** The same rows in few files, where the run keeps them. */
  readonly analytics?: PublishedAnalytics
}

/** Local Parquet files with rates: by payer, state, billing class and code, and with all states together. */
export interface PublishedRates {
  readonly byState: string
  readonly byPayer: string
}

/** One state of the analytics table: all of its rows are in these files. */
export interface PublishedAnalytics {
  /** Full address of its root. */
  readonly uri: string
  /** A whole number beyond 2^53. */
  readonly snapshotId: string
  /** When it was committed, in ms since the epoch. */
  readonly timestampMs: number
  readonly files: readonly AnalyticsFile[]
}

/** One of its files. */
export interface AnalyticsFile {
  /** Below its root. */
  readonly key: string
  readonly rows: number
  readonly bytes: number
}

/** What registering changed. */
export interface RegisterOutcome {
  readonly partitions: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  /** What people should know and no figure says, one line each. */
  readonly notes?: readonly string[]
}

/** A check as a user would ask: counts by the first two partition columns, from the registered table. */
export interface SmokeCount {
  readonly values: readonly (string | null)[]
  readonly rows: number
}

/** How far a count is: done, or under way at an engine that takes its time. */
export type RowCount =
  | { readonly state: 'counted'; readonly counts: readonly SmokeCount[] }
  | { readonly state: 'counting' /** By which the count is found again. */; readonly query: string }

/** The partitions of a plan, which are not written yet. */
export interface ForeseenTable {
  readonly partitionColumns: readonly string[]
  /** Local path of `plan.parquet`: src/partition-files/plan-file.ts. */
  readonly planPath: string
}

/** Where queries find the table. */
export interface Catalog {
  /** A name for people: the DuckDB file or the Glue database. */
  readonly uri: string
  /** What people should know of the table that a plan will make, a sentence each. Asks no server. */
  foresee(table: ForeseenTable, signal: AbortSignal): Promise<readonly string[]>
  /** Brings the catalog to `state`; repeating it, or two attempts at once, leaves the same. */
  register(state: PublishedTable, signal: AbortSignal): Promise<RegisterOutcome>
  /** Rows by some partition columns, asked of the registered table as a user would ask. Waits for no other machine. */
  countRows(columns: readonly string[], signal: AbortSignal): Promise<RowCount>
  /** Looks at a count that is under way. @param columns as they were given to {@link Catalog.countRows} */
  lookAtCount(query: string, columns: readonly string[], signal: AbortSignal): Promise<RowCount>
  /** Gives up a count that is under way; one that is done is no error. */
  stopCount(query: string, signal: AbortSignal): Promise<void>
  /** The run id whose state the catalog shows, or undefined when it shows none. */
  registeredRun(signal: AbortSignal): Promise<string | undefined>
}
