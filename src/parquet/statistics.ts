/**
 * `Statistics` of a column chunk (parquet.thrift): how many values are NULL, the lowest and the highest value.
 *
 * Readers skip chunks by them, so a bound that is wrong loses rows. Hence: strings compare as unsigned bytes; a chunk
 * with a NaN gets no bounds, because engines disagree on where NaN sorts; a bound of zero is written as -0 when it is
 * the lowest and as +0 when it is the highest, because -0 and +0 are equal to most and ordered to some; strings over
 * {@link MAX_BOUND_BYTES} get no bounds rather than truncated ones, because older readers take a bound for a value.
 */

import type { ByteWriter } from './byte-writer.js'
import type { Values } from './plain.js'
import * as thrift from './thrift.js'

/** Longest string that is written as a bound, in bytes. */
const MAX_BOUND_BYTES = 64

/** Length prefix of a PLAIN string. */
const PREFIX_BYTES = 4

/**
 * The lowest and the highest of a chunk's distinct values. `ids` are of the pool's strings; numbers are never NaN.
 */
export type ChunkBounds =
  | { readonly kind: 'ids'; readonly min: number; readonly max: number }
  | { readonly kind: 'numbers'; readonly min: number; readonly max: number }

/**
 * Finds the bounds of the values `ids[0]` … `ids[count - 1]`; undefined where there is none, or one of them is NaN.
 */
export function findBounds(values: Values, ids: Int32Array, count: number): ChunkBounds | undefined {
  if (count === 0) return undefined
  if (values.kind === 'bytes') return stringBounds(values, ids, count)
  if (values.kind === 'boolean') return booleanBounds(values.values, ids, count)
  const numbers = values.values
  let min = numbers[ids[0]!]!
  let max = min
  for (let i = 1; i < count; i++) {
    const value = numbers[ids[i]!]!
    if (value < min) min = value
    else if (value > max) max = value
    // Once it is NaN no comparison changes it, so this also catches a NaN that came first.
    else if (Number.isNaN(value)) min = value
  }
  return Number.isNaN(min) || Number.isNaN(max) ? undefined : { kind: 'numbers', min, max }
}

/** Whatever is not 0 is written as true. */
function booleanBounds(values: Uint8Array | Float64Array, ids: Int32Array, count: number): ChunkBounds {
  let min = 1
  let max = 0
  for (let i = 0; i < count; i++) {
    if (values[ids[i]!] === 0) min = 0
    else max = 1
  }
  return { kind: 'numbers', min, max }
}

function stringBounds(
  { data, offsets, sorted }: Extract<Values, { kind: 'bytes' }>,
  ids: Int32Array,
  count: number,
): ChunkBounds {
  let min = ids[0]!
  let max = min
  for (let i = 1; i < count; i++) {
    const id = ids[i]!
    if (sorted) {
      if (id < min) min = id
      else if (id > max) max = id
    } else if (compare(data, offsets, id, min) < 0) min = id
    else if (compare(data, offsets, id, max) > 0) max = id
  }
  return { kind: 'ids', min, max }
}

/** The bytes of a string of a pool, as a view. */
export function stringBytes({ data, offsets }: Extract<Values, { kind: 'bytes' }>, id: number): Uint8Array {
  return data.subarray(offsets[id]! + PREFIX_BYTES, offsets[id + 1])
}

/**
 * Appends the field `statistics` of a column chunk's metadata.
 *
 * @param after id of the field before it
 * @param bounds of the chunk's values, see {@link findBounds}
 */
export function writeStatistics(
  out: ByteWriter,
  after: number,
  values: Values,
  bounds: ChunkBounds | undefined,
  nullCount: number,
): void {
  thrift.struct(out, after, 12)
  thrift.i64(out, 0, 3, nullCount)
  if (bounds) writeBounds(out, values, bounds)
  thrift.endStruct(out)
}

function writeBounds(out: ByteWriter, values: Values, { min, max }: ChunkBounds): void {
  switch (values.kind) {
    case 'bytes':
      writeStringBounds(out, values, min, max)
      return
    case 'double':
      thrift.binary(out, 3, 5, 8)
      out.double(max === 0 ? 0 : max)
      thrift.binary(out, 5, 6, 8)
      out.double(min === 0 ? -0 : min)
      return
    case 'int32':
      thrift.binary(out, 3, 5, 4)
      out.int32(max)
      thrift.binary(out, 5, 6, 4)
      out.int32(min)
      return
    case 'boolean':
      thrift.binary(out, 3, 5, 1)
      out.byte(max)
      thrift.binary(out, 5, 6, 1)
      out.byte(min)
      return
  }
}

function writeStringBounds(
  out: ByteWriter,
  { data, offsets }: Extract<Values, { kind: 'bytes' }>,
  min: number,
  max: number,
): void {
  const minStart = offsets[min]! + PREFIX_BYTES
  const minEnd = offsets[min + 1]!
  const maxStart = offsets[max]! + PREFIX_BYTES
  const maxEnd = offsets[max + 1]!
  if (minEnd - minStart > MAX_BOUND_BYTES || maxEnd - maxStart > MAX_BOUND_BYTES) return
  thrift.binary(out, 3, 5, maxEnd - maxStart)
  out.appendRange(data, maxStart, maxEnd)
  thrift.binary(out, 5, 6, minEnd - minStart)
  out.appendRange(data, minStart, minEnd)
}

/** Compares two strings of a pool as unsigned bytes, which for UTF-8 is the order of code points. */
function compare(data: Uint8Array, offsets: Int32Array, left: number, right: number): number {
  const leftEnd = offsets[left + 1]!
  const rightEnd = offsets[right + 1]!
  let i = offsets[left]! + PREFIX_BYTES
  let j = offsets[right]! + PREFIX_BYTES
  for (; i < leftEnd && j < rightEnd; i++, j++) {
    const difference = data[i]! - data[j]!
    if (difference !== 0) return difference
  }
  return leftEnd - i - (rightEnd - j)
}
