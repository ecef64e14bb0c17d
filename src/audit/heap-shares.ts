/** What the audit of the input holds at once, of its share of the JavaScript heap. Together they are about one and a half shares at worst. */
import type { ReadLimits } from './parquet-rows.js'

/** How many of each there may be. */
export interface HeapShares {
  /** Rows of one input table that are held with all of their columns. */
  readonly rowsOf: (columns: number) => number
  /** Links of the sampled facts' groups. */
  readonly links: number
  /** Groups whose members are counted. */
  readonly groups: number
  /** Providers that are looked up. */
  readonly providers: number
  /** Due rows of which only the place is known. */
  readonly places: number
  /** Rows with all of their values, due and written ones together. */
  readonly rowsAtOnce: number
}

/** Measured with the heap's snapshots: a place in an array, and a text or number that other rows have as well. */
const VALUE_BYTES = 16
/** What is found of a provider in three tables: most of it is text of its own. */
const BYTES_OF_PROVIDER = 1_400
const LINK_BYTES = 80
const NAME_BYTES = 120
const PLACE_BYTES = 200
const ROW_BYTES = 2_000

/** Shares of a heap of so many bytes. */
export function heapShares({ heapBytes }: ReadLimits): HeapShares {
  const fit = (share: number, each: number): number => Math.max(1, Math.floor((heapBytes * share) / each))
  return {
    rowsOf: (columns) => fit(0.25, columns * VALUE_BYTES),
    links: fit(0.1, LINK_BYTES),
    groups: fit(0.3, NAME_BYTES),
    providers: fit(0.2, BYTES_OF_PROVIDER),
    places: fit(0.15, PLACE_BYTES),
    rowsAtOnce: fit(0.25, ROW_BYTES),
  }
}
