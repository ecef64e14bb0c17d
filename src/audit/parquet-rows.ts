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
  type FileMetaData,
  type ParquetScan,
  type ParquetScanOptions,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetScan,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

/** A value as it is stored. A list is an array of them. */
export type RawValue = null | boolean | number | bigint | Uint8Array | readonly RawValue[]

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
}

/** A run of rows of one row group. */
export interface RowRange {
  readonly group: number
  /** First row, counted over the whole file. */
  readonly from: number
  readonly to: number
}

type Chunk = NonNullable<RowGroup['columns'][number]['meta_data']>

/** The reader cannot read this: no fault of the file, and nothing is known about what it holds. */
export class NotCovered extends Error {
  override readonly name = 'NotCovered'
}

/** Rows that are read at once. */
const WINDOW_ROWS = 131_072
/** What a short text costs as an object of its own, measured: array slot, view and its header. */
const OBJECT_BYTES = 150
const SLOT_BYTES = 16
const FOOTER_FIRST_BYTES = 64 * 1024

type ReadOptions = ParquetScanOptions & { readonly metadata: FileMetaData }

/** A file that is open. Whoever opens it closes it. */
export class ParquetRows {
  readonly columns: readonly FileColumn[]
  readonly rows: number
  readonly groups: readonly RowRange[]
  readonly #file: number
  readonly #options: ReadOptions
  readonly #metadata: FileMetaData
  readonly #limits: ReadLimits
  readonly #scan: ParquetScan

  private constructor(parts: {
    file: number
    options: ReadOptions
    columns: readonly FileColumn[]
    limits: ReadLimits
    scan: ParquetScan
  }) {
    this.#file = parts.file
    this.#options = parts.options
    this.#metadata = parts.options.metadata
    this.#limits = parts.limits
    this.#scan = parts.scan
    this.columns = parts.columns
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
    const file = openSync(path, 'r')
    try {
      const buffer = bufferOf(file)
      const metadata = await parquetMetadataAsync(buffer, {
        initialFetchSize: FOOTER_FIRST_BYTES,
        geoparquet: false,
        parsers: { stringFromBytes: (bytes: Uint8Array) => bytes },
      })
      const columns = columnsOf(metadata.schema)
      metadata.schema = metadata.schema.map(withoutMeaning)
      const options = {
        file: buffer,
        metadata,
        compressors,
        utf8: false,
        geoparquet: false,
        // Points in time of 96 bits are all that is left to have a meaning: as nanoseconds.
        parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos },
      }
      return new ParquetRows({ file, options, columns, limits, scan: await parquetScan(options) })
    } catch (cause) {
      closeSync(file)
      throw notCovered('its footer', cause)
    }
  }

  close(): void {
    closeSync(this.#file)
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
  async read(column: FileColumn, { group, from, to }: RowRange): Promise<readonly RawValue[]> {
    const chunks = this.#chunksOf(column, group)
    const only = column.list ? undefined : onlyValue(chunks[0])
    if (only !== undefined) return new Array<RawValue>(to - from).fill(only.value)
    this.#requireSmall(column, chunks)
    try {
      const values = await this.#scan.readColumn({ column: column.name, rowStart: from, rowEnd: to })
      if (values.length !== to - from) throw new Error(`it gives ${values.length} values of ${to - from} rows`)
      return Array.isArray(values) ? values : Array.from<RawValue>(values)
    } catch (cause) {
      throw notCovered(`column ${column.name}`, cause)
    }
  }

  /**
   * Whole rows, by column name: for files of many columns of which few rows are wanted.
   * @throws NotCovered as {@link read}
   */
  async readRows({ from, to, group }: RowRange): Promise<readonly Readonly<Record<string, RawValue>>[]> {
    for (const column of this.columns) this.#requireSmall(column, this.#chunksOf(column, group))
    try {
      return await parquetReadObjects({ ...this.#options, rowStart: from, rowEnd: to })
    } catch (cause) {
      throw notCovered('its rows', cause)
    }
  }

  #chunksOf(column: FileColumn, group: number): readonly Chunk[] {
    const chunks = this.#metadata.row_groups[group]?.columns ?? []
    return chunks.flatMap(({ meta_data }) => (meta_data?.path_in_schema[0] === column.name ? [meta_data] : []))
  }

  #requireSmall(column: FileColumn, chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      const bytes = Number(chunk.total_compressed_size) + Number(chunk.total_uncompressed_size)
      const values = valuesAtOnce(chunk)
      const each = chunk.type.endsWith('BYTE_ARRAY') && chunk.encodings.includes('PLAIN') ? OBJECT_BYTES : SLOT_BYTES
      if (bytes > this.#limits.chunkBytes || values * each > this.#limits.heapBytes)
        throw new NotCovered(`a row group is too large to be read beside the rest [column=${column.name}]`)
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

/** hyparquet decodes whole pages: how many values of a chunk are there at once, as far as the footer tells. */
function valuesAtOnce(chunk: Chunk): number {
  const values = Number(chunk.num_values)
  const pages = (chunk.encoding_stats ?? []).reduce(
    (sum, { page_type, count }) => sum + (page_type === 'DICTIONARY_PAGE' ? 0 : count),
    0,
  )
  return pages < 2 ? values : Math.min(values, WINDOW_ROWS + Math.ceil((2 * values) / pages))
}

function bufferOf(file: number): AsyncBuffer {
  const { size } = fstatSync(file)
  return {
    byteLength: size,
    slice(from, to = size) {
      const bytes = new Uint8Array(to - from)
      if (readSync(file, bytes, 0, bytes.byteLength, from) < bytes.byteLength) throw new Error('the file ends early')
      return bytes.buffer
    },
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
      columns.push({ name: element.name, element, list: false })
    } else if (leaf?.type !== undefined && ((isList && size <= 3) || size === 1)) {
      columns.push({ name: element.name, element: leaf, list: true })
    }
    at += size
  }
  return columns
}

function sizeOf(schema: readonly SchemaElement[], at: number): number {
  let size = 1
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) size += sizeOf(schema, at + size)
  return size
}

function notCovered(what: string, cause: unknown): NotCovered {
  if (cause instanceof NotCovered) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new NotCovered(`${what} cannot be read: ${reason}`, { cause })
}
