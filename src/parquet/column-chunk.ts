/** Column chunks of single values: one dictionary page and one data page of indexes, or PLAIN data pages. */

import type { Axis } from './axis.js'
import { bitPackedBytes, bitWidthOf, packBits } from './bit-packing.js'
import type { ByteWriter } from './byte-writer.js'
import { type ChunkWriter, DICTIONARY_OVERHEAD_BYTES, emptyPage, type LaterPages } from './chunk-writer.js'
import type { LocalDictionary } from './dictionary.js'
import { ENCODING } from './format.js'
import { uniformLevels, writeDefined } from './levels.js'
import { atLeast } from './numbering.js'
import { dataPageHeader, dictionaryPageHeader } from './page.js'
import { fixedBytes, plainBytes, type Values, writePlain } from './plain.js'
import { packedRun, repeatedRun } from './rle.js'
import type { ColumnTemplate } from './schema.js'

type PagedValues = Exclude<Values, { kind: 'boolean' }>

/** A column chunk in PLAIN pages, and how far they have come. */
interface PlainChunk {
  readonly column: ColumnTemplate
  readonly axis: Axis
  readonly dictionary: LocalDictionary
  readonly values: PagedValues
  /** The run in which the next page begins. */
  run: number
  /** Rows of that run which no page holds yet. */
  left: number
  /** Values so far that are not NULL. */
  defined: number
}

/** Writes the column chunks of single values of one row group after the other. */
export class ColumnChunkWriter {
  readonly #chunk: ChunkWriter
  /** The data page, with its header, of every column whose rows all have the same value. */
  readonly #constantPage = emptyPage()
  #constantPageRows = -1
  #indexes = new Int32Array(16)
  #ids = new Int32Array(16)
  #lengths = new Int32Array(16)

  constructor(chunk: ChunkWriter) {
    this.#chunk = chunk
  }

  /**
   * Writes one column chunk, or its first page.
   *
   * @param dictionary the column's distinct values on this axis
   * @returns the pages that are still to be written
   */
  write(column: ColumnTemplate, axis: Axis, dictionary: LocalDictionary, values: Values): LaterPages | undefined {
    this.#chunk.pages.begin()
    if (dictionary.count === 0) this.#writeNulls(column, axis, values)
    else if (values.kind === 'boolean') this.#writeBooleans(column, axis, dictionary, values)
    else if (dictionary.count === 1 && axis.nullRows === 0 && !dictionary.hasNull) {
      return this.#writeConstant(column, axis, dictionary, values)
    } else return this.#writeValues(column, axis, dictionary, values)
    return undefined
  }

