/** The schema of a file, and what a column's metadata says of it: the same for all files, so serialised once. */

import { UsageError } from '../runtime/errors.js'
import { ByteWriter } from './byte-writer.js'
import type { ColumnType, FileColumn } from './factorised.js'
import { CONVERTED_TYPE, ENCODING, LOGICAL_TYPE, REPETITION, TYPE } from './format.js'
import * as thrift from './thrift.js'

/** What the footer says of each column, as bytes. */
export interface ColumnTemplate {
  readonly name: string
  readonly type: ColumnType
  /** A column chunk's metadata up to `path_in_schema`, where it has a dictionary page. */
  readonly withDictionary: Uint8Array
  /** The same for a chunk without one. */
  readonly withoutDictionary: Uint8Array
}

/** What all files of an encoder have in common. */
export interface FileTemplate {
  /** The footer's fields `version` and `schema`. */
  readonly head: Uint8Array
  readonly columns: readonly ColumnTemplate[]
  /** The footer's field `column_orders`. */
  readonly columnOrders: Uint8Array
}

/** parquetjs-lite, and others of its time, refuse any other; nothing that the encoder writes is of version 2. */
const FORMAT_VERSION = 1

/**
 * Serialises a schema: every column optional, lists in three levels (LogicalTypes.md, "Lists").
 *
 * @throws UsageError when there is no column, or when two have one name
 */
export function fileTemplate(columns: readonly FileColumn[]): FileTemplate {
  if (columns.length === 0) throw new UsageError('ETL3-PQ-10', 'a Parquet file needs at least one column [columns=0]')
  const names = new Set<string>()
  for (const { name } of columns) {
    if (name === '') throw new UsageError('ETL3-PQ-10', 'a Parquet column needs a name [name=""]')
    if (names.has(name)) throw new UsageError('ETL3-PQ-10', `two Parquet columns have one name [name=${name}]`)
    names.add(name)
  }
  return {
    head: serialised((out) => writeHead(out, columns)),
    columns: columns.map((column) => ({
      ...column,
      withDictionary: serialised((out) => writeColumnHead(out, column, true)),
      withoutDictionary: serialised((out) => writeColumnHead(out, column, false)),
    })),
    columnOrders: serialised((out) => writeColumnOrders(out, columns.length)),
  }
}

function serialised(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter()
  write(out)
  return out.view().slice()
}

function physicalType(type: ColumnType): number {
  switch (type) {
    case 'string':
    case 'list':
      return TYPE.BYTE_ARRAY
    case 'double':
      return TYPE.DOUBLE
    case 'int32':
    case 'date':
      return TYPE.INT32
    case 'boolean':
      return TYPE.BOOLEAN
  }
}

function writeHead(out: ByteWriter, columns: readonly FileColumn[]): void {
  thrift.i32(out, 0, 1, FORMAT_VERSION)
  const elements = columns.reduce((sum, { type }) => sum + (type === 'list' ? 3 : 1), 1)
  thrift.list(out, 1, 2, thrift.ELEMENT.STRUCT, elements)
  thrift.text(out, 0, 4, 'root')
  thrift.i32(out, 4, 5, columns.length)
  thrift.endStruct(out)
  for (const column of columns) {
    if (column.type === 'list') writeListElements(out, column)
    else writeLeaf(out, column.name, column.type, column.fieldId)
  }
}

function writeLeaf(out: ByteWriter, name: string, type: ColumnType, fieldId: number | undefined): void {
  thrift.i32(out, 0, 1, physicalType(type))
  thrift.i32(out, 1, 3, REPETITION.OPTIONAL)
  thrift.text(out, 3, 4, name)
  if (type === 'string') writeLogicalType(out, 4, CONVERTED_TYPE.UTF8, LOGICAL_TYPE.STRING, fieldId)
  else if (type === 'date') writeLogicalType(out, 4, CONVERTED_TYPE.DATE, LOGICAL_TYPE.DATE, fieldId)
  else if (fieldId !== undefined) thrift.i32(out, 4, 9, fieldId)
  thrift.endStruct(out)
}

function writeListElements(out: ByteWriter, { name, fieldId, elementFieldId }: FileColumn): void {
  thrift.i32(out, 0, 3, REPETITION.OPTIONAL)
  thrift.text(out, 3, 4, name)
  thrift.i32(out, 4, 5, 1)
  writeLogicalType(out, 5, CONVERTED_TYPE.LIST, LOGICAL_TYPE.LIST, fieldId)
  thrift.endStruct(out)
  thrift.i32(out, 0, 3, REPETITION.REPEATED)
  thrift.text(out, 3, 4, 'list')
  thrift.i32(out, 4, 5, 1)
  thrift.endStruct(out)
  writeLeaf(out, 'element', 'string', elementFieldId)
}

/**
 * A logical type in both notations: the older one is the only one that some readers know. The element's field id, where
 * it has one, stands between them.
 */
function writeLogicalType(
  out: ByteWriter,
  after: number,
  converted: number,
  logical: number,
  fieldId: number | undefined,
): void {
  thrift.i32(out, after, 6, converted)
  if (fieldId !== undefined) thrift.i32(out, 6, 9, fieldId)
  thrift.struct(out, fieldId === undefined ? 6 : 9, 10)
  thrift.struct(out, 0, logical)
  thrift.endStruct(out)
  thrift.endStruct(out)
}

function writeColumnHead(out: ByteWriter, column: FileColumn, hasDictionary: boolean): void {
  // file_offset is required and deprecated: parquet.thrift wants 0 where metadata is in the footer only.
  thrift.i64(out, 0, 2, 0)
  thrift.struct(out, 2, 3)
  thrift.i32(out, 0, 1, physicalType(column.type))
  const encodings = hasDictionary
    ? [ENCODING.PLAIN, ENCODING.RLE, ENCODING.RLE_DICTIONARY]
    : [ENCODING.PLAIN, ENCODING.RLE]
  thrift.list(out, 1, 2, thrift.ELEMENT.I32, encodings.length)
  for (const encoding of encodings) thrift.zigzag(out, encoding)
  const path = column.type === 'list' ? [column.name, 'list', 'element'] : [column.name]
  thrift.list(out, 2, 3, thrift.ELEMENT.BINARY, path.length)
  for (const part of path) thrift.textElement(out, part)
}

/** Without an order for its type a column's min and max must be ignored (parquet.thrift, `ColumnOrder`). */
function writeColumnOrders(out: ByteWriter, columns: number): void {
  thrift.list(out, 6, 7, thrift.ELEMENT.STRUCT, columns)
  for (let i = 0; i < columns; i++) {
    thrift.struct(out, 0, 1)
    thrift.endStruct(out)
    thrift.endStruct(out)
  }
}
