/**
 * A partition as the encoder takes it: factorised, never as wide rows.
 *
 * The rows of a partition are its facts in order, each repeated once per member of its group. Columns hang on an
 * *axis*: all columns that derive from the code of a fact share the axis "code", all that derive from the provider
 * share the axis "npi", and so on. An axis says for each fact (or row, or file) which *entry* it is; a column says
 * which pooled value each entry has. So the cost of a column is about the number of distinct entries, not of rows.
 */

/** Distinct values of one column, already in Parquet's PLAIN encoding. Value `i` is the pool's index `i`. */
export type ValuePool =
  | {
      readonly kind: 'bytes'
      /** Each value: its length as 4 bytes little-endian, then its UTF-8 bytes. Concatenated. */
      readonly data: Uint8Array
      /** `count + 1` byte offsets into `data`. */
      readonly offsets: Int32Array
      readonly count: number
      /** Whether values ascend in unsigned byte order, so that the lowest index is the smallest value. */
      readonly sorted: boolean
    }
  | { readonly kind: 'double'; readonly values: Float64Array; readonly count: number }
  | { readonly kind: 'int32'; readonly values: Int32Array; readonly count: number }
  | { readonly kind: 'boolean'; readonly values: Uint8Array; readonly count: number }
  | {
      readonly kind: 'list'
      /** Value `i` is the list of the items `itemOffsets[i]` … `itemOffsets[i + 1] - 1`. */
      readonly itemOffsets: Int32Array
      /** Each item: an index into `elements`, −1 for NULL. */
      readonly items: Int32Array
      readonly elements: Extract<ValuePool, { kind: 'bytes' }>
      readonly count: number
    }

/** The type of a column in the file. Lists are lists of strings. */
export type ColumnType = 'string' | 'double' | 'int32' | 'date' | 'boolean' | 'list'

/** A column of the file: optional (nullable) always. */
export interface FileColumn {
  readonly name: string
  readonly type: ColumnType
  /** `field_id` in the schema, by which table formats find the column whatever its name. Default: none is written. */
  readonly fieldId?: number
  /** The same of a list's elements. */
  readonly elementFieldId?: number
}

/** Where a column's values come from. Bound once per slice or unit; every partition of it only brings entries. */
export type ColumnSource =
  | {
      readonly from: 'axis'
      /** Index into {@link FactorisedRows.axes}. */
      readonly axis: number
      readonly pool: ValuePool
      /** Pool index of each entry of the axis, −1 for NULL. Undefined: the entry is the pool index itself. */
      readonly valueOf: Int32Array | undefined
    }
  | {
      /** Numbers that are not pooled: one per fact or per row, computed or of high cardinality. */
      readonly from: 'numbers'
      /** Index into {@link FactorisedRows.numbers}. */
      readonly stream: number
    }

/** What an axis has one entry for. */
export type Grain = 'file' | 'fact' | 'row'

/** Which entry each fact (or row, or the whole file) is. */
export interface AxisStream {
  readonly grain: Grain
  /** One entry (`file`), `facts` entries or `rows` entries; may be longer, the rest is ignored. −1: all columns NULL. */
  readonly entries: Int32Array
}

/** Plain numbers, one per fact or row. */
export interface NumberStream {
  readonly grain: Grain
  /** As long as the grain wants; may be longer, the rest is ignored. For a boolean column 0 or 1. */
  readonly values: Float64Array
  /** 0 where the value is NULL; undefined when none is. */
  readonly valid: Uint8Array | undefined
}

/** The rows of one row group of a partition, factorised. */
export interface FactorisedRows {
  readonly rows: number
  readonly facts: number
  /** Rows of each fact, at least 1; the first `facts` sum to `rows`. */
  readonly runLengths: Int32Array
  readonly axes: readonly AxisStream[]
  readonly numbers: readonly NumberStream[]
}

/** A row group that brings its own sources: of a partition too large for one window of facts. */
export interface BoundRows {
  readonly sources: readonly ColumnSource[]
  readonly rows: FactorisedRows
}

/** Turns factorised partitions into files. The seam behind which the encoder lives. */
export interface PartitionEncoder {
  /**
   * Sets where each column of the schema gets its values from, for all partitions until the next call.
   * `sources[i]` belongs to column `i`.
   */
  bind(sources: readonly ColumnSource[]): void
  /**
   * Encodes one partition as a Parquet file, row group by row group, and yields its bytes in pieces.
   * A piece is a view that is valid only until the next piece is asked for.
   *
   * @param metadata key-value metadata of the footer, in this order; nothing that changes from run to run
   */
  encode(
    rowGroups: Iterable<FactorisedRows>,
    metadata: readonly (readonly [key: string, value: string])[],
  ): Iterable<Uint8Array>

  /** As {@link PartitionEncoder.encode}, with the sources bound anew for each row group; what was bound before is lost. */
  encodeStream(
    rowGroups: AsyncIterable<BoundRows>,
    metadata: readonly (readonly [key: string, value: string])[],
  ): AsyncIterable<Uint8Array>
}
