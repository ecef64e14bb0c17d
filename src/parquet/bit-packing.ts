import type { ByteWriter } from './byte-writer.js'

/**
 * Bits that an index into a dictionary of `count` values takes. At least 1: width 0 is legal for a single value, and
 * some readers fail on it.
 */
export function bitWidthOf(count: number): number {
  return count <= 2 ? 1 : 32 - Math.clz32(count - 1)
}

/** Bytes of `count` bit-packed values: groups of 8 values, the last one padded. */
export function bitPackedBytes(count: number, width: number): number {
  return Math.ceil(count / 8) * width
}

/**
 * Appends the first `count` of `values`, `width` bits each, lowest bits first, padded with zeros to groups of 8
 * (Encodings.md, "RLE / Bit-Packing Hybrid", `bit-packed-values`).
 *
 * @param width 1 … 24: with up to 7 bits left over from the value before, 31 bits hold what is not written yet
 */
export function packBits(out: ByteWriter, values: Int32Array, count: number, width: number): void {
  const total = bitPackedBytes(count, width)
  out.reserve(total)
  const bytes = out.bytes
  let to = out.length
  const end = to + total
  if (width === 8) {
    for (let i = 0; i < count; i++) bytes[to++] = values[i]!
  } else if (width === 1) {
    const whole = count & ~7
    let i = 0
    for (; i < whole; i += 8) {
      bytes[to++] =
        values[i]! |
        (values[i + 1]! << 1) |
        (values[i + 2]! << 2) |
        (values[i + 3]! << 3) |
        (values[i + 4]! << 4) |
        (values[i + 5]! << 5) |
        (values[i + 6]! << 6) |
        (values[i + 7]! << 7)
    }
    if (i < count) {
      let last = 0
      for (let bit = 0; i < count; i++, bit++) last |= values[i]! << bit
      bytes[to++] = last
    }
  } else {
    let pending = 0
    let bits = 0
    for (let i = 0; i < count; i++) {
      pending |= values[i]! << bits
      bits += width
      while (bits >= 8) {
        bytes[to++] = pending
        pending >>>= 8
        bits -= 8
      }
    }
    if (bits > 0) bytes[to++] = pending
  }
  // The buffer is reused: what pads the last group must be cleared.
  while (to < end) bytes[to++] = 0
  out.length = end
}
