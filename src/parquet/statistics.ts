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
 * Appends the field `statistics` of a column chunk's metadata.
 *
 * @param after id of the field before it
 * @param ids the distinct values of the chunk
 */
export function writeStatistics(
  out: ByteWriter,
  after: number,
  values: Values,
  ids: Int32Array,
  count: number,
  nullCount: number,
): void {
  thrift.struct(out, after, 12)
  thrift.i64(out, 0, 3, nullCount)
  if (count > 0) writeBounds(out, values, ids, count)
  thrift.endStruct(out)
}

function writeBounds(out: ByteWriter, values: Values, ids: Int32Array, count: number): void {
  if (values.kind === 'bytes') {
    writeStringBounds(out, values, ids, count)
    return
  }
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
  if (Number.isNaN(min) || Number.isNaN(max)) return
  switch (values.kind) {
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
      out.byte(max === 0 ? 0 : 1)
      thrift.binary(out, 5, 6, 1)
      out.byte(min === 0 ? 0 : 1)
      return
  }
}

function writeStringBounds(
  out: ByteWriter,
  values: Extract<Values, { kind: 'bytes' }>,
  ids: Int32Array,
  count: number,
): void {
  const { data, offsets, sorted } = values
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
