/** A data file as a manifest tells of it. Plain JSON, so that a run's records can hold it. */
import type { WrittenChunk } from '../parquet/chunk-writer.js'
import { type Bounds, chunkBounds, NO_BOUNDS, widestBounds } from './bounds.js'
import type { TableColumn } from './table-columns.js'

/** What is known of one column of a file. */
export interface ColumnMetrics {
  /** Of the column; of a list, that of its elements. */
  readonly fieldId: number
  /** In the file. */
  readonly bytes: number
  /** Rows, NULLs and NaNs included. Lists have no counts and no bounds. */
  readonly values?: number
  readonly nulls?: number
  /** Of numbers: 0. Missing where there are some: then the column has no bounds either. */
  readonly nans?: number
  /** Serialized, in base64. */
  readonly lower?: string
  readonly upper?: string
}

/** One Parquet file of the table. */
export interface DataFile {
  /** Full address, below the table's location. Written once: another content has another name. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** One value for each of the layout's partition columns, null for NULL. */
  readonly partition: readonly (string | null)[]
  /** In the order of the table's columns. */
  readonly columns: readonly ColumnMetrics[]
  /** Where row groups begin, in bytes: readers split large files there. */
  readonly splitOffsets: readonly number[]
}

interface Collected {
  bytes: number
  values: number
  nulls: number
  hasNan: boolean
  /** Undefined until a chunk had a value. */
  bounds: Bounds | undefined
}

/**
 * Collects the metrics of the files that an encoder writes, from what the encoder says of each chunk.
 *
 * @example
 * const metrics = new MetricsCollector(columns)
 * const encoder = createPartitionEncoder(columns, { observe: (chunk) => metrics.add(chunk) })
 * // … encode and store a file, then:
 * const { columns, splitOffsets } = metrics.take()
 */
export class MetricsCollector {
  readonly #columns: readonly TableColumn[]
  readonly #byName: ReadonlyMap<string, TableColumn>
  #collected = new Map<string, Collected>()
  #splitOffsets: number[] = []

  constructor(columns: readonly TableColumn[]) {
    this.#columns = columns
    this.#byName = new Map(columns.map((column) => [column.name, column]))
  }

  /** Adds a chunk of the file that is being written. */
  add(chunk: WrittenChunk): void {
    const column = this.#byName.get(chunk.column)
    if (!column) throw new TypeError(`the encoder wrote a column '${chunk.column}' that the table does not have`)
    if (column === this.#columns[0]) this.#splitOffsets.push(chunk.offset)
    const seen = this.#collected.get(column.name) ?? emptyMetrics()
    this.#collected.set(column.name, seen)
    seen.bytes += chunk.bytes
    seen.values += chunk.levels
    seen.nulls += chunk.nullCount
    if (chunk.distinct === 0) return
    if (!chunk.bounds) seen.hasNan = true
    const bounds = chunk.bounds ? chunkBounds(column.type, chunk.values, chunk.bounds) : NO_BOUNDS
    seen.bounds = seen.bounds ? widestBounds(column.type, seen.bounds, bounds) : bounds
  }

  /** The metrics of the file that is done; the next chunk begins another. */
  take(): Pick<DataFile, 'columns' | 'splitOffsets'> {
    const columns = this.#columns.map((column) => metricsOf(column, this.#collected.get(column.name) ?? emptyMetrics()))
    const splitOffsets = this.#splitOffsets
    this.#collected = new Map()
    this.#splitOffsets = []
    return { columns, splitOffsets }
  }
}

function emptyMetrics(): Collected {
  return { bytes: 0, values: 0, nulls: 0, hasNan: false, bounds: undefined }
}

function metricsOf({ type, fieldId, elementFieldId }: TableColumn, seen: Collected): ColumnMetrics {
  if (type === 'list') return { fieldId: elementFieldId ?? fieldId, bytes: seen.bytes }
  const { lower, upper } = seen.bounds ?? NO_BOUNDS
  return {
    fieldId,
    bytes: seen.bytes,
    values: seen.values,
    nulls: seen.nulls,
    ...(type === 'double' && !seen.hasNan ? { nans: 0 } : {}),
    ...(lower ? { lower: Buffer.from(lower).toString('base64') } : {}),
    ...(upper ? { upper: Buffer.from(upper).toString('base64') } : {}),
  }
}
