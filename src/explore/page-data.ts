/** What the page of `etl3 explore` carries: columns of numbers, and lists of the values that they number. */

/** Rates of groups, column by column; the groups of one code stand together. */
export interface RateGroups {
  /** Place of the first group of each code; one more entry than codes. */
  readonly from: readonly number[]
  /** Numbers in {@link PageRates}' lists. */
  readonly payer: readonly number[]
  readonly billingClass: readonly number[]
  readonly unit: readonly number[]
  readonly facts: readonly number[]
  readonly rows: readonly number[]
  /** Null where no rate is a number. */
  readonly min: readonly (number | null)[]
  readonly p25: readonly (number | null)[]
  readonly median: readonly (number | null)[]
  readonly p75: readonly (number | null)[]
  readonly max: readonly (number | null)[]
  /** Median of the ratio to Medicare; null where there is none. */
  readonly ratio: readonly (number | null)[]
}

/** Rates of the codes with the most facts, these codes first. */
export interface PageRates {
  readonly codeType: readonly (string | null)[]
  readonly code: readonly (string | null)[]
  readonly name: readonly (string | null)[]
  readonly facts: readonly number[]
  readonly payers: readonly (string | null)[]
  readonly states: readonly (string | null)[]
  readonly classes: readonly (string | null)[]
  readonly units: readonly (string | null)[]
  /** With all states together; of every code. */
  readonly byPayer: RateGroups
  /** Of the first codes: as many as `from` has. */
  readonly byState: RateGroups & { readonly state: readonly number[] }
  /** What the page leaves out. */
  readonly left: { readonly codes: number; readonly codesByState: number }
  /** Full address of the table of all groups. */
  readonly uri: string
}

/** Partitions, those with the most rows first. */
export interface PagePartitions {
  /** Name of each partition column, and its part of a path before the `=`. */
  readonly columns: readonly { readonly name: string; readonly folder: string }[]
  /** Values of each column, as they are and as a path has them. */
  readonly values: readonly (readonly (string | null)[])[]
  readonly segments: readonly (readonly string[])[]
  /** By column: a number in `values` for each partition. */
  readonly numbers: readonly (readonly number[])[]
  readonly rows: readonly number[]
  readonly facts: readonly number[]
  readonly bytes: readonly number[]
  /** Name of the one file of a partition. */
  readonly file: string
  readonly left: { readonly partitions: number; readonly rows: number }
}

/** All of it. */
export interface PageData {
  readonly run: string
  /** Full address of the table's root, without a slash at its end. */
  readonly root: string
  readonly database: string
  readonly table: string
  /** Words that a shell begins a query with: `npx etl3 query`. */
  readonly queryCommand: string
  /** Whether the catalog that a query asks has the tables of rates. */
  readonly ratesInCatalog: boolean
  readonly partitions: PagePartitions
  /** Null where the run kept no rates. */
  readonly rates: PageRates | null
}
