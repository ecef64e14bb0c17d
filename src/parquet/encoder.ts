/**
 * Turns factorised partitions (factorised.ts) into Parquet files.
 *
 * What a file is: version 1 data pages; one dictionary page and one data page of indexes a column chunk, or PLAIN pages
 * of about 1 MiB where a dictionary would pass 1 MiB or save nothing; a dictionary of strings may have 16 MiB where
 * PLAIN would be over four times as long; lists in pages of about 1 MiB that begin with a row; Snappy chunk by chunk
 * where the first pages have 300 bytes and shrink; levels, NULL counts and bounds always. It leaves page by page.
 * What a call costs: each axis is read once a row group; a column then costs a step for each *distinct entry* of its
 * axis, and for each run of rows, or row where runs are short, one step more to write its index. A column with a value
 * of its own for each entry takes over the index bytes of its axis, one with a single value writes that value.
 *
 * The way through the folder: encoder → row-group → axis and dictionary → column-chunk or list-chunk → page, levels,
 * rle → byte-writer; schema, statistics and footer in Thrift beside it.
 */

import { IntegrityError } from '../runtime/errors.js'
import { BloomFilters } from './bloom-filters.js'
import { type ChunkLimits, ChunkWriter, type WrittenChunk } from './chunk-writer.js'
import type { BoundRows, ColumnSource, FactorisedRows, FileColumn, PartitionEncoder } from './factorised.js'
import { writeFooter } from './footer.js'
import { MAGIC } from './format.js'
import { RowGroupWriter } from './row-group.js'
import { type FileTemplate, fileTemplate } from './schema.js'

/** What the footer names as the writer. It says which encoder, not which run: equal input gives equal bytes. */
const CREATED_BY = 'etl3 version 1.0.0 (build factorised)'

/** What may differ from the defaults of {@link createPartitionEncoder}. */
export interface EncoderOptions {
  /** The footer's `created_by`, as `name version x.y.z (build …)`. Default `etl3 version 1.0.0 (build factorised)`. */
  readonly createdBy?: string
  /** A dictionary of more bytes is written only of strings, where PLAIN would be over four times as long. Default 1 MiB. */
  readonly dictionaryLimitBytes?: number
  /** A dictionary over this many bytes is never written: its chunk is PLAIN. Default 16 MiB. */
  readonly largeDictionaryLimitBytes?: number
  /** PLAIN pages and pages of lists end at about this many bytes. Default 1 MiB. */
  readonly pageBytes?: number
  /** Column chunks of fewer bytes of dictionary and indexes are not compressed. Default 300. */
  readonly compressFromBytes?: number
  /** Columns of texts whose chunks get Bloom filters. Default: none. */
  readonly bloomFilters?: readonly string[]
  /** Told of each column chunk when it is written: row group by row group, in the order of the columns. */
  readonly observe?: (chunk: WrittenChunk) => void
}

/** A piece is handed over after the page with which it has this many bytes: the buffer does not grow with the rows. */
const PIECE_BYTES = 1024 * 1024

/** Buffers that grew over this are given back at the end of a file. */
const KEPT_BUFFER_BYTES = 8 * 1024 * 1024

/**
 * Makes an encoder of files that all have these columns. It keeps its buffers from file to file, so one encoder
 * should write many files; one thread may have several.
 *
 * @throws UsageError when there is no column, or two have one name
 *
 * @example
 * const encoder = createPartitionEncoder([{ name: 'npi', type: 'string' }])
 * encoder.bind([{ from: 'axis', axis: 0, pool: npis, valueOf: undefined }])
 * for (const piece of encoder.encode([rows], [['etl3.engine', '0.1.0']])) file.write(piece)
 */
export function createPartitionEncoder(columns: readonly FileColumn[], options: EncoderOptions = {}): PartitionEncoder {
  return new FactorisedEncoder(fileTemplate(columns), options)
}

/** A file under construction: which call it belongs to, and what it holds so far. */
interface OpenFile {
  readonly turn: number
  rows: number
  groups: number
}

