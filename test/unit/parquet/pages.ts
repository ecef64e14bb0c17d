import { parquetMetadata } from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'

/** A page as its header describes it (parquet.thrift, `PageHeader`). */
interface Page {
  /** Where its header begins in the file. */
  readonly offset: number
  /** Where the next page must begin. */
  readonly end: number
  readonly isDictionary: boolean
  /** Values, NULLs included. */
  readonly values: number
  /** Header and body, as if nothing were compressed. */
  readonly uncompressed: number
}

/** A column chunk: what the footer says of it, and its pages as they follow each other from where it begins. */
interface Chunk {
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
  readonly values: number
  readonly compressed: number
  readonly uncompressed: number
  readonly pages: readonly Page[]
}

function integerAt(struct: unknown, field: number): number {
  const value: unknown = typeof struct === 'object' && struct !== null ? Reflect.get(struct, `field_${field}`) : struct
  if (typeof value !== 'number') throw new TypeError(`a page header has no field ${field}`)
  return value
}

function pageAt(bytes: Uint8Array, offset: number): Page {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset }
  const header = deserializeTCompactProtocol(reader)
  const isDictionary = integerAt(header, 1) === 2
  return {
    offset,
    end: reader.offset + integerAt(header, 3),
    isDictionary,
    values: integerAt(Reflect.get(header, isDictionary ? 'field_7' : 'field_5'), 1),
    uncompressed: reader.offset - offset + integerAt(header, 2),
  }
}

/** The column chunks of a file in their order, each walked from page to page for as long as the footer says. */
export function chunksOf(file: Uint8Array): Chunk[] {
  return parquetMetadata(new Uint8Array(file).buffer).row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data: meta }) => {
      if (meta === undefined) throw new Error('a column chunk has no metadata')
      const dictionaryOffset =
        meta.dictionary_page_offset === undefined ? undefined : Number(meta.dictionary_page_offset)
      const dataOffset = Number(meta.data_page_offset)
      const start = dictionaryOffset ?? dataOffset
      const compressed = Number(meta.total_compressed_size)
      const pages: Page[] = []
      for (let offset = start; offset < start + compressed; ) {
        const page = pageAt(file, offset)
        pages.push(page)
        offset = page.end
      }
      return {
        dictionaryOffset,
        dataOffset,
        values: Number(meta.num_values),
        compressed,
        uncompressed: Number(meta.total_uncompressed_size),
        pages,
      }
    }),
  )
}
