/**
 * Reads a column chunk page by page with hyparquet's own decoders, and leaves what a dictionary holds in it: hyparquet's
 * reader of whole columns would make a value of every row.
 */
import type { ColumnMetaData, Compressors, PageHeader, ParquetType } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readPlain } from 'hyparquet/src/plain.js'
import { readVarInt } from 'hyparquet/src/thrift.js'
import { type EntryNumbers, NumberedOn, PackedNumbers } from './entry-numbers.js'
import { ListGatherer } from './list-entries.js'
import { type Entries, NO_ENTRY, type PageOfRows, StoredValues, TextEntries, ValueEntries } from './stored-values.js'

/** A column whose pages are read here. */
export interface PagedColumn {
  readonly type: ParquetType
  /** Bytes of each value of a type whose values all have the same. */
  readonly typeLength: number | undefined
  /** Definition level of a value that is there: how many of the places that lead to it may be empty. */
  readonly most: number
  /** Of a list: definition level from which on there is an item. */
  readonly item: number | undefined
}

/** A column chunk. */
export interface StoredChunk {
  readonly bytes: Uint8Array
  readonly codec: ColumnMetaData['codec']
  readonly compressors: Compressors
}

/** Rows, counted within their chunk. */
interface Rows {
  readonly from: number
  readonly to: number
}

interface Reader {
  readonly view: DataView
  offset: number
}

/** A data page whose levels and numbers are at hand. */
interface Page {
  /** Values that are there or not. */
  readonly slots: number
  readonly repetition: Uint8Array | undefined
  /** Undefined where all are there. */
  readonly definition: Uint8Array | undefined
  readonly numbers: EntryNumbers
}

/** A page is stored in a way that is not read here. */
class OtherEncoding extends Error {}

/** Reads single values; undefined where a page is encoded in another way than plainly or with a dictionary. */
export function readChunk(column: PagedColumn, chunk: StoredChunk, { from, to }: Rows): StoredValues | undefined {
  const pages: PageOfRows[] = []
  const reader = new PageReader(column, chunk)
  return orUndefined(() => {
    for (let row = 0; row < to; ) {
      const { slots, page } = reader.next()
      if (row + slots > from) {
        const { definition, numbers } = page()
        pages.push({ at: row - from, rows: slots, levels: definition, numbers })
      }
      row += slots
    }
    return new StoredValues(to - from, pages, reader.lists)
  })
}

/** Reads all lists of a chunk; undefined as {@link readChunk}. */
export function readLists(column: PagedColumn, chunk: StoredChunk, rows: number): StoredValues | undefined {
  const reader = new PageReader(column, chunk)
  const { most, item = most } = column
  return orUndefined(() => {
    const lists = new ListGatherer(rows)
    // The last list may go on in the next page.
    while (reader.hasMore) {
      const { slots, repetition, definition, numbers } = reader.next().page()
      const entries = numbers.all()
      lists.beginPage(slots)
      let value = 0
      for (let i = 0; i < slots; i++) {
        const level = definition?.[i] ?? most
        if ((repetition?.[i] ?? 0) === 0) lists.beginList(level < item - 1)
        if (level >= item) lists.addItem(level === most ? (entries[value++] ?? NO_ENTRY) : NO_ENTRY)
      }
    }
    return lists.end(reader.lists)
  })
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof OtherEncoding) return undefined
    throw error
  }
}

/** Goes through the pages of a chunk. Entries are numbered on through its dictionary and the pages that have none. */
class PageReader {
  readonly lists: Entries[] = []
  readonly #column: PagedColumn
  readonly #chunk: StoredChunk
  readonly #reader: Reader
  #dictionary: Entries | undefined
  #entries = 0

  constructor(column: PagedColumn, chunk: StoredChunk) {
    this.#column = column
    this.#chunk = chunk
    this.#reader = readerOf(chunk.bytes)
  }

  get hasMore(): boolean {
    return this.#reader.offset < this.#chunk.bytes.length
  }

