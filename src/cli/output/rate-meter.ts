/** How fast a count grows. */

/** The rate is that of this last stretch of time: long enough to be calm, short enough to notice a change. */
const WINDOW_MS = 15_000
/** A rate over a shorter time than this is noise. */
const SHORTEST_MS = 1_000

/** Measures the rate of a count that is looked at now and then. */
export class RateMeter {
  #samples: { readonly atMs: number; readonly count: number }[] = []
  #noun = ''

  /**
   * @param atMs milliseconds of any clock that does not jump
   * @param noun what is counted: a rate is that of one kind of thing
   */
  add(count: number, atMs: number, noun = ''): void {
    const last = this.#samples.at(-1)
    // A count that falls belongs to something else, too: a new phase, a run that started again.
    if (noun !== this.#noun || (last && count < last.count)) this.#samples = []
    this.#noun = noun
    this.#samples.push({ atMs, count })
    // The newest of the samples outside stays, so that the window is covered.
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= WINDOW_MS) this.#samples.shift()
  }

  /** Counts a second, or undefined while that cannot be told. */
  perSecond(): number | undefined {
    const first = this.#samples.at(0)
    const last = this.#samples.at(-1)
    if (!first || !last || last.atMs - first.atMs < SHORTEST_MS || last.count === first.count) return undefined
    return ((last.count - first.count) * 1000) / (last.atMs - first.atMs)
  }
}
