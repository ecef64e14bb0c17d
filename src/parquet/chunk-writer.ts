import type { SharedPage } from './axis.js'
import type { BloomFilters } from './bloom-filters.js'
import { ByteWriter } from './byte-writer.js'
import { compressSnappy } from './compression.js'
import { LocalDictionary } from './dictionary.js'
import { columnMetadata, endColumnMetadata } from './footer.js'
import { CODEC, ENCODING } from './format.js'
import { Numbering } from './numbering.js'
import { ChunkPages, dataPageHeader, dictionaryPageHeader } from './page.js'
import type { Values } from './plain.js'
import { HybridWriter } from './rle.js'
import type { ColumnTemplate } from './schema.js'
import { type ChunkBounds, findBounds, writeStatistics } from './statistics.js'

/** What a dictionary page's header and the width of its indexes add to a chunk, about. */
export const DICTIONARY_OVERHEAD_BYTES = 16

/**
 * A large dictionary is written where PLAIN would be more than this many times as long as the chunk with it: readers
 * hold a dictionary whole, as we do, and PLAIN page by page.
 */
const LARGE_DICTIONARY_SAVES = 4

/** Sizes that decide how a column chunk is written. */
export interface ChunkLimits {
  /** A dictionary of strings over this is large; one of numbers is not written. */
  readonly dictionaryBytes: number
  /** A dictionary over this is not written: the chunk is PLAIN. */
  readonly largeDictionaryBytes: number
  /** A data page is ended once it holds this much. */
  readonly pageBytes: number
  /** Chunks whose pages are smaller than this in all are not compressed. */
  readonly compressFromBytes: number
}

/**
 * The pages of a column chunk after its first, while they are written: each step writes one, and the last one ends the
 * chunk. Between steps what was written may be handed over. Most chunks have one page, and nothing of this.
 */
export type LaterPages = Iterator<undefined, undefined>

/** What is known of a column chunk once it is written. Valid until the observer returns: buffers are used again. */
export interface WrittenChunk {
  readonly column: string
  /** Of its first byte in the file. */
  readonly offset: number
  /** In the file, page headers included. */
  readonly bytes: number
  /** Values, NULLs included; of a list, entries of its levels. */
  readonly levels: number
  /** Of a list, entries of its levels without an element. */
  readonly nullCount: number
  /** Distinct values, NULL not counted. */
  readonly distinct: number
  readonly values: Values
  /** Undefined where every value is NULL, or one is NaN. */
  readonly bounds: ChunkBounds | undefined
}

/** A page's payload and, once it was asked for, its compressed form. */
export function emptyPage(): SharedPage {
  return { payload: new ByteWriter(256), compressed: new ByteWriter(256), filled: false, isCompressed: false }
}

/**
 * What the writers of column chunks share: the file's buffer, the footer's, and scratch space that every chunk uses
 * again. Nothing of it survives a chunk but the two buffers.
 */
export class ChunkWriter {
  /** Bytes of the file that were not handed over yet. */
  readonly out = new ByteWriter(1 << 16)
  /** Position of the first byte of {@link out} in the file. */
  fileOffset = 0
  /** Row groups of the footer. */
  readonly rowGroups = new ByteWriter(1 << 14)
  /** Numbers ids of pools and entries of axes. */
  readonly numbering = new Numbering()
  readonly hybrid = new HybridWriter()
  readonly dictionary = new LocalDictionary()
  readonly pages = new ChunkPages()
  readonly limits: ChunkLimits
  /** Payload of the dictionary page. */
  readonly dictionaryPage = emptyPage()
  /** Payload of a data page that no other column has. */
  readonly dataPage = emptyPage()
  /** Undefined where no column has one. */
  readonly bloomFilters: BloomFilters | undefined
  readonly #observe: ((chunk: WrittenChunk) => void) | undefined