  /** The next data page; its content is decompressed when it is asked for. */
  next(): { readonly slots: number; readonly page: () => Page } {
    if (!this.hasMore) throw new Error('it ends before its last row')
    const header = parquetHeader(this.#reader)
    const start = this.#reader.offset
    this.#reader.offset += header.compressed_page_size
    const stored = this.#chunk.bytes.subarray(start, this.#reader.offset)
    if (header.type === 'DICTIONARY_PAGE') {
      this.#dictionary = this.#add(
        this.#decompressed(stored, header.uncompressed_page_size),
        header.dictionary_page_header?.num_values ?? 0,
      )
      return this.next()
    }
    const slots = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values
    if (slots === undefined) throw new OtherEncoding()
    return { slots, page: () => this.#page(header, stored, slots) }
  }

  /** The two kinds of data pages differ in how levels are stored, and in what is compressed (parquet-format, "Data Pages"). */
  #page(header: PageHeader, stored: Uint8Array, slots: number): Page {
    const { most, item } = this.#column
    const isList = item !== undefined
    const v2 = header.data_page_header_v2
    if (v2) {
      const middle = v2.repetition_levels_byte_length
      const end = middle + v2.definition_levels_byte_length
      const repetition = isList ? levelsOf(stored.subarray(0, middle), slots, 1) : undefined
      const definition = presenceOf(stored.subarray(middle, end), slots, most)
      const rest = stored.subarray(end)
      const values = v2.is_compressed === false ? rest : this.#decompressed(rest, header.uncompressed_page_size - end)
      return { slots, repetition, ...definition, numbers: this.#numbers(v2.encoding, values, definition.count) }
    }
    const reader = readerOf(this.#decompressed(stored, header.uncompressed_page_size))
    const repetition = isList ? levelsOf(behindLength(reader), slots, 1) : undefined
    const definition = presenceOf(most === 0 ? NO_BYTES : behindLength(reader), slots, most)
    const numbers = this.#numbers(header.data_page_header?.encoding, bytesFrom(reader), definition.count)
    return { slots, repetition, ...definition, numbers }
  }

  #numbers(encoding: string | undefined, values: Uint8Array, count: number): EntryNumbers {
    if (encoding === 'PLAIN') {
      const first = this.#entries
      this.#add(values, count)
      return new NumberedOn(first, count)
    }
    if (!this.#dictionary || (encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY'))
      throw new OtherEncoding()
    return new PackedNumbers(values, count)
  }

  #add(bytes: Uint8Array, count: number): Entries {
    const { type, typeLength } = this.#column
    const entries =
      type === 'BYTE_ARRAY'
        ? new TextEntries(bytes, count)
        : new ValueEntries(readPlain(readerOf(bytes), type, count, typeLength))
    this.lists.push(entries)
    this.#entries += entries.length
    return entries
  }

  #decompressed(bytes: Uint8Array, size: number): Uint8Array {
    return decompressPage(bytes, size, this.#chunk.codec, this.#chunk.compressors)
  }
}

function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
}

function bytesFrom({ view, offset }: Reader, length = view.byteLength - offset): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length)
}

const LENGTH_BYTES = 4

function behindLength(reader: Reader): Uint8Array {
  const length = reader.view.getUint32(reader.offset, true)
  reader.offset += LENGTH_BYTES
  const bytes = bytesFrom(reader, length)
  reader.offset += length
  return bytes
}

function levelsOf(bytes: Uint8Array, slots: number, most: number): Uint8Array {
  const levels = new Uint8Array(slots)
  readRleBitPackedHybrid(readerOf(bytes), 32 - Math.clz32(most), levels, bytes.length)
  return levels
}

const NO_BYTES = new Uint8Array(0)

/** Which values are there, and how many. Mostly all are, and their levels are one run. */
function presenceOf(
  bytes: Uint8Array,
  slots: number,
  most: number,
): { readonly definition: Uint8Array | undefined; readonly count: number } {
  if (most === 0 || isOneRun(bytes, slots, most)) return { definition: undefined, count: slots }
  const definition = levelsOf(bytes, slots, most)
  let count = 0
  for (let i = 0; i < slots; i++) if (definition[i] === most) count += 1
  return { definition: count === slots ? undefined : definition, count }
}

function isOneRun(bytes: Uint8Array, slots: number, level: number): boolean {
  if (bytes.length === 0) return false
  const reader = readerOf(bytes)
  const header = readVarInt(reader)
  return (header & 1) === 0 && header >>> 1 >= slots && bytes[reader.offset] === level
}