  /**
   * NULLs only. A data page that said RLE_DICTIONARY would need an empty dictionary page before it; one that says
   * PLAIN and holds no value is shorter, and all readers take it.
   */
  #writeNulls(column: ColumnTemplate, axis: Axis, values: Values): void {
    const chunk = this.#chunk
    uniformLevels(chunk.open(chunk.dataPage), 0, axis.rows, 1)
    chunk.writeDataPage(chunk.dataPage, axis.rows, ENCODING.PLAIN)
    chunk.finish(column, axis.rows, axis.rows, values, NO_IDS, 0)
  }

  /** The same value in every row: nothing but the value and its bounds differs from column to column. */
  #writeConstant(
    column: ColumnTemplate,
    axis: Axis,
    dictionary: LocalDictionary,
    values: PagedValues,
  ): LaterPages | undefined {
    const chunk = this.#chunk
    const { out, pages, limits } = chunk
    const rows = axis.rows
    const ids = dictionary.ids
    const id = ids[0]!
    const size = values.kind === 'bytes' ? values.offsets[id + 1]! - values.offsets[id]! : fixedBytes(values.kind)
    if (size >= limits.compressFromBytes || size * rows <= size + DICTIONARY_OVERHEAD_BYTES) {
      return this.#writeValues(column, axis, dictionary, values)
    }
    const start = out.length
    dictionaryPageHeader(out, 1, size, size)
    writePlain(out, values, ids, undefined, 1)
    pages.dictionaryOffset = chunk.fileOffset + start
    pages.dataOffset = chunk.fileOffset + out.length
    out.appendWriter(this.#constantDataPage(rows))
    pages.uncompressedBytes = out.length - start
    pages.compressedBytes = pages.uncompressedBytes
    chunk.finish(column, rows, 0, values, ids, 1)
    return undefined
  }

  #constantDataPage(rows: number): ByteWriter {
    const { payload, compressed: whole } = this.#constantPage
    if (this.#constantPageRows !== rows) {
      payload.clear()
      uniformLevels(payload, 1, rows, 1)
      payload.byte(1)
      repeatedRun(payload, 0, rows, 1)
      whole.clear()
      dataPageHeader(whole, rows, ENCODING.RLE_DICTIONARY, payload.length, payload.length)
      whole.appendWriter(payload)
      this.#constantPageRows = rows
    }
    return whole
  }

  #writeValues(
    column: ColumnTemplate,
    axis: Axis,
    dictionary: LocalDictionary,
    values: PagedValues,
  ): LaterPages | undefined {
    const chunk = this.#chunk
    const { dictionaryBytes: small, largeDictionaryBytes: large } = chunk.limits
    // Of numbers, over 100,000 would have to differ: their indexes are too long to be many times shorter.
    const limit = values.kind === 'bytes' ? large : small
    // A dictionary of as many values as there are rows repeats nothing.
    const repeats = dictionary.count < axis.rows - axis.nullRows
    const dictionaryBytes = repeats ? plainBytes(values, dictionary.ids, dictionary.count, limit) : limit + 1
    if (dictionaryBytes <= limit && this.#tryDictionary(column, axis, dictionary, values, dictionaryBytes)) {
      return undefined
    }
    return this.#writePlainPages(column, axis, dictionary, values)
  }

  /** Writes the chunk with a dictionary, unless PLAIN is as short or, where the dictionary is large, not much longer. */
  #tryDictionary(
    column: ColumnTemplate,
    axis: Axis,
    dictionary: LocalDictionary,
    values: PagedValues,
    dictionaryBytes: number,
  ): boolean {
    const chunk = this.#chunk
    const rows = axis.rows
    const runs = this.#runIndexes(axis, dictionary)
    let defined = rows - axis.nullRows
    if (dictionary.hasNull) {
      defined = 0
      for (let run = 0; run < axis.runCount; run++) if (runs[run]! >= 0) defined += axis.runLengths[run]!
    }
    const width = bitWidthOf(dictionary.count)
    const bytes = dictionaryBytes + bitPackedBytes(defined, width) + DICTIONARY_OVERHEAD_BYTES
    const compared = chunk.comparedBytes(bytes, dictionaryBytes)
    const shortest = values.kind === 'bytes' ? 4 : fixedBytes(values.kind)
    // Every value but the first of its kind saves at least the shortest value: mostly that decides it already.
    if (
      compared >= dictionaryBytes + (defined - dictionary.count) * shortest &&
      compared >= this.#plainSize(axis, dictionary, values, runs)
    ) {
      return false
    }
    const dictionaryPage = chunk.open(chunk.dictionaryPage, dictionaryBytes)
    writePlain(dictionaryPage, values, dictionary.ids, undefined, dictionary.count)
    const sharesPage = dictionary.identity && !dictionary.hasNull
    const page = sharesPage ? axis.shared : chunk.dataPage
    if (!sharesPage || !page.filled) {
      const payload = chunk.open(page)
      this.#writeLevels(payload, axis, runs, defined)
      payload.byte(width)
      if (dictionary.count === 1) repeatedRun(payload, 0, defined, width)
      else if (axis.dense) this.#writeDenseIndexes(payload, axis, runs, defined, width)
      else this.#writeRunIndexes(payload, axis, runs, width)
    }
    chunk.chooseCodec(page, chunk.dictionaryPage)
    chunk.writeDictionaryPage(chunk.dictionaryPage, dictionary.count)
    chunk.writeDataPage(page, rows)
    chunk.finish(column, rows, rows - defined, values, dictionary.ids, dictionary.count)
    return true
  }

  /** The dictionary index of each run of the axis, negative for NULL. Neighbours may be equal. */
  #runIndexes(axis: Axis, dictionary: LocalDictionary): Int32Array {
    if (dictionary.identity) return axis.runOrdinals
    this.#ids = atLeast(this.#ids, axis.runCount)
    const indexes = this.#ids
    const { runOrdinals, runCount } = axis
    const indexOf = dictionary.indexOf
    for (let run = 0; run < runCount; run++) indexes[run] = indexOf[runOrdinals[run]! + 1]!
    return indexes
  }

  #plainSize(axis: Axis, dictionary: LocalDictionary, values: Values, runs: Int32Array): number {
    let total = 0
    for (let run = 0; run < axis.runCount; run++) {
      const index = runs[run]!
      if (index >= 0) total += sizeOf(values, dictionary.ids[index]!) * axis.runLengths[run]!
    }
    return total
  }

  #writeLevels(payload: ByteWriter, axis: Axis, runs: Int32Array, defined: number): void {
    if (defined === axis.rows) uniformLevels(payload, 1, axis.rows, 1)
    else writeDefined(payload, this.#chunk.hybrid, runs, axis.runLengths, axis.runCount)
  }

  #writeRunIndexes(payload: ByteWriter, axis: Axis, runs: Int32Array, width: number): void {
    const hybrid = this.#chunk.hybrid
    hybrid.begin(payload, width)
    for (let run = 0; run < axis.runCount; run++) {
      const index = runs[run]!
      if (index >= 0) hybrid.run(index, axis.runLengths[run]!)
    }
    hybrid.end()
  }

  /** Runs are short: every row's index, bit-packed. */
  #writeDenseIndexes(payload: ByteWriter, axis: Axis, runs: Int32Array, defined: number, width: number): void {
    const { rows, runLengths, runCount } = axis
    if (runCount === rows && defined === rows) {
      packedRun(payload, runs, rows, width)
      return
    }
    this.#indexes = atLeast(this.#indexes, defined)
    const indexes = this.#indexes
    for (let run = 0, row = 0; run < runCount; run++) {
      const index = runs[run]!
      if (index < 0) continue
      for (const end = row + runLengths[run]!; row < end; row++) indexes[row] = index
    }
    packedRun(payload, indexes, defined, width)
  }

  #writePlainPages(
    column: ColumnTemplate,
    axis: Axis,
    dictionary: LocalDictionary,
    values: PagedValues,
  ): LaterPages | undefined {
    const chunk = this.#chunk
    const plain = { column, axis, dictionary, values, run: 0, left: axis.runLengths[0]!, defined: 0 }
    this.#ids = atLeast(this.#ids, axis.runCount)
    this.#lengths = atLeast(this.#lengths, axis.runCount)
    const rows = this.#fillPlainPage(plain)
    chunk.chooseCodec(chunk.dataPage)
    chunk.writeDataPage(chunk.dataPage, rows, ENCODING.PLAIN)
    if (plain.run < axis.runCount) return this.#laterPlainPages(plain)
    this.#finishPlain(plain)
    return undefined
  }

  *#laterPlainPages(plain: PlainChunk): Generator<undefined, undefined> {
    const chunk = this.#chunk
    while (plain.run < plain.axis.runCount) {
      const rows = this.#fillPlainPage(plain)
      chunk.writeDataPage(chunk.dataPage, rows, ENCODING.PLAIN)
      yield
    }
    this.#finishPlain(plain)
  }

  /**
   * Fills the next PLAIN page; returns its rows. It ends once it is full. A value is never split, so a page may hold
   * one that is larger.
   */
  #fillPlainPage(plain: PlainChunk): number {
    const chunk = this.#chunk
    const pageBytes = chunk.limits.pageBytes
    const { dictionary, values } = plain
    const { runOrdinals, runLengths, runCount } = plain.axis
    const ids = this.#ids
    const lengths = this.#lengths
    let { run, left } = plain
    let bytes = 0
    let rows = 0
    let count = 0
    while (run < runCount && bytes < pageBytes) {
      const ordinal = runOrdinals[run]!
      const index = dictionary.identity ? ordinal : dictionary.indexOf[ordinal + 1]!
      const id = index < 0 ? -1 : dictionary.ids[index]!
      const size = id < 0 ? 0 : sizeOf(values, id)
      const take = size === 0 ? left : Math.min(left, Math.ceil((pageBytes - bytes) / size))
      ids[count] = id
      lengths[count++] = take
      bytes += take * size
      rows += take
      left -= take
      if (left === 0) left = ++run < runCount ? runLengths[run]! : 0
    }
    const payload = chunk.open(chunk.dataPage)
    const defined = writeDefined(payload, chunk.hybrid, ids, lengths, count)
    if (defined < rows) count = dropNulls(ids, lengths, count)
    writePlain(payload, values, ids, lengths, count)
    plain.run = run
    plain.left = left
    plain.defined += defined
    return rows
  }

  #finishPlain({ column, axis, dictionary, values, defined }: PlainChunk): void {
    this.#chunk.finish(column, axis.rows, axis.rows - defined, values, dictionary.ids, dictionary.count)
  }

  /** Booleans are one bit each, without a dictionary: parquet-mr and others know none for them. */
  #writeBooleans(
    column: ColumnTemplate,
    axis: Axis,
    dictionary: LocalDictionary,
    values: Extract<Values, { kind: 'boolean' }>,
  ): void {
    const chunk = this.#chunk
    const payload = chunk.open(chunk.dataPage)
    const runs = this.#runIndexes(axis, dictionary)
    const defined = writeDefined(payload, chunk.hybrid, runs, axis.runLengths, axis.runCount)
    this.#indexes = atLeast(this.#indexes, defined)
    const bits = this.#indexes
    for (let run = 0, row = 0; run < axis.runCount; run++) {
      const index = runs[run]!
      if (index < 0) continue
      const bit = values.values[dictionary.ids[index]!]! === 0 ? 0 : 1
      for (const end = row + axis.runLengths[run]!; row < end; row++) bits[row] = bit
    }
    packBits(payload, bits, defined, 1)
    chunk.chooseCodec(chunk.dataPage)
    chunk.writeDataPage(chunk.dataPage, axis.rows, ENCODING.PLAIN)
    chunk.finish(column, axis.rows, axis.rows - defined, values, dictionary.ids, dictionary.count)
  }
}

const NO_IDS = new Int32Array(0)

function sizeOf(values: Values, id: number): number {
  return values.kind === 'bytes'
    ? values.offsets[id + 1]! - values.offsets[id]!
    : values.kind === 'boolean'
      ? 1
      : fixedBytes(values.kind)
}

/** Moves runs with a value to the front; returns how many there are. */
function dropNulls(ids: Int32Array, lengths: Int32Array, count: number): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (ids[i]! < 0) continue
    ids[kept] = ids[i]!
    lengths[kept++] = lengths[i]!
  }
  return kept
}
