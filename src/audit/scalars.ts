/** What a stored value means by the Parquet format's own types, before any rule of ETL3 (parquet-format, "LogicalTypes"). */
import type { SchemaElement } from 'hyparquet'
import { NotCovered } from './not-covered.js'
import type { RawValue } from './stored-values.js'

/** A FLOAT: its shortest text is shorter than that of the same number as a DOUBLE. */
export interface Float32 {
  readonly kind: 'float32'
  readonly value: number
}

/** `unscaled` × 10^−`scale`, exactly. */
export interface Decimal {
  readonly kind: 'decimal'
  readonly unscaled: bigint
  readonly scale: number
}

/** Days since 1970-01-01. */
export interface Day {
  readonly kind: 'day'
  readonly days: bigint
}

/** A point in time, since 1970-01-01 00:00:00. */
export interface Instant {
  readonly kind: 'instant'
  readonly ticks: bigint
  readonly ticksPerSecond: bigint
  /** Whether it is UTC's; otherwise the clock of nobody says where. */
  readonly utc: boolean
}

/** A single value. Numbers are DOUBLE, bigints are whole numbers. */
export type Scalar = null | string | boolean | bigint | number | Float32 | Decimal | Day | Instant

/** Reads the values of a column or the items of its lists. */
export type ScalarReader = (raw: RawValue | undefined) => Scalar

/** Points in time of 96 bits come as nanoseconds. */
const TICKS_PER_SECOND = { MILLIS: 1000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n } as const

const HALF_FLOAT_BYTES = 2
const UUID_BYTES = 16

/** The reader for values of a type. @throws NotCovered for types that no column of the contract can have */
export function scalarReader(element: SchemaElement): ScalarReader {
  const read = readerOf(element)
  return (raw) => (raw === null || raw === undefined ? null : read(raw))
}

/** Whether the stored bytes of a value are the bytes of its text. */
export function isStoredAsText({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  if (type !== 'BYTE_ARRAY' && type !== 'FIXED_LEN_BYTE_ARRAY') return false
  return converted !== 'DECIMAL' && logical?.type !== 'DECIMAL' && logical?.type !== 'UUID'
}

function readerOf(element: SchemaElement): (raw: RawValue) => Scalar {
  const { type, converted_type: converted, logical_type: logical } = element
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0)
    return (raw) => ({ kind: 'decimal', unscaled: raw instanceof Uint8Array ? signed(raw) : whole(raw), scale })
  }
  switch (type) {
    case 'BOOLEAN':
      return (raw) => raw === true
    case 'INT32':
    case 'INT64':
      return wholeReader(element)
    case 'INT96':
      return (raw) => ({ kind: 'instant', ticks: whole(raw), ticksPerSecond: TICKS_PER_SECOND.NANOS, utc: false })
    case 'FLOAT':
      return (raw) => ({ kind: 'float32', value: Number(raw) })
    case 'DOUBLE':
      return (raw) => Number(raw)
    case 'BYTE_ARRAY':
      if (converted === 'BSON' || logical?.type === 'BSON' || logical?.type === 'VARIANT') break
      return (raw) => decode(bytesOf(raw))
    case 'FIXED_LEN_BYTE_ARRAY':
      if (logical?.type === 'UUID' && element.type_length === UUID_BYTES) return uuidOf
      if (logical?.type === 'FLOAT16' && element.type_length === HALF_FLOAT_BYTES) break
      if (converted === 'INTERVAL') break
      return (raw) => decode(bytesOf(raw))
    case undefined:
      break
  }
  throw new NotCovered(`its values are of a type that the audit does not read: ${logical?.type ?? converted ?? type}`)
}

function wholeReader({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): typeof whole | ((raw: RawValue) => Scalar) {
  if (converted === 'DATE' || logical?.type === 'DATE') return (raw) => ({ kind: 'day', days: whole(raw) })
  const unit =
    logical?.type === 'TIMESTAMP'
      ? logical.unit
      : converted === 'TIMESTAMP_MILLIS'
        ? 'MILLIS'
        : converted === 'TIMESTAMP_MICROS'
          ? 'MICROS'
          : undefined
  if (unit !== undefined) {
    // The older mark has no word for a local clock: it always meant UTC.
    const utc = logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : true
    return (raw) => ({ kind: 'instant', ticks: whole(raw), ticksPerSecond: TICKS_PER_SECOND[unit], utc })
  }
  if (logical?.type === 'TIME' || converted === 'TIME_MILLIS' || converted === 'TIME_MICROS')
    throw new NotCovered('its values are of a type that the audit does not read: TIME')
  const unsigned = converted?.startsWith('UINT_') ?? (logical?.type === 'INTEGER' && !logical.isSigned)
  if (!unsigned) return whole
  return (raw) => BigInt.asUintN(type === 'INT32' ? 32 : 64, whole(raw))
}

function whole(raw: RawValue): bigint {
  if (typeof raw === 'bigint') return raw
  if (typeof raw === 'number') return BigInt(raw)
  throw new NotCovered(`a whole number is stored as ${typeof raw}`)
}

/** Two's complement, the highest byte first. */
function signed(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(8 * bytes.length, value)
}

function uuidOf(raw: RawValue): string {
  const hex = Buffer.from(bytesOf(raw)).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Every character stays, the byte order mark too. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function bytesOf(raw: RawValue): Uint8Array {
  if (raw instanceof Uint8Array) return raw
  throw new NotCovered(`a text is stored as ${typeof raw}`)
}

function decode(bytes: Uint8Array): string {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) > 0x7f) return decodeUtf8(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new NotCovered('a text is no UTF-8', { cause })
  }
}
