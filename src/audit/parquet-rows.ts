/**
 * A Parquet file as hyparquet reads it: the audit's own eye on the input and on what was written. DuckDB, which staged
 * the one and joined the other, has no part in it.
 *
 * Columns come as raw physical values: text as its bytes, a decimal as its digits, a date as a number of days. hyparquet's
 * own readings of them (points in time as Date, decimals as floating point, text without its byte order mark) are not used.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type ParquetScan,
  type ParquetScanOptions,
  parquetMetadataAsync,
  parquetScan,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet'
import { type PagedColumn, readChunk, readLists } from './column-pages.js'
import { decompressorsFor } from './decompressors.js'
import { NotCovered, notCovered } from './not-covered.js'
import { type RawValue, StoredValues } from './stored-values.js'

/** How much memory the reading of one piece of a column may take. */
export interface ReadLimits {
  /** Bytes of a column chunk, compressed and decompressed together. */
  readonly chunkBytes: number
  /** Bytes of JavaScript objects. */
  readonly heapBytes: number
}

/** One column of a file. */
export interface FileColumn {
  /** As the file spells it. */
  readonly name: string
  /** Type of the value, or of the items of a list. */
  readonly element: SchemaElement
  readonly list: boolean
  /** Of a single value, or of a list in the format's own three steps; undefined of older ways to write lists. */
  readonly levels: Pick<PagedColumn, 'most' | 'item'> | undefined
}

/** A run of rows of one row group. */
export interface RowRange {
  readonly group: number
  /** First row, counted over the whole file. */
  readonly from: number
  readonly to: number
}

type Chunk = NonNullable<RowGroup['columns'][number]['meta_data']>

/** Rows that are read at once. */
const WINDOW_ROWS = 131_072
/** What a short text costs as an object of its own, measured: array slot, view and its header. */
const OBJECT_BYTES = 150
const SLOT_BYTES = 16
/** What a list of one item takes beside it: an array with room for more. */
const LIST_BYTES = 200
/** What the decoded index of a row takes, beside what it is decoded from. */
const INDEX_BYTES = 8
const TAIL_BYTES = 64 * 1024
/** Of levels and of values; those that are left over are for hyparquet's own way of reading columns. */
const PAGED_ENCODINGS: ReadonlySet<string> = new Set([
  'PLAIN',
  'PLAIN_DICTIONARY',
  'RLE_DICTIONARY',
  'RLE',
  'BIT_PACKED',
])

type ReadOptions = ParquetScanOptions & { readonly metadata: FileMetaData; readonly compressors: Compressors }

/** A file that is open. Whoever opens it closes it. */
export class ParquetRows {
  readonly columns: readonly FileColumn[]
  readonly rows: number
  readonly groups: readonly RowRange[]
  readonly #file: OpenFile
  readonly #options: ReadOptions
  readonly #metadata: FileMetaData
  readonly #limits: ReadLimits
  /** By row group, and the name of the column. */
  readonly #chunks = new Map<number, Map<string, readonly Chunk[]>>()
  #scan: ParquetScan | undefined

