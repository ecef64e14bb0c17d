/**
 * The lowest and the highest value of a column as Iceberg's manifests hold them (Iceberg specification, appendix D,
 * "Binary single-value serialization"). A reader leaves a file out by them: one that is too tight loses rows.
 */
import type { ColumnType } from '../parquet/factorised.js'
import type { Values } from '../parquet/plain.js'
import { type ChunkBounds, stringBytes } from '../parquet/statistics.js'

/** Code points that are kept of a text. Iceberg's own writers keep as many (`truncate(16)`). */
const KEPT_CODE_POINTS = 16

const LAST_CODE_POINT = 0x10ffff
const FIRST_SURROGATE = 0xd800
const LAST_SURROGATE = 0xdfff

/** Refuses what is no UTF-8, and takes a byte order mark for the character that it is. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bounds in their serialized form. Either may be missing: then nothing is known on that side. */
export interface Bounds {
  readonly lower: Uint8Array | undefined
  readonly upper: Uint8Array | undefined
}

/** What is known when nothing is. */
export const NO_BOUNDS: Bounds = { lower: undefined, upper: undefined }

/** Serializes what the encoder knows of a column chunk. */
export function chunkBounds(type: ColumnType, values: Values, { min, max }: ChunkBounds): Bounds {
  switch (type) {
    case 'string':
      return values.kind === 'bytes' ? textBounds(stringBytes(values, min), stringBytes(values, max)) : NO_BOUNDS
    case 'double':
      // -0 and 0 are equal to some readers and ordered to others.
      return { lower: doubleBytes(min === 0 ? -0 : min), upper: doubleBytes(max === 0 ? 0 : max) }
    case 'int32':
    case 'date':
      return { lower: int32Bytes(min), upper: int32Bytes(max) }
    case 'boolean':
      return { lower: Uint8Array.of(min), upper: Uint8Array.of(max) }
    case 'list':
      return NO_BOUNDS
  }
}

/** Bounds that hold for both parts of a file; missing where one of the parts has none. */
export function widestBounds(type: ColumnType, a: Bounds, b: Bounds): Bounds {
  return {
    lower: a.lower && b.lower && (compareBounds(type, a.lower, b.lower) <= 0 ? a.lower : b.lower),
    upper: a.upper && b.upper && (compareBounds(type, a.upper, b.upper) >= 0 ? a.upper : b.upper),
  }
}

/** The text in UTF-8, whole: the value of a partition. */
export function textValue(text: string): Uint8Array {
  return Buffer.from(text)
}

function textBounds(min: Uint8Array, max: Uint8Array): Bounds {
  return { lower: textLower(min), upper: textUpper(max) }
}

function textLower(bytes: Uint8Array): Uint8Array | undefined {
  const text = decoded(bytes)
  if (text === undefined) return undefined
  const points = [...text]
  return points.length <= KEPT_CODE_POINTS ? bytes.slice() : Buffer.from(points.slice(0, KEPT_CODE_POINTS).join(''))
}

/**
 * A text that is not lower than the one given: its beginning with the last character raised by one. A character that is
 * the last there is gives way to the one before it; of a text of nothing else there is no bound.
 */
function textUpper(bytes: Uint8Array): Uint8Array | undefined {
  const text = decoded(bytes)
  if (text === undefined) return undefined
  const points = [...text]
  if (points.length <= KEPT_CODE_POINTS) return bytes.slice()
  for (let length = KEPT_CODE_POINTS; length > 0; length--) {
    const last = points[length - 1]?.codePointAt(0) ?? LAST_CODE_POINT
    if (last === LAST_CODE_POINT) continue
    // Surrogates are no characters: UTF-8 has none.
    const raised = last + 1 === FIRST_SURROGATE ? LAST_SURROGATE + 1 : last + 1
    return Buffer.from([...points.slice(0, length - 1), String.fromCodePoint(raised)].join(''))
  }
  return undefined
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    // What is no text has no order that readers agree on.
    return undefined
  }
}

/** Texts compare as unsigned bytes, which for UTF-8 is the order of code points. */
function compareBounds(type: ColumnType, a: Uint8Array, b: Uint8Array): number {
  if (type === 'string' || type === 'boolean' || type === 'list') return Buffer.compare(a, b)
  const [left, right] = type === 'double' ? [doubleOf(a), doubleOf(b)] : [int32Of(a), int32Of(b)]
  if (left !== right) return left < right ? -1 : 1
  return Number(Object.is(right, -0)) - Number(Object.is(left, -0))
}

function doubleBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function int32Bytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function doubleOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readDoubleLE()
}

function int32Of(bytes: Uint8Array): number {
  return Buffer.from(bytes).readInt32LE()
}
