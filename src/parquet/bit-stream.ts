import type { ByteWriter } from './byte-writer.js'

/** From this many repeats on, repeated patterns are copied by whole bytes: 16 are packed first to know those bytes. */
const MIN_COPIED_REPEATS = 24

/** Bit-packs values that come bit by bit, in any number of steps (Encodings.md, `bit-packed-values`). */
export class BitStream {
  #out: ByteWriter | undefined
  #width = 1
  #pending = 0
  #bits = 0
  #values = 0

  /** Begins a stream of values of `width` bits, 1 … 24, at the end of `out`. */
  begin(out: ByteWriter, width: number): void {
    this.#out = out
    this.#width = width
    this.#pending = 0
    this.#bits = 0
    this.#values = 0
  }

  /** Appends `values[start]` … `values[end - 1]`, all of them `times` times over. */
  repeat(values: Int32Array, start: number, end: number, times: number): void {
    const out = this.#out
    if (out === undefined) throw new TypeError('a bit stream must begin before it takes values')
    const count = end - start
    if (times < MIN_COPIED_REPEATS) {
      for (let i = 0; i < times; i++) this.#append(out, values, start, end)
      return
    }
    // Eight copies take whole bytes, so the next eight begin at the same bit. The first eight begin with bits of what
    // came before; from the second on all have the same bytes.
    for (let i = 0; i < 16; i++) this.#append(out, values, start, end)
    const blocks = Math.floor((times - 16) / 8)
    out.repeatLast(count * this.#width, blocks)
    this.#values += blocks * 8 * count
    for (let i = 16 + blocks * 8; i < times; i++) this.#append(out, values, start, end)
  }

  #append(out: ByteWriter, values: Int32Array, start: number, end: number): void {
    const width = this.#width
    out.reserve((((end - start) * width) >>> 3) + 8)
    const bytes = out.bytes
    let to = out.length
    let pending = this.#pending
    let bits = this.#bits
    for (let i = start; i < end; i++) {
      pending |= values[i]! << bits
      bits += width
      while (bits >= 8) {
        bytes[to++] = pending
        pending >>>= 8
        bits -= 8
      }
    }
    out.length = to
    this.#pending = pending
    this.#bits = bits
    this.#values += end - start
  }

  /** Ends the stream: pads the last group to 8 values. */
  end(): void {
    const out = this.#out
    if (out === undefined) return
    const missing = (8 - (this.#values & 7)) & 7
    let bits = this.#bits + missing * this.#width
    let pending = this.#pending
    for (; bits > 0; bits -= 8) {
      out.byte(pending & 0xff)
      pending >>>= 8
    }
    this.#out = undefined
  }
}
