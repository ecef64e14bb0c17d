const CANONICAL_NAN_HIGH = 0x7ff80000

/**
 * Numbers the distinct float64 values of a stream in the order of their first appearance, by their bits: an
 * open-addressing table whose slots are stamped, so that it is never cleared. NaN is one value, -0 and +0 are two.
 */
export class NumberTable {
  /** The distinct values, by number. */
  values = new Float64Array(64)
  /** How many there are. */
  count = 0
  #stamps = new Int32Array(128)
  #slots = new Int32Array(128)
  #mask = 127
  #generation = 0
  readonly #number = new Float64Array(1)
  readonly #bits = new Uint32Array(this.#number.buffer)

  /** Begins again with nothing met, for at most `capacity` distinct values. */
  begin(capacity: number): void {
    this.count = 0
    let slots = 128
    while (slots < capacity * 2) slots *= 2
    if (slots > this.#stamps.length) {
      this.#stamps = new Int32Array(slots)
      this.#slots = new Int32Array(slots)
      this.#generation = 0
    }
    if (this.#generation === 2 ** 31 - 2) {
      this.#stamps.fill(0)
      this.#generation = 0
    }
    // A small stream uses the low end of a large table only, which stays in the processor's cache.
    this.#mask = slots - 1
    this.#generation++
    if (this.values.length < capacity) this.values = new Float64Array(Math.max(capacity, this.values.length * 2))
  }

  /** The number of a value, which is numbered now where it is new. */
  numberOf(value: number): number {
    this.#number[0] = value
    const low = Number.isNaN(value) ? 0 : this.#bits[0]!
    const high = Number.isNaN(value) ? CANONICAL_NAN_HIGH : this.#bits[1]!
    const values = this.values
    const stamps = this.#stamps
    const slots = this.#slots
    const mask = this.#mask
    const generation = this.#generation
    let slot = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
    slot = (slot ^ (slot >>> 15)) & mask
    while (stamps[slot] === generation) {
      const number = slots[slot]!
      if (Object.is(values[number]!, value)) return number
      slot = (slot + 1) & mask
    }
    stamps[slot] = generation
    const number = this.count++
    slots[slot] = number
    values[number] = value
    return number
  }
}
