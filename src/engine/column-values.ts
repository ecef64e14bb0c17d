/**
 * Values of a result's column as JavaScript has them, texts exactly as the engine has them. The binding decodes texts with
 * a TextDecoder that takes a leading U+FEFF for a byte-order mark and drops it, also in the items of lists; so texts,
 * and whatever may hold some, are read here.
 */
import {
  DuckDBArrayType,
  DuckDBArrayValue,
  type DuckDBDataChunk,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  type DuckDBResult,
  DuckDBStructType,
  DuckDBStructValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValue,
  type DuckDBValueConverter,
  DuckDBVector,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'

/** Every code point of valid UTF-8 comes through; anything else is an error and not a replacement character. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** Bytes of a `string_t`: a 4-byte length, then up to 12 bytes inline, or a 4-byte prefix and a pointer. */
const STRING_BYTES = 16
const LONGEST_INLINE = 12
/** Bytes of a `list_entry_t`: offset and length among the children, 64 bits each. */
const LIST_ENTRY_BYTES = 16

type ReadItem = (row: number) => DuckDBValue

/**
 * The values of one column of a chunk. The binding's own values for all types but texts (see the file).
 *
 * @throws TypeError where a text is no valid UTF-8, which the engine never holds
 */
export function columnValues(chunk: DuckDBDataChunk, column: number): DuckDBValue[] {
  const { rowCount } = chunk
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column)
  const read = reader(vector, rowCount, chunk.getColumnVector(column).type)
  const values: DuckDBValue[] = []
  for (let row = 0; row < rowCount; row++) values.push(read(row))
  return values
}

/** The values of a result's first column; of a small result. */
export async function firstColumn(result: DuckDBResult): Promise<DuckDBValue[]> {
  const values: DuckDBValue[] = []
  for await (const chunk of result) for (const value of columnValues(chunk, 0)) values.push(value)
  return values
}

/** The rows of a chunk, each value as the converter gives it. */
export function convertedRows<T>(chunk: DuckDBDataChunk, converter: DuckDBValueConverter<T>): (T | null)[][] {
  const rows = Array.from({ length: chunk.rowCount }, (): (T | null)[] => [])
  for (let column = 0; column < chunk.columnCount; column++) {
    const { type } = chunk.getColumnVector(column)
    for (const [row, value] of columnValues(chunk, column).entries()) rows[row]!.push(converter(value, type, converter))
  }
  return rows
}

/** The bytes of the texts or blobs of a vector, each a view over memory of the engine; what a NULL gives has no meaning. */
export function bytesReader(vector: duckdb.Vector, rows: number): (row: number) => Uint8Array {
  const data = duckdb.vector_get_data(vector, rows * STRING_BYTES)
  const { buffer, byteOffset, byteLength } = data
  if (!(buffer instanceof ArrayBuffer)) throw new Error('the engine handed over shared memory')
  const view = new DataView(buffer, byteOffset, byteLength)
  return (row) => {
    const at = row * STRING_BYTES
    const length = view.getUint32(at, true)
    return length <= LONGEST_INLINE
      ? data.subarray(at + 4, at + 4 + length)
      : duckdb.get_data_from_pointer(buffer, byteOffset + at + 8, length)
  }
}

function reader(vector: duckdb.Vector, rows: number, type: DuckDBType): ReadItem {
  const read = holdsText(type) ? textReader(vector, rows, type) : undefined
  if (!read) {
    const values = DuckDBVector.create(vector, rows, type)
    return (row) => values.getItem(row)
  }
  // The binding answers null where the vector has no mask: nothing in it is NULL.
  const mask: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8)
  if (mask === null) return read
  return (row) => (((mask[row >> 3] ?? 0) & (1 << (row & 7))) === 0 ? null : read(row))
}

function holdsText(type: DuckDBType): boolean {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return holdsText(type.valueType)
  if (type instanceof DuckDBMapType) return holdsText(type.keyType) || holdsText(type.valueType)
  if (type instanceof DuckDBStructType) return type.entryTypes.some(holdsText)
  if (type instanceof DuckDBUnionType) return type.memberTypes.some(holdsText)
  return type.typeId === DuckDBTypeId.VARCHAR
}

function textReader(vector: duckdb.Vector, rows: number, type: DuckDBType): ReadItem {
  if (type instanceof DuckDBListType) return listReader(vector, rows, type)
  if (type instanceof DuckDBArrayType) return arrayReader(vector, rows, type)
  if (type instanceof DuckDBMapType) return mapReader(vector, rows, type)
  if (type instanceof DuckDBStructType) return structReader(vector, rows, type)
  if (type instanceof DuckDBUnionType) return unionReader(vector, rows, type)
  const bytes = bytesReader(vector, rows)
  return (row) => utf8.decode(bytes(row))
}

function listReader(vector: duckdb.Vector, rows: number, type: DuckDBListType): ReadItem {
  const items = itemsReader(vector, rows, type.valueType)
  return (row) => new DuckDBListValue(items(row))
}

/** A map is stored as a list of pairs. */
function mapReader(vector: duckdb.Vector, rows: number, { keyType, valueType }: DuckDBMapType): ReadItem {
  const pairs = itemsReader(vector, rows, new DuckDBStructType(['key', 'value'], [keyType, valueType]))
  return (row) => {
    const entries = pairs(row).filter((pair) => pair instanceof DuckDBStructValue)
    return new DuckDBMapValue(entries.map(({ entries: { key = null, value = null } }) => ({ key, value })))
  }
}

function itemsReader(vector: duckdb.Vector, rows: number, type: DuckDBType): (row: number) => DuckDBValue[] {
  const { buffer, byteOffset } = duckdb.vector_get_data(vector, rows * LIST_ENTRY_BYTES)
  const entries = new BigUint64Array(buffer, byteOffset, 2 * rows)
  const read = reader(duckdb.list_vector_get_child(vector), duckdb.list_vector_get_size(vector), type)
  return (row) => {
    const offset = Number(entries[2 * row])
    return Array.from({ length: Number(entries[2 * row + 1]) }, (_, i) => read(offset + i))
  }
}

function arrayReader(vector: duckdb.Vector, rows: number, { valueType, length }: DuckDBArrayType): ReadItem {
  const read = reader(duckdb.array_vector_get_child(vector), rows * length, valueType)
  return (row) => new DuckDBArrayValue(Array.from({ length }, (_, i) => read(row * length + i)))
}

function structReader(vector: duckdb.Vector, rows: number, { entryNames, entryTypes }: DuckDBStructType): ReadItem {
  const readers = entryTypes.map((type, i) => reader(duckdb.struct_vector_get_child(vector, i), rows, type))
  return (row) => new DuckDBStructValue(Object.fromEntries(readers.map((read, i) => [entryNames[i] ?? '', read(row)])))
}

/** A union is stored as a struct: the number of the member, then the members, all but one of them NULL. */
function unionReader(vector: duckdb.Vector, rows: number, { memberTags, memberTypes }: DuckDBUnionType): ReadItem {
  const numbers = duckdb.vector_get_data(duckdb.struct_vector_get_child(vector, 0), rows)
  const readers = memberTypes.map((type, i) => reader(duckdb.struct_vector_get_child(vector, i + 1), rows, type))
  return (row) => {
    const member = numbers[row] ?? 0
    return new DuckDBUnionValue(memberTags[member] ?? '', readers[member]?.(row) ?? null)
  }
}