  private constructor(file: OpenFile, options: ReadOptions, columns: readonly FileColumn[], limits: ReadLimits) {
    this.#file = file
    this.#options = options
    this.#metadata = options.metadata
    this.#limits = limits
    this.columns = columns
    this.rows = Number(this.#metadata.num_rows)
    let from = 0
    this.groups = this.#metadata.row_groups.map((group, i) => {
      const range = { group: i, from, to: from + Number(group.num_rows) }
      from = range.to
      return range
    })
  }

  /** @throws NotCovered when hyparquet cannot read its footer */
  static async open(path: string, limits: ReadLimits): Promise<ParquetRows> {
    const file = new OpenFile(path)
    try {
      const metadata = await parquetMetadataAsync(file, {
        initialFetchSize: TAIL_BYTES,
        geoparquet: false,
        parsers: { stringFromBytes: (bytes: Uint8Array) => bytes },
      })
      const columns = columnsOf(metadata.schema)
      metadata.schema = metadata.schema.map(withoutMeaning)
      const options = {
        file,
        metadata,
        compressors: await decompressorsFor(metadata),
        utf8: false,
        geoparquet: false,
        // Points in time of 96 bits are all that is left to have a meaning: as nanoseconds.
        parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos },
      }
      return new ParquetRows(file, options, columns, limits)
    } catch (cause) {
      file.close()
      throw notCovered('its footer', cause)
    }
  }

  close(): void {
    this.#file.close()
  }

  /** The range in pieces that are small enough to be held at once. */
  windows({ group, from, to }: RowRange): RowRange[] {
    const windows: RowRange[] = []
    for (let at = from; at < to; at += WINDOW_ROWS) {
      windows.push({ group, from: at, to: Math.min(to, at + WINDOW_ROWS) })
    }
    return windows
  }

  /**
   * The values of some rows.
   * @throws NotCovered when hyparquet cannot read them, or not within the limits
   */
  async read(column: FileColumn, range: RowRange): Promise<StoredValues> {
    const chunks = this.#chunksOf(column, range.group)
    const rows = range.to - range.from
    const [chunk] = chunks
    const only = column.list ? undefined : onlyValue(chunk)
    if (only !== undefined) return StoredValues.everywhere(only.value, rows)
    try {
      const paged = chunk && this.#readPages(column, chunk, range)
      if (paged) return paged
      this.#requireSmall(column, chunks)
      this.#scan ??= await parquetScan(this.#options)
      const values = await this.#scan.readColumn({ column: column.name, rowStart: range.from, rowEnd: range.to })
      if (values.length !== rows) throw new Error(`it gives ${values.length} values of ${rows} rows`)
      return StoredValues.each(values)
    } catch (cause) {
      throw notCovered(`column ${column.name}`, cause)
    }
  }

  /** Undefined where the column or its pages are such that hyparquet's own way of reading columns is needed. */
  #readPages(column: FileColumn, chunk: Chunk, { group, from, to }: RowRange): StoredValues | undefined {
    const { name, element, levels } = column
    const range = this.groups[group]
    if (!range || !levels || element.type === undefined || element.type === 'INT96') return undefined
    if (!chunk.encodings.every((encoding) => PAGED_ENCODINGS.has(encoding))) return undefined
    // Where a list begins is only known from the one before it.
    if (column.list && (from > range.from || to < range.to)) return undefined
    if (element.type === 'FIXED_LEN_BYTE_ARRAY') this.#requireSmall(column, [chunk])
    const bytes = Number(chunk.total_compressed_size) + Number(chunk.total_uncompressed_size)
    if (bytes + INDEX_BYTES * Number(chunk.num_values) > this.#limits.chunkBytes) throw tooLarge(name)
    const start = startOf(chunk)
    const paged = { type: element.type, typeLength: element.type_length, ...levels }
    const stored = {
      bytes: this.#file.read(start, start + Number(chunk.total_compressed_size)),
      codec: chunk.codec,
      compressors: this.#options.compressors,
    }
    return column.list
      ? readLists(paged, stored, to - from)
      : readChunk(paged, stored, { from: from - range.from, to: to - range.from })
  }

  #chunksOf(column: FileColumn, group: number): readonly Chunk[] {
    let chunks = this.#chunks.get(group)
    if (!chunks) {
      chunks = new Map()
      for (const { meta_data: chunk } of this.#metadata.row_groups[group]?.columns ?? []) {
        const name = chunk?.path_in_schema[0]
        if (chunk && name !== undefined) chunks.set(name, [...(chunks.get(name) ?? []), chunk])
      }
      this.#chunks.set(group, chunks)
    }
    return chunks.get(column.name) ?? []
  }

  #requireSmall({ name, list }: FileColumn, chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      const bytes = Number(chunk.total_compressed_size) + Number(chunk.total_uncompressed_size)
      const values = valuesAtOnce(chunk)
      const areObjects = chunk.type.endsWith('BYTE_ARRAY') && chunk.encodings.includes('PLAIN')
      const each = (areObjects ? OBJECT_BYTES : SLOT_BYTES) + (list ? LIST_BYTES : 0)
      if (bytes > this.#limits.chunkBytes || values * each > this.#limits.heapBytes) throw tooLarge(name)
    }
  }
}

/** Longest text that statistics hold in full, whoever writes them. */
const WHOLE_TEXT_BYTES = 32

/**
 * The one value that a chunk holds in all of its rows, where its statistics say so: equal bounds and no NULL, or NULL only.
 * Not of floating point, whose bounds leave NaN out and do not know the sign of a zero.
 */
