import { IntegrityError } from '../runtime/errors.js'
import { Axis } from './axis.js'
import { type ChunkWriter, emptyPage, type LaterPages } from './chunk-writer.js'
import { ColumnChunkWriter } from './column-chunk.js'
import type { ColumnSource, ColumnType, FactorisedRows } from './factorised.js'
import { ListChunkWriter } from './list-chunk.js'
import { NumberTable } from './number-table.js'
import { fixedBytes, type Values } from './plain.js'
import type { ColumnTemplate } from './schema.js'
import * as thrift from './thrift.js'

/** What an axis of the binding is good for: entries below `ids` have a value in some column; 0 says unused. */
interface BoundAxis {
  readonly axis: Axis
  ids: number
}

/** Writes row groups: loads each axis once, then one column chunk after the other. */
export class RowGroupWriter {
  readonly #chunk: ChunkWriter
  readonly #columns: readonly ColumnTemplate[]
  readonly #values: ColumnChunkWriter
  readonly #lists: ListChunkWriter
  readonly #numbers = new NumberTable()
  readonly #numberAxis = new Axis(emptyPage())
  #sources: readonly ColumnSource[] = []
  #axes: BoundAxis[] = []
  #streams = 0

  constructor(chunk: ChunkWriter, columns: readonly ColumnTemplate[]) {
    this.#chunk = chunk
    this.#columns = columns
    this.#values = new ColumnChunkWriter(chunk)
    this.#lists = new ListChunkWriter(chunk)
  }

  /** See {@link PartitionEncoder.bind}. @throws IntegrityError when a source does not fit its column */
  bind(sources: readonly ColumnSource[]): void {
    if (sources.length !== this.#columns.length) {
      throw new IntegrityError(
        'ETL3-PQ-04',
        `the encoder has ${this.#columns.length} columns, but ${sources.length} sources were bound`,
      )
    }
    const ids: number[] = []
    let streams = 0
    for (const [index, source] of sources.entries()) {
      const column = this.#columns[index]!
      if (source.from === 'numbers') {
        if (column.type === 'string' || column.type === 'list') throw misfit(column, 'a stream of numbers')
        streams = Math.max(streams, source.stream + 1)
        continue
      }
      if (source.pool.kind !== POOL_OF[column.type]) throw misfit(column, `a pool of ${source.pool.kind}`)
      const known = source.valueOf?.length ?? source.pool.count
      // An axis whose columns know no entry at all may still say −1 for every row, so it counts as used.
      ids[source.axis] = Math.max(ids[source.axis] ?? 0, known, 1)
    }
    while (this.#axes.length < ids.length) this.#axes.push({ axis: new Axis(emptyPage()), ids: 0 })
    for (const [index, bound] of this.#axes.entries()) bound.ids = ids[index] ?? 0
    this.#sources = sources
    this.#streams = streams
  }

  /** Loads a row group's axes and begins its struct in the footer. */
  begin(group: FactorisedRows): void {
    check(group, this.#axes, this.#streams)
    for (const [index, { axis, ids }] of this.#axes.entries()) {
      if (ids > 0) axis.load(group.axes[index]!, group, this.#chunk.numbering, ids)
    }
    thrift.list(this.#chunk.rowGroups, 0, 1, thrift.ELEMENT.STRUCT, this.#columns.length)
  }

  /** Columns of a row group. */
  get columns(): number {
    return this.#columns.length
  }

  /**
   * Writes the chunk of one column, or its first page.
   *
   * @returns the pages that are still to be written, before anything else is
   */
  writeColumn(index: number, group: FactorisedRows): LaterPages | undefined {
    const column = this.#columns[index]!
    const source = this.#sources[index]
    if (source === undefined) throw new IntegrityError('ETL3-PQ-04', 'encode was called before bind [sources=0]')
    const chunk = this.#chunk
    if (source.from === 'numbers') return this.#writeNumbers(column, group, source.stream)
    const { pool } = source
    const { axis } = this.#axes[source.axis]!
    chunk.dictionary.build(axis, source.valueOf, pool.count, chunk.numbering, column.name)
    if (pool.kind === 'list') return this.#lists.write(column, axis, chunk.dictionary, pool)
    return this.#values.write(column, axis, chunk.dictionary, pool)
  }

  /** Ends the row group's struct in the footer. */
  end(group: FactorisedRows, uncompressedBytes: number): void {
    const { out, fileOffset, rowGroups: footer, bloomFilters } = this.#chunk
    bloomFilters?.write(out, fileOffset, footer)
    thrift.i64(footer, 1, 2, uncompressedBytes)
    thrift.i64(footer, 2, 3, group.rows)
    thrift.endStruct(footer)
  }

  #writeNumbers(column: ColumnTemplate, group: FactorisedRows, stream: number): LaterPages | undefined {
    const chunk = this.#chunk
    const axis = this.#numberAxis
    const kind = column.type === 'double' ? 'double' : column.type === 'boolean' ? 'boolean' : 'int32'
    const numbers = group.numbers[stream]!
    const maxDistinct =
      kind === 'boolean' ? 2 : Math.max(1, Math.floor(chunk.limits.dictionaryBytes / fixedBytes(kind)))
    const indexed = axis.loadNumbers(numbers, group, this.#numbers, maxDistinct)
    // Where there are too many, the dictionary lists every number, and is over the limit by that alone.
    const source = indexed ? this.#numbers.values : numbers.values
    if (kind === 'int32') checkIntegers(column, source, axis)
    const values: Values = { kind, values: source }
    chunk.dictionary.build(axis, undefined, axis.maxEntry + 1, chunk.numbering, column.name)
    return this.#values.write(column, axis, chunk.dictionary, values)
  }
}

const POOL_OF: Readonly<Record<ColumnType, string>> = {
  string: 'bytes',
  double: 'double',
  int32: 'int32',
  date: 'int32',
  boolean: 'boolean',
  list: 'list',
}

function misfit(column: ColumnTemplate, what: string): IntegrityError {
  return new IntegrityError('ETL3-PQ-04', `column ${column.name} of type ${column.type} can not come from ${what}`)
}

/** A group whose parts contradict each other would make a file that reads well and is wrong. */
function check(group: FactorisedRows, axes: readonly BoundAxis[], streams: number): void {
  const { rows, facts, runLengths } = group
  if (group.axes.length < axes.length && axes.some(({ ids }, index) => ids > 0 && index >= group.axes.length)) {
    throw new IntegrityError('ETL3-PQ-05', `a row group has ${group.axes.length} axes [bound=${axes.length}]`)
  }
  if (group.numbers.length < streams) {
    throw new IntegrityError('ETL3-PQ-05', `a row group has ${group.numbers.length} number streams [bound=${streams}]`)
  }
  let sum = 0
  let shortest = 1
  for (let fact = 0; fact < facts; fact++) {
    const length = runLengths[fact]!
    sum += length
    if (length < shortest) shortest = length
  }
  // A fact beyond the array has an undefined length, which makes the sum NaN.
  if (sum !== rows || shortest < 1) {
    throw new IntegrityError(
      'ETL3-PQ-05',
      `the runs of a row group's ${facts} facts sum to ${sum} rows [rows=${rows}, shortest run=${shortest}]`,
    )
  }
}

function checkIntegers(column: ColumnTemplate, values: Float64Array, axis: Axis): void {
  for (let i = 0; i < axis.count; i++) {
    const value = values[axis.entries[i]!]!
    if ((value | 0) !== value) {
      throw new IntegrityError('ETL3-PQ-06', `column ${column.name} holds ${value}, which is no 32-bit integer`)
    }
  }
}
