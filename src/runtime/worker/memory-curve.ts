/** Resident memory over time in bounded space, whatever the length of a run. */

/** Pieces that a curve has at most; a page that is 1,280 pixels wide shows no more. */
const MOST_PIECES = 240

/** Width of a piece of a young curve: one look of the sampler. */
const FIRST_STEP_MS = 100

/** A curve at one moment. */
export interface MemoryCurveRecord {
  /** When the first piece begins, milliseconds since the epoch. */
  readonly startMs: number
  /** Width of each piece. */
  readonly stepMs: number
  /** The most that was resident in each piece, in whole MB, rounded up; null where nobody looked. */
  readonly peaksMb: readonly (number | null)[]
}

/**
 * Peaks by piece of time. When there are too many pieces, neighbours become one: the resolution halves and no peak is
 * lost.
 */
export class MemoryCurve {
  readonly #startMs: number
  #stepMs = FIRST_STEP_MS
  #peaks: number[] = []

  /** @param startMs milliseconds since the epoch */
  constructor(startMs: number) {
    this.#startMs = startMs
  }

  /** Takes a look at the memory. One from before the start counts for the start. */
  add(atMs: number, residentMb: number): void {
    const elapsed = Math.max(0, atMs - this.#startMs)
    while (elapsed >= this.#stepMs * MOST_PIECES) this.#halve()
    const piece = Math.floor(elapsed / this.#stepMs)
    while (this.#peaks.length <= piece) this.#peaks.push(Number.NaN)
    const before = this.#peaks[piece] ?? Number.NaN
    this.#peaks[piece] = Number.isNaN(before) ? residentMb : Math.max(before, residentMb)
  }

  record(): MemoryCurveRecord {
    return {
      startMs: this.#startMs,
      stepMs: this.#stepMs,
      peaksMb: this.#peaks.map((mb) => (Number.isNaN(mb) ? null : Math.ceil(mb))),
    }
  }

  #halve(): void {
    const halved: number[] = []
    for (let i = 0; i < this.#peaks.length; i += 2) {
      const pair = this.#peaks.slice(i, i + 2).filter((mb) => !Number.isNaN(mb))
      halved.push(pair.length === 0 ? Number.NaN : Math.max(...pair))
    }
    this.#peaks = halved
    this.#stepMs *= 2
  }
}