class FactorisedEncoder implements PartitionEncoder {
  readonly #template: FileTemplate
  readonly #createdBy: string
  readonly #chunk: ChunkWriter
  readonly #rowGroup: RowGroupWriter
  /** Counts calls, so that an iteration notices that another one took the buffers. */
  #turn = 0

  constructor(template: FileTemplate, options: EncoderOptions) {
    const dictionaryBytes = options.dictionaryLimitBytes ?? 1024 * 1024
    const limits: ChunkLimits = {
      dictionaryBytes,
      // A page is held up to five times while it is compressed; a worker's reserve (memory-budget.ts) has 96 MB.
      largeDictionaryBytes: Math.max(dictionaryBytes, options.largeDictionaryLimitBytes ?? 16 * 1024 * 1024),
      pageBytes: options.pageBytes ?? 1024 * 1024,
      compressFromBytes: options.compressFromBytes ?? 300,
    }
    this.#template = template
    this.#createdBy = options.createdBy ?? CREATED_BY
    const { bloomFilters } = options
    this.#chunk = new ChunkWriter(limits, bloomFilters && new BloomFilters(bloomFilters), options.observe)
    this.#rowGroup = new RowGroupWriter(this.#chunk, template.columns)
  }

  bind(sources: readonly ColumnSource[]): void {
    this.#turn++
    this.#rowGroup.bind(sources)
  }

  *encode(
    rowGroups: Iterable<FactorisedRows>,
    metadata: readonly (readonly [key: string, value: string])[],
  ): Iterable<Uint8Array> {
    const file = this.#open()
    for (const group of rowGroups) yield* this.#group(file, group)
    yield this.#footer(file, metadata)
    this.#close(file)
  }

  async *encodeStream(
    rowGroups: AsyncIterable<BoundRows>,
    metadata: readonly (readonly [key: string, value: string])[],
  ): AsyncIterable<Uint8Array> {
    const file = this.#open()
    for await (const { sources, rows } of rowGroups) {
      this.#checkTurn(file.turn)
      this.#rowGroup.bind(sources)
      yield* this.#group(file, rows)
    }
    yield this.#footer(file, metadata)
    this.#close(file)
  }

  #open(): OpenFile {
    const { out, rowGroups } = this.#chunk
    out.clear()
    rowGroups.clear()
    this.#chunk.bloomFilters?.clear()
    this.#chunk.fileOffset = 0
    out.append(MAGIC)
    return { turn: ++this.#turn, rows: 0, groups: 0 }
  }

  *#group(file: OpenFile, group: FactorisedRows): Iterable<Uint8Array> {
    this.#checkTurn(file.turn)
    if (group.rows === 0) return
    const { out, pages } = this.#chunk
    this.#rowGroup.begin(group)
    let bytes = 0
    for (let column = 0; column < this.#rowGroup.columns; column++) {
      const laterPages = this.#rowGroup.writeColumn(column, group)
      do {
        if (out.length >= PIECE_BYTES) {
          yield out.view()
          this.#checkTurn(file.turn)
          this.#chunk.fileOffset += out.length
          out.clear()
        }
      } while (laterPages?.next().done === false)
      bytes += pages.uncompressedBytes
    }
    this.#rowGroup.end(group, bytes)
    file.rows += group.rows
    file.groups++
  }

  #footer(file: OpenFile, metadata: readonly (readonly [key: string, value: string])[]): Uint8Array {
    this.#checkTurn(file.turn)
    const { out, rowGroups } = this.#chunk
    const { rows, groups } = file
    writeFooter(out, this.#template, rowGroups, { rows, rowGroups: groups, metadata, createdBy: this.#createdBy })
    return out.view()
  }

  #close(file: OpenFile): void {
    if (file.turn === this.#turn) this.#chunk.shrink(KEPT_BUFFER_BYTES)
  }

  #checkTurn(turn: number): void {
    if (turn === this.#turn) return
    throw new IntegrityError('ETL3-PQ-07', 'a file was still being encoded when bind or encode was called again', {
      hint: 'Take all pieces of a file before the next one, or make an encoder for each.',
    })
  }
}
