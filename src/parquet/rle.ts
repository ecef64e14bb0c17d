/**
 * The RLE / bit-packing hybrid of Encodings.md: `<encoded-data> := <run>*`, where a run is either one value repeated
 * (`varint(count << 1)`, then the value in whole bytes) or groups of 8 bit-packed values (`varint(groups << 1 | 1)`).
 */

import { packBits } from './bit-packing.js'
import { ByteWriter } from './byte-writer.js'

/** From this many repeats on a run of its own is never longer than bit-packing the values. */
const MIN_REPEATS = 8

/** Values that are bit-packed under one header; 63 groups are the most whose header is a single byte. */
const MAX_PACKED_VALUES = 63 * 8

/** Appends one repeated run. */
export function repeatedRun(out: ByteWriter, value: number, count: number, width: number): void {
  out.varint(count * 2)
  for (let bits = width, rest = value; bits > 0; bits -= 8, rest >>>= 8) out.byte(rest & 0xff)
}

/** Appends `count` values as one bit-packed run: right where neighbours differ. */
export function packedRun(out: ByteWriter, values: Int32Array, count: number, width: number): void {
  out.varint(Math.ceil(count / 8) * 2 + 1)
  packBits(out, values, count, width)
}

/** Writes values that come as runs: long runs repeated, short ones bit-packed between them. */
export class HybridWriter {
  #out = new ByteWriter(0)
  #width = 0
  /** The run that is still growing; at the start one of nothing. */
  #value = 0
  #count = 0
  /** Values that wait to be bit-packed. Only the last bit-packed run may be padded, so all others are whole groups. */
  readonly #packed = new Int32Array(MAX_PACKED_VALUES)
  #packedCount = 0

  /** Begins a sequence of values of `width` bits at the end of `out`. */
  begin(out: ByteWriter, width: number): void {
    this.#out = out
    this.#width = width
    this.#value = 0
    this.#count = 0
    this.#packedCount = 0
  }

  /** Adds `count` times the same value; neighbouring runs of one value become one. */
  run(value: number, count: number): void {
    if (value === this.#value) {
      this.#count += count
      return
    }
    if (this.#count > 0) this.#flushRun()
    this.#value = value
    this.#count = count
  }

  /** Ends the sequence. */
  end(): void {
    if (this.#count > 0) this.#flushRun()
    this.#flushPacked()
  }

  #flushRun(): void {
    const value = this.#value
    let count = this.#count
    const packed = this.#packed
    let packedCount = this.#packedCount
    if (count < MIN_REPEATS && packedCount + count < MAX_PACKED_VALUES) {
      for (; count > 0; count--) packed[packedCount++] = value
      this.#packedCount = packedCount
      return
    }
    // A group that was begun has to be filled before another kind of run may follow.
    for (; count > 0 && (packedCount & 7) !== 0; count--) packed[packedCount++] = value
    this.#packedCount = packedCount
    if (count >= MIN_REPEATS) {
      this.#flushPacked()
      repeatedRun(this.#out, value, count, this.#width)
      return
    }
    if (packedCount === MAX_PACKED_VALUES) this.#flushPacked()
    packedCount = this.#packedCount
    for (; count > 0; count--) packed[packedCount++] = value
    this.#packedCount = packedCount
    if (packedCount === MAX_PACKED_VALUES) this.#flushPacked()
  }

  #flushPacked(): void {
    if (this.#packedCount === 0) return
    packedRun(this.#out, this.#packed, this.#packedCount, this.#width)
    this.#packedCount = 0
  }
}
