/** Generations after which the stamps start again: they are compared as 32-bit integers. */
const MAX_GENERATION = 2 ** 31 - 2

/**
 * Numbers the distinct ids of a stream in the order of their first appearance, without hashing and without clearing:
 * an id is new when its stamp is not that of the current generation.
 */
export class Numbering {
  /** Generation in which an id was met last. */
  stamps = new Int32Array(0)
  /** Number of each id that was met in the current generation. */
  numbers = new Int32Array(0)
  /** The current generation. */
  generation = 0

  /** Begins again with nothing met, for ids 0 … `ids - 1`. Memory is 8 bytes for each id of the largest call. */
  begin(ids: number): void {
    if (ids > this.stamps.length) {
      const capacity = Math.max(ids, this.stamps.length * 2, 1024)
      this.stamps = new Int32Array(capacity)
      this.numbers = new Int32Array(capacity)
      this.generation = 0
    }
    if (this.generation >= MAX_GENERATION) {
      this.stamps.fill(0)
      this.generation = 0
    }
    this.generation++
  }
}

/** An array of at least `count` integers, to be used again: the one given where it is long enough. */
export function atLeast(array: Int32Array<ArrayBuffer>, count: number): Int32Array<ArrayBuffer> {
  return array.length >= count ? array : new Int32Array(Math.max(count, array.length * 2))
}
