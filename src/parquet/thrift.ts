/**
 * Thrift's compact protocol, as far as Parquet's headers and footers need it.
 *
 * A field's header is one byte: how far its id lies after the field before it in the same struct (1 … 15), then its
 * type. So each function takes `after`, the id of the field before (0 at the start of a struct), and the field's own
 * id; both are constants where they are called and read like parquet.thrift.
 *
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

import type { ByteWriter } from './byte-writer.js'

const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

/** Types of list elements that Parquet's structs use. */
export const ELEMENT = { I32, BINARY, STRUCT } as const

const utf8 = new TextEncoder()

/** Appends an i32 field. */
export function i32(out: ByteWriter, after: number, id: number, value: number): void {
  out.byte(((id - after) << 4) | I32)
  zigzag(out, value)
}

/** Appends an i64 field; the value is an integer below 2^52, as sizes and offsets are. */
export function i64(out: ByteWriter, after: number, id: number, value: number): void {
  out.byte(((id - after) << 4) | I64)
  zigzag(out, value)
}

/** Appends a string field. */
export function text(out: ByteWriter, after: number, id: number, value: string): void {
  out.byte(((id - after) << 4) | BINARY)
  textElement(out, value)
}

/** Appends the header of a binary field of `count` bytes; the caller appends the bytes. */
export function binary(out: ByteWriter, after: number, id: number, count: number): void {
  out.byte(((id - after) << 4) | BINARY)
  out.varint(count)
}

/** Appends the header of a list field; its `count` elements follow. */
export function list(out: ByteWriter, after: number, id: number, element: number, count: number): void {
  out.byte(((id - after) << 4) | LIST)
  // Lists of up to 14 elements have their size in the header's upper half; 15 says that a varint follows.
  if (count < 15) {
    out.byte((count << 4) | element)
  } else {
    out.byte(0xf0 | element)
    out.varint(count)
  }
}

/** Appends the header of a struct field; its fields and {@link endStruct} follow. */
export function struct(out: ByteWriter, after: number, id: number): void {
  out.byte(((id - after) << 4) | STRUCT)
}

/** Ends a struct. */
export function endStruct(out: ByteWriter): void {
  out.byte(0)
}

/** Appends an integer as an element of a list. */
export function zigzag(out: ByteWriter, value: number): void {
  if (value >= 0) out.varint(value * 2)
  else out.varint(-value * 2 - 1)
}

/** Appends a string as an element of a list: its length in bytes, then UTF-8. */
export function textElement(out: ByteWriter, value: string): void {
  const bytes = utf8.encode(value)
  out.varint(bytes.length)
  out.append(bytes)
}
