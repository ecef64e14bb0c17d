/** Values in Parquet's PLAIN encoding (Encodings.md, "Plain"): of dictionary pages, and of data pages without one. */

import type { ByteWriter } from './byte-writer.js'

/**
 * Where ids find their values. A pool without lists; or numbers that come as float64 whatever the column's type is.
 * `sorted` says that a lower id is a smaller value.
 */
export type Values =
  | { readonly kind: 'bytes'; readonly data: Uint8Array; readonly offsets: Int32Array; readonly sorted: boolean }
  | { readonly kind: 'double'; readonly values: Float64Array }
  | { readonly kind: 'int32'; readonly values: Int32Array | Float64Array }
  | { readonly kind: 'boolean'; readonly values: Uint8Array | Float64Array }

/** Bytes of a value that is not a string and not a boolean. */
export function fixedBytes(kind: 'double' | 'int32'): number {
  return kind === 'double' ? 8 : 4
}

/** Bytes of the PLAIN values of `ids[0]` … `ids[count - 1]`; stops counting where they pass `limit`. */
export function plainBytes(values: Values, ids: Int32Array, count: number, limit: number): number {
  if (values.kind === 'boolean') return Math.ceil(count / 8)
  if (values.kind !== 'bytes') return count * fixedBytes(values.kind)
  const offsets = values.offsets
  let total = 0
  for (let i = 0; i < count && total <= limit; i++) {
    const id = ids[i]!
    total += offsets[id + 1]! - offsets[id]!
  }
  return total
}

/** Appends the values of `ids[0]` … `ids[count - 1]`, each `lengths[i]` times where lengths are given. Not booleans. */
export function writePlain(
  out: ByteWriter,
  values: Values,
  ids: Int32Array,
  lengths: Int32Array | undefined,
  count: number,
): void {
  switch (values.kind) {
    case 'bytes':
      if (lengths === undefined) writeStrings(out, values.data, values.offsets, ids, count)
      else writeStringRuns(out, values.data, values.offsets, ids, lengths, count)
      return
    case 'double': {
      const numbers = values.values
      for (let i = 0; i < count; i++) {
        out.double(numbers[ids[i]!]!)
        if (lengths !== undefined && lengths[i]! > 1) out.repeatLast(8, lengths[i]! - 1)
      }
      return
    }
    case 'int32': {
      const numbers = values.values
      for (let i = 0; i < count; i++) {
        out.int32(numbers[ids[i]!]!)
        if (lengths !== undefined && lengths[i]! > 1) out.repeatLast(4, lengths[i]! - 1)
      }
      return
    }
    case 'boolean':
      throw new TypeError('booleans are written as bits, not value by value')
  }
}

function writeStrings(out: ByteWriter, data: Uint8Array, offsets: Int32Array, ids: Int32Array, count: number): void {
  for (let i = 0; i < count; ) {
    const first = ids[i]!
    let last = first
    // Neighbours in the pool are neighbours in its bytes: one copy for all of them.
    for (i++; i < count && ids[i] === last + 1; i++) last++
    out.appendRange(data, offsets[first]!, offsets[last + 1]!)
  }
}

function writeStringRuns(
  out: ByteWriter,
  data: Uint8Array,
  offsets: Int32Array,
  ids: Int32Array,
  lengths: Int32Array,
  count: number,
): void {
  for (let i = 0; i < count; ) {
    const first = ids[i]!
    const length = lengths[i]!
    let last = first
    i++
    if (length === 1) {
      for (; i < count && lengths[i] === 1 && ids[i] === last + 1; i++) last++
    }
    const start = offsets[first]!
    const end = offsets[last + 1]!
    out.appendRange(data, start, end)
    if (length > 1) out.repeatLast(end - start, length - 1)
  }
}
