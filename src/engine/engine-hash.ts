/**
 * The engine's `hash()` of values that JavaScript holds. With it both can compute the same checksum of the same rows, the
 * engine over what it has joined or read, JavaScript over what it writes.
 *
 * The function is that of the pinned version of DuckDB (MurmurHash64 of numbers, eight bytes at a time of texts, a list and
 * several arguments folded one after the other). It may change with a version: its test asks the engine itself.
 */

/** Multiplier of every step, as two halves. */
const STEP_LOW = 0x6659fd93
const STEP_HIGH = 0xd6e8feb8 | 0
const LENGTH_LOW = 0x5bd1e995
const LENGTH_HIGH = 0xc6a4a793 | 0
const SEED_LOW = 0xe17a1465 | 0
/** The hash of NULL, and of a list without items. */
const NULL_LOW = 0x1ce4e5b9
const NULL_HIGH = 0xbf58476d | 0

const double = new Float64Array(1)
const doubleHalves = new Int32Array(double.buffer)

/** A hash that is being computed: 64 bits as two halves, so that nothing is allocated for a value. */
export class EngineHash {
  low = 0
  high = 0

  /** `hash(NULL)` of any type. */
  ofNull(): this {
    this.low = NULL_LOW
    this.high = NULL_HIGH
    return this
  }

  /** `hash` of a text, from its UTF-8 bytes `from` (inclusive) to `to` (exclusive). */
  ofBytes(bytes: Uint8Array, from: number, to: number): this {
    this.low = to - from
    this.high = 0
    this.#multiply(LENGTH_LOW, LENGTH_HIGH)
    this.low ^= SEED_LOW
    for (let at = from; at < to; at += 8) {
      this.low ^= littleEndian(bytes, at, to)
      this.high ^= littleEndian(bytes, at + 4, to)
      this.#multiply(STEP_LOW, STEP_HIGH)
    }
    return this.#finish()
  }

  /** `hash` of a DOUBLE: -0 is 0, and every NaN is the same. */
  ofDouble(value: number): this {
    double[0] = value === 0 ? 0 : value
    return this.ofHalves(doubleHalves[0]!, doubleHalves[1]!)
  }

  /** `hash` of a BOOLEAN. */
  ofBoolean(value: boolean): this {
    return this.ofHalves(value ? 1 : 0, 0)
  }

  /** `hash` of a UBIGINT that is given as two halves. */
  ofHalves(low: number, high: number): this {
    this.low = low
    this.high = high
    return this.#finish()
  }

  /** `hash` of the hash that this is: what it counts as among the arguments of another one. */
  again(): this {
    return this.#finish()
  }

  /** Takes the hash of the next argument, or of the next item, into that of those before it. */
  combine(low: number, high: number): this {
    this.low ^= this.high
    this.#multiply(STEP_LOW, STEP_HIGH)
    this.low ^= low
    this.high ^= high
    return this
  }

  /** Goes on from a hash that was kept. */
  from(low: number, high: number): this {
    this.low = low
    this.high = high
    return this
  }

  #finish(): this {
    this.low ^= this.high
    this.#multiply(STEP_LOW, STEP_HIGH)
    this.low ^= this.high
    this.#multiply(STEP_LOW, STEP_HIGH)
    this.low ^= this.high
    return this
  }

  /** The lower 64 bits of a product. Numbers hold products of 16 bits exactly, and `Math.imul` the lower half of others. */
  #multiply(low: number, high: number): void {
    const a0 = this.low & 0xffff
    const a1 = this.low >>> 16
    const b0 = low & 0xffff
    const b1 = low >>> 16
    const p00 = Math.imul(a0, b0) >>> 0
    const p01 = Math.imul(a0, b1) >>> 0
    const p10 = Math.imul(a1, b0) >>> 0
    const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff)
    const carried = Math.imul(a1, b1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16)
    this.high = (carried + Math.imul(this.low, high) + Math.imul(this.high, low)) | 0
    this.low = (middle << 16) | (p00 & 0xffff)
  }
}

/** Four bytes as a number; what lies behind the end is 0. */
function littleEndian(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  let value = 0
  for (let i = at; i < end; i++) value |= bytes[i]! << (8 * (i - at))
  return value
}
