/**
 * The port to where queries find the table. Adapters: `duckdb-catalog.ts` (a DuckDB file with a view), later
 * `glue-catalog.ts`. A catalog is brought to one published state; what it holds afterwards is that state and nothing else.
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
  /** A local Parquet file with all partitions: columns `key`, one per partition column, `rows`, `facts`, `bytes`, `sha256`, `fingerprint`. */
  readonly manifestPath: string
  readonly runId: string
  /** Figures of the run, shown in the catalog: name and number or text. */
  readonly figures: Readonly<Record<string, string | number>>
}

/** What registering changed. */
export interface RegisterOutcome {
  readonly partitions: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** A check as a user would ask: counts by the first two partition columns, from the registered table. */
export interface SmokeCount {
  readonly values: readonly (string | null)[]
  readonly rows: number
}

/** Where queries find the table. */
export interface Catalog {
  /** A name for people: the DuckDB file or the Glue database. */
  readonly uri: string
  /** Brings the catalog to `state`; repeating it, or two attempts at once, leaves the same. */
  register(state: PublishedTable, signal: AbortSignal): Promise<RegisterOutcome>
  /** Rows by some partition columns, asked of the registered table as a user would ask. */
  countRows(columns: readonly string[], signal: AbortSignal): Promise<readonly SmokeCount[]>
  /** The run id whose state the catalog shows, or undefined when it shows none. */
  registeredRun(signal: AbortSignal): Promise<string | undefined>
}
