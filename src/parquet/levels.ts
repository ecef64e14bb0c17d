/** Definition and repetition levels of version 1 data pages: 4 bytes of length, then the RLE / bit-packing hybrid. */

import type { ByteWriter } from './byte-writer.js'
import { type HybridWriter, repeatedRun } from './rle.js'

/** Appends the levels of `count` values that are all the same. */
export function uniformLevels(out: ByteWriter, level: number, count: number, width: number): void {
  const start = beginLevels(out)
  repeatedRun(out, level, count, width)
  endLevels(out, start)
}

/** Appends room for the length of the levels that follow; returns where they start. */
export function beginLevels(out: ByteWriter): number {
  out.int32(0)
  return out.length
}

/** Fills in the length of the levels that were begun at `start`. */
export function endLevels(out: ByteWriter, start: number): void {
  out.int32At(start - 4, out.length - start)
}

/**
 * Appends the definition levels of runs: 0 where an item is negative, else 1.
 *
 * @returns how many values are defined
 */
export function writeDefined(
  out: ByteWriter,
  hybrid: HybridWriter,
  items: Int32Array,
  lengths: Int32Array,
  count: number,
): number {
  const start = beginLevels(out)
  hybrid.begin(out, 1)
  let defined = 0
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!
    if (items[i]! < 0) {
      hybrid.run(0, length)
    } else {
      hybrid.run(1, length)
      defined += length
    }
  }
  hybrid.end()
  endLevels(out, start)
  return defined
}
