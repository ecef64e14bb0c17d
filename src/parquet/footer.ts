/** The footer: `FileMetaData` of parquet.thrift, its length, and the magic bytes. */

import type { ByteWriter } from './byte-writer.js'
import { MAGIC } from './format.js'
import type { ChunkPages } from './page.js'
import type { ColumnTemplate, FileTemplate } from './schema.js'
import * as thrift from './thrift.js'

/** Appends a column chunk's metadata up to its statistics, which follow after field 11. */
export function columnMetadata(out: ByteWriter, column: ColumnTemplate, values: number, pages: ChunkPages): void {
  const hasDictionary = pages.dictionaryOffset >= 0
  const head = hasDictionary ? column.withDictionary : column.withoutDictionary
  out.appendRange(head, 0, head.length)
  thrift.i32(out, 3, 4, pages.codec)
  thrift.i64(out, 4, 5, values)
  thrift.i64(out, 5, 6, pages.uncompressedBytes)
  thrift.i64(out, 6, 7, pages.compressedBytes)
  thrift.i64(out, 7, 9, pages.dataOffset)
  if (hasDictionary) thrift.i64(out, 9, 11, pages.dictionaryOffset)
}

/** Ends a column chunk's metadata after its statistics. */
export function endColumnMetadata(out: ByteWriter): void {
  thrift.endStruct(out)
  thrift.endStruct(out)
}

/** What the footer says of the whole file. */
export interface FileTotals {
  readonly rows: number
  readonly rowGroups: number
  readonly metadata: readonly (readonly [key: string, value: string])[]
  readonly createdBy: string
}

/** Appends the footer. `rowGroups` holds the row groups' structs, one after the other. */
export function writeFooter(out: ByteWriter, template: FileTemplate, rowGroups: ByteWriter, file: FileTotals): void {
  const start = out.length
  out.append(template.head)
  thrift.i64(out, 2, 3, file.rows)
  thrift.list(out, 3, 4, thrift.ELEMENT.STRUCT, file.rowGroups)
  out.appendWriter(rowGroups)
  // An empty list is legal, but parquetjs-lite can not read metadata that is not there: it gets the list always.
  thrift.list(out, 4, 5, thrift.ELEMENT.STRUCT, file.metadata.length)
  for (const [key, value] of file.metadata) {
    thrift.text(out, 0, 1, key)
    thrift.text(out, 1, 2, value)
    thrift.endStruct(out)
  }
  thrift.text(out, 5, 6, file.createdBy)
  out.append(template.columnOrders)
  thrift.endStruct(out)
  out.int32(out.length - start)
  out.append(MAGIC)
}
