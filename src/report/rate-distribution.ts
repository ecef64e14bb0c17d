/** How numbers that span orders of magnitude are distributed: quantiles and counts by equal steps of their logarithm. */

/** Bins of a power of ten: each is a third wider than the one before. */
const BINS_PER_DECADE = 8

/** Pieces of a power of ten in which quantiles are looked up where values do not come sorted: 0.1 % each. */
const FINE_PER_DECADE = 2304

/** Powers of ten that are told apart; what lies beyond counts for the last bin. */
const LOWEST_DECADE = -6
const HIGHEST_DECADE = 12

const EDGES = Array.from(
  { length: (HIGHEST_DECADE - LOWEST_DECADE) * BINS_PER_DECADE + 1 },
  (_, i) => 10 ** (LOWEST_DECADE + i / BINS_PER_DECADE),
)

/** One bin: `from` (inclusive) to `to` (exclusive). */
export interface LogBin {
  readonly from: number
  readonly to: number
  readonly rows: number
}

/** Bins from the first to the last that holds something. */
export class LogBins {
  readonly #rows = new Float64Array(EDGES.length - 1)

  add(value: number, rows: number): void {
    this.#rows[binOf(value)]! += rows
  }

  bins(): readonly LogBin[] {
    const first = this.#rows.findIndex((n) => n > 0)
    const last = this.#rows.findLastIndex((n) => n > 0)
    if (first < 0) return []
    return Array.from(this.#rows.subarray(first, last + 1), (rows, i) => ({
      from: rounded(EDGES[first + i]!),
      to: rounded(EDGES[first + i + 1]!),
      rows,
    }))
  }
}

function binOf(value: number): number {
  const guess = Math.floor((Math.log10(value) - LOWEST_DECADE) * BINS_PER_DECADE)
  const bin = Math.max(0, Math.min(EDGES.length - 2, guess))
  // The logarithm of a value beside an edge may be rounded to the other side.
  if (bin > 0 && value < EDGES[bin]!) return bin - 1
  return bin < EDGES.length - 2 && value >= EDGES[bin + 1]! ? bin + 1 : bin
}

/** Edges for people and for records: 15 digits, so that 10 ** 2.5 reads the same on every machine. */
function rounded(edge: number): number {
  return Number(edge.toPrecision(15))
}

/** Quantiles that reports tell. */
export interface Quantiles {
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

const SHARES = { p10: 0.1, p50: 0.5, p90: 0.9 } as const

/**
 * Exact quantiles of values that come sorted, each with a weight: the smallest value of which at least this share of
 * the rows is not above.
 */
export class SortedQuantiles {
  readonly #total: number
  #before = 0
  readonly #found = { p10: Number.NaN, p50: Number.NaN, p90: Number.NaN }

  /** @param total rows of all values together */
  constructor(total: number) {
    this.#total = total
  }

  add(value: number, rows: number): void {
    this.#before += rows
    for (const name of ['p10', 'p50', 'p90'] as const) {
      if (Number.isNaN(this.#found[name]) && this.#before >= SHARES[name] * this.#total) this.#found[name] = value
    }
  }

  quantiles(): Quantiles {
    return { ...this.#found }
  }
}

/** Quantiles, to 0.1 %, of positive values that come in any order, in bounded memory. */
export class UnsortedQuantiles {
  readonly #rows = new Float64Array((HIGHEST_DECADE - LOWEST_DECADE) * FINE_PER_DECADE)
  #total = 0

  add(value: number, rows: number): void {
    const piece = Math.floor((Math.log10(value) - LOWEST_DECADE) * FINE_PER_DECADE)
    this.#rows[Math.max(0, Math.min(this.#rows.length - 1, piece))]! += rows
    this.#total += rows
  }

  quantiles(): Quantiles {
    const sorted = new SortedQuantiles(this.#total)
    for (const [piece, rows] of this.#rows.entries()) {
      if (rows > 0) sorted.add(Number((10 ** (LOWEST_DECADE + (piece + 0.5) / FINE_PER_DECADE)).toPrecision(4)), rows)
    }
    return sorted.quantiles()
  }
}