function onlyValue(chunk: Chunk | undefined): { readonly value: RawValue } | undefined {
  const { min_value: min, max_value: max, null_count: nulls } = chunk?.statistics ?? {}
  if (chunk === undefined || nulls === undefined) return undefined
  if (nulls === chunk.num_values) return { value: null }
  const { is_min_value_exact, is_max_value_exact } = chunk.statistics ?? {}
  if (nulls > 0n || is_min_value_exact === false || is_max_value_exact === false) return undefined
  if (chunk.type === 'BYTE_ARRAY' && min instanceof Uint8Array && max instanceof Uint8Array)
    return min.byteLength <= WHOLE_TEXT_BYTES && Buffer.compare(min, max) === 0 ? { value: min } : undefined
  return undefined
}

/** Some writers leave the place of the dictionary out, or say 0. */
function startOf({ dictionary_page_offset: dictionary, data_page_offset: data }: Chunk): number {
  return Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data)
}

/** hyparquet decodes whole pages: how many values of a chunk are there at once, as far as the footer tells. */
function valuesAtOnce(chunk: Chunk): number {
  const values = Number(chunk.num_values)
  const pages = (chunk.encoding_stats ?? []).reduce(
    (sum, { page_type, count }) => sum + (page_type === 'DICTIONARY_PAGE' ? 0 : count),
    0,
  )
  return pages < 2 ? values : Math.min(values, WINDOW_ROWS + Math.ceil((2 * values) / pages))
}

/** A file whose end, where the footer is, was read once. Small files are read as a whole with it. */
class OpenFile implements AsyncBuffer {
  readonly byteLength: number
  readonly #descriptor: number
  readonly #tail: Uint8Array
  readonly #tailStart: number

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
    this.byteLength = fstatSync(this.#descriptor).size
    this.#tailStart = Math.max(0, this.byteLength - TAIL_BYTES)
    this.#tail = this.#readFrom(this.#tailStart, this.byteLength)
  }

  /** Bytes that nobody may change. */
  read(from: number, to: number): Uint8Array {
    if (from >= this.#tailStart) return this.#tail.subarray(from - this.#tailStart, to - this.#tailStart)
    return this.#readFrom(from, to)
  }

  slice(from: number, to: number = this.byteLength): ArrayBuffer {
    const bytes = new Uint8Array(to - from)
    bytes.set(this.read(from, to))
    return bytes.buffer
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #readFrom(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from)
    if (readSync(this.#descriptor, bytes, 0, bytes.byteLength, from) < bytes.byteLength)
      throw new Error('the file ends early')
    return bytes
  }
}

/** The leaf's meaning goes, so that its values come as they are stored; that of lists stays, it holds them together. */
function withoutMeaning(element: SchemaElement): SchemaElement {
  const { converted_type, logical_type, ...bare } = element
  if (element.type !== undefined) return bare
  if (logical_type?.type === 'LIST') return { ...bare, converted_type: 'LIST', logical_type }
  return {
    ...bare,
    ...(converted_type === undefined ? {} : { converted_type }),
    ...(logical_type === undefined ? {} : { logical_type }),
  }
}

/** Columns and lists of the schema, which lists its tree depth first; anything deeper is nothing that is asked for. */
function columnsOf(schema: readonly SchemaElement[]): FileColumn[] {
  const columns: FileColumn[] = []
  let at = 1
  while (at < schema.length) {
    const element = schema[at]
    if (!element) break
    const size = sizeOf(schema, at)
    const leaf = schema[at + size - 1]
    const isList = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST'
    if (size === 1 && element.repetition_type !== 'REPEATED') {
      columns.push({ name: element.name, element, list: false, levels: { most: optional(element), item: undefined } })
    } else if (leaf?.type !== undefined && ((isList && size <= 3) || size === 1)) {
      columns.push({ name: element.name, element: leaf, list: true, levels: listLevels(schema.slice(at, at + size)) })
    }
    at += size
  }
  return columns
}

function optional({ repetition_type: repetition }: SchemaElement): number {
  return repetition === 'OPTIONAL' ? 1 : 0
}

/** A list, what repeats in it, and an item (parquet-format, "LogicalTypes", Lists). */
function listLevels([list, repeated, item]: readonly SchemaElement[]): FileColumn['levels'] {
  if (!list || !item || repeated?.repetition_type !== 'REPEATED' || item.repetition_type === 'REPEATED')
    return undefined
  if (list.repetition_type === 'REPEATED') return undefined
  return { item: optional(list) + 1, most: optional(list) + 1 + optional(item) }
}

function sizeOf(schema: readonly SchemaElement[], at: number): number {
  let size = 1
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) size += sizeOf(schema, at + size)
  return size
}

function tooLarge(column: string): NotCovered {
  return new NotCovered(`a row group is too large to be read beside the rest [column=${column}]`)
}