  constructor(limits: ChunkLimits, bloomFilters?: BloomFilters, observe?: (chunk: WrittenChunk) => void) {
    this.limits = limits
    this.bloomFilters = bloomFilters
    this.#observe = observe
  }

  /** Gives back buffers that grew over `capacityBytes`. */
  shrink(capacityBytes: number): void {
    this.out.shrink(capacityBytes)
    for (const page of [this.dictionaryPage, this.dataPage]) {
      page.payload.shrink(capacityBytes)
      page.compressed.shrink(capacityBytes)
    }
  }

  /**
   * As how many bytes a chunk counts when it is compared with PLAIN: it is written where these are fewer.
   *
   * @param bytes of dictionary and indexes
   * @param dictionaryBytes of the dictionary alone
   */
  comparedBytes(bytes: number, dictionaryBytes: number): number {
    return dictionaryBytes <= this.limits.dictionaryBytes ? bytes : bytes * LARGE_DICTIONARY_SAVES
  }

  /** Takes up a page's scratch space, at once as large as `bytes` where that is known. */
  open(page: SharedPage, bytes = 0): ByteWriter {
    page.payload.clear()
    page.payload.reserve(bytes)
    page.filled = true
    page.isCompressed = false
    return page.payload
  }

  /** Chooses the chunk's codec by its first pages: Snappy where they are worth a try and become smaller. */
  chooseCodec(data: SharedPage, dictionary?: SharedPage): void {
    const bytes = data.payload.length + (dictionary?.payload.length ?? 0)
    if (bytes < this.limits.compressFromBytes) return
    const compressed = this.#compressed(data) + (dictionary === undefined ? 0 : this.#compressed(dictionary))
    if (compressed < bytes) this.pages.codec = CODEC.SNAPPY
  }

  #compressed(page: SharedPage): number {
    if (!page.isCompressed) {
      compressSnappy(page.payload, page.compressed)
      page.isCompressed = true
    }
    return page.compressed.length
  }

  /** Appends a dictionary page of `values` values. */
  writeDictionaryPage(page: SharedPage, values: number): void {
    const start = this.out.length
    const size = page.payload.length
    const body = this.#body(page)
    dictionaryPageHeader(this.out, values, size, body.length)
    this.out.appendWriter(body)
    this.pages.count(this.out, this.fileOffset, start, size - body.length)
    this.pages.dictionaryOffset = this.pages.dataOffset
    this.pages.dataOffset = -1
  }

  /** Appends a data page of `values` values, NULLs included. */
  writeDataPage(page: SharedPage, values: number, encoding: number = ENCODING.RLE_DICTIONARY): void {
    const start = this.out.length
    const size = page.payload.length
    const body = this.#body(page)
    dataPageHeader(this.out, values, encoding, size, body.length)
    this.out.appendWriter(body)
    this.pages.count(this.out, this.fileOffset, start, size - body.length)
  }

  #body(page: SharedPage): ByteWriter {
    if (this.pages.codec === CODEC.UNCOMPRESSED) return page.payload
    this.#compressed(page)
    return page.compressed
  }

  /** Appends the chunk's metadata to the footer, and tells the observer. `ids` are its distinct values. */
  finish(
    column: ColumnTemplate,
    levels: number,
    nullCount: number,
    values: Values,
    ids: Int32Array,
    count: number,
  ): void {
    const footer = this.rowGroups
    const bounds = findBounds(values, ids, count)
    columnMetadata(footer, column, levels, this.pages)
    writeStatistics(footer, this.pages.dictionaryOffset >= 0 ? 11 : 9, values, bounds, nullCount)
    this.bloomFilters?.add(column.name, values, ids, count, footer.length)
    endColumnMetadata(footer)
    this.#observe?.({
      column: column.name,
      offset: this.pages.dictionaryOffset >= 0 ? this.pages.dictionaryOffset : this.pages.dataOffset,
      bytes: this.pages.compressedBytes,
      levels,
      nullCount,
      distinct: count,
      values,
      bounds,
    })
  }
}
