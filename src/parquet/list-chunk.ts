/**
 * Column chunks of lists of strings, in the three levels of LogicalTypes.md ("Lists"):
 *
 * | row holds | repetition | definition |
 * |---|---|---|
 * | NULL | 0 | 0 |
 * | an empty list | 0 | 1 |
 * | an item, first or later | 0 or 1 | 2 where the item is NULL, else 3 |
 *
 * Only an item that is not NULL has a value. A page begins with a row, never inside one.
 */

import { IntegrityError } from '../runtime/errors.js'
import type { Axis } from './axis.js'
import { bitWidthOf } from './bit-packing.js'
import { BitStream } from './bit-stream.js'
import type { ByteWriter } from './byte-writer.js'
import { type ChunkWriter, DICTIONARY_OVERHEAD_BYTES, type LaterPages } from './chunk-writer.js'
import type { LocalDictionary } from './dictionary.js'
import type { ValuePool } from './factorised.js'
import { ENCODING } from './format.js'
import { beginLevels, endLevels, uniformLevels } from './levels.js'
import { atLeast } from './numbering.js'
import { plainBytes, writePlain } from './plain.js'
import { repeatedRun } from './rle.js'
import type { ColumnTemplate } from './schema.js'

/** Values of a list column. */
export type ListPool = Extract<ValuePool, { kind: 'list' }>

/** A column chunk of lists, and how far its pages have come. */
interface ListChunk {
  readonly column: ColumnTemplate
  readonly axis: Axis
  readonly lists: LocalDictionary
  readonly pool: ListPool
  /** Length of the longest list. */
  readonly longest: number
  /** Bits of an item's index; 0 where the chunk is PLAIN. */
  readonly width: number
  /** Levels of the whole chunk, and how many of its items have a value. */
  readonly levels: number
  readonly defined: number
  /** The run in which the next page begins. */
  run: number
  /** Rows of that run which no page holds yet. */
  left: number
}

/** Writes the column chunks of lists. */
export class ListChunkWriter {
  readonly #chunk: ChunkWriter
  readonly #stream = new BitStream()
  /** Distinct items of the chunk: their ids in the pool of elements. */
  #ids = new Int32Array(16)
  #count = 0
  /** Items of all distinct lists of the chunk that are not NULL, as numbers below `#count`. */
  #items = new Int32Array(16)
  /** By list: where its items in `#items` begin; one more at the end. */
  #itemStarts = new Int32Array(17)
  /** By list: its length, NULL items included. */
  #sizes = new Int32Array(16)
  /** By list: bytes of its items in PLAIN encoding. */
  #plainSizes = new Float64Array(16)
  /** 0, 1, 1, 1, …: the repetition levels of one list. */
  #repetition = new Int32Array(16).fill(1, 1)
  /** Lists of a page, −1 for NULL, and for how many rows each. */
  #pageLists = new Int32Array(16)
  #pageRows = new Int32Array(16)

  constructor(chunk: ChunkWriter) {
    this.#chunk = chunk
  }

  /**
   * Writes one column chunk, or its first page.
   *
   * @param lists the column's distinct lists on this axis
   * @returns the pages that are still to be written
   */
  write(column: ColumnTemplate, axis: Axis, lists: LocalDictionary, pool: ListPool): LaterPages | undefined {
    const chunk = this.#chunk
    chunk.pages.begin()
    const longest = this.#number(lists, pool, column.name)
    const { runOrdinals, runLengths, runCount } = axis
    this.#pageLists = atLeast(this.#pageLists, runCount)
    this.#pageRows = atLeast(this.#pageRows, runCount)

    let levels = 0
    let defined = 0
    let plain = 0
    for (let run = 0; run < runCount; run++) {
      const list = this.#listOf(lists, runOrdinals[run]!)
      const rows = runLengths[run]!
      levels += rows * Math.max(1, list < 0 ? 0 : this.#sizes[list]!)
      if (list < 0) continue
      defined += rows * (this.#itemStarts[list + 1]! - this.#itemStarts[list]!)
      plain += rows * this.#plainSizes[list]!
    }
    const width = bitWidthOf(this.#count)
    const limit = chunk.limits.largeDictionaryBytes
    const dictionaryBytes = plainBytes(pool.elements, this.#ids, this.#count, limit)
    const bytes = dictionaryBytes + (defined * width) / 8 + DICTIONARY_OVERHEAD_BYTES
    const indexed = defined > 0 && dictionaryBytes <= limit && chunk.comparedBytes(bytes, dictionaryBytes) < plain
    if (indexed) {
      const dictionaryPage = chunk.open(chunk.dictionaryPage, dictionaryBytes)
      writePlain(dictionaryPage, pool.elements, this.#ids, undefined, this.#count)
    }

    const state: ListChunk = {
      column,
      axis,
      lists,
      pool,
      longest,
      width: indexed ? width : 0,
      levels,
      defined,
      run: 0,
      left: runLengths[0]!,
    }
    const pageLevels = this.#fillPage(state)
    chunk.chooseCodec(chunk.dataPage, indexed ? chunk.dictionaryPage : undefined)
    if (indexed) chunk.writeDictionaryPage(chunk.dictionaryPage, this.#count)
    this.#writePage(state, pageLevels)
    if (state.run < runCount) return this.#laterPages(state)
    this.#finish(state)
    return undefined
  }

  *#laterPages(state: ListChunk): Generator<undefined, undefined> {
    while (state.run < state.axis.runCount) {
      this.#writePage(state, this.#fillPage(state))
      yield
    }
    this.#finish(state)
  }

  #writePage({ width }: ListChunk, levels: number): void {
    const chunk = this.#chunk
    chunk.writeDataPage(chunk.dataPage, levels, width > 0 ? ENCODING.RLE_DICTIONARY : ENCODING.PLAIN)
  }

  #finish({ column, pool, levels, defined }: ListChunk): void {
    this.#chunk.finish(column, levels, levels - defined, pool.elements, this.#ids, this.#count)
  }

  /** Fills the next page, which ends once it is full; returns its levels. */
  #fillPage(state: ListChunk): number {
    const chunk = this.#chunk
    const { lists, pool, longest, width } = state
    const { runOrdinals, runLengths, runCount } = state.axis
    const pageLists = this.#pageLists
    const pageRows = this.#pageRows
    const pageBits = chunk.limits.pageBytes * 8
    let { run, left } = state
    let bits = 0
    let count = 0
    let levels = 0
    while (run < runCount && bits < pageBits) {
      const list = this.#listOf(lists, runOrdinals[run]!)
      const rowLevels = list < 0 ? 1 : Math.max(1, this.#sizes[list]!)
      const valueBits = list < 0 ? 0 : width > 0 ? rowLevels * width : this.#plainSizes[list]! * 8
      // Repetition takes 1 bit, definition mostly nothing and at worst 2.
      const rowBits = rowLevels * 3 + valueBits
      const take = Math.min(left, Math.ceil((pageBits - bits) / rowBits))
      pageLists[count] = list
      pageRows[count++] = take
      bits += take * rowBits
      levels += take * rowLevels
      left -= take
      if (left === 0) left = ++run < runCount ? runLengths[run]! : 0
    }
    state.run = run
    state.left = left
    const payload = chunk.open(chunk.dataPage)
    this.#writeRepetition(payload, count, levels, longest)
    const defined = this.#writeDefinition(payload, lists, pool, count)
    if (width > 0) this.#writeIndexes(payload, count, defined, width)
    else this.#writeItems(payload, pool, count)
    return levels
  }

  #listOf(lists: LocalDictionary, ordinal: number): number {
    return lists.identity ? ordinal : lists.indexOf[ordinal + 1]!
  }

  /** Numbers the items of the chunk's lists; returns the length of the longest list. */
  #number(lists: LocalDictionary, pool: ListPool, column: string): number {
    const { itemOffsets, items: poolItems, elements } = pool
    const ids = lists.ids
    this.#itemStarts = atLeast(this.#itemStarts, lists.count + 1)
    this.#sizes = atLeast(this.#sizes, lists.count)
    if (this.#plainSizes.length < lists.count) this.#plainSizes = new Float64Array(lists.count * 2)
    let total = 0
    let longest = 0
    for (let list = 0; list < lists.count; list++) {
      const size = itemOffsets[ids[list]! + 1]! - itemOffsets[ids[list]!]!
      this.#sizes[list] = size
      total += size
      if (size > longest) longest = size
    }
    this.#items = atLeast(this.#items, total)
    this.#ids = atLeast(this.#ids, total)
    if (this.#repetition.length < longest) this.#repetition = new Int32Array(longest * 2).fill(1, 1)
    const { numbering } = this.#chunk
    numbering.begin(elements.count)
    const { stamps, numbers, generation } = numbering
    let count = 0
    let position = 0
    for (let list = 0; list < lists.count; list++) {
      this.#itemStarts[list] = position
      let bytes = 0
      const end = itemOffsets[ids[list]! + 1]!
      for (let item = itemOffsets[ids[list]!]!; item < end; item++) {
        const id = poolItems[item]!
        if (id < 0) continue
        if (id >= elements.count) {
          throw new IntegrityError(
            'ETL3-PQ-03',
            `column ${column} asks for element ${id} of a pool of lists [elements=${elements.count}]`,
          )
        }
        if (stamps[id] !== generation) {
          stamps[id] = generation
          numbers[id] = count
          this.#ids[count++] = id
        }
        this.#items[position++] = numbers[id]!
        bytes += elements.offsets[id + 1]! - elements.offsets[id]!
      }
      this.#plainSizes[list] = bytes
    }
    this.#itemStarts[lists.count] = position
    this.#count = count
    return longest
  }

  #writeRepetition(payload: ByteWriter, count: number, levels: number, longest: number): void {
    if (longest <= 1) {
      uniformLevels(payload, 0, levels, 1)
      return
    }
    const start = beginLevels(payload)
    payload.varint(Math.ceil(levels / 8) * 2 + 1)
    this.#stream.begin(payload, 1)
    for (let i = 0; i < count; i++) {
      const list = this.#pageLists[i]!
      const size = list < 0 ? 1 : Math.max(1, this.#sizes[list]!)
      this.#stream.repeat(this.#repetition, 0, size, this.#pageRows[i]!)
    }
    this.#stream.end()
    endLevels(payload, start)
  }

  /** Returns how many values are defined. */
  #writeDefinition(payload: ByteWriter, lists: LocalDictionary, pool: ListPool, count: number): number {
    const hybrid = this.#chunk.hybrid
    const start = beginLevels(payload)
    let defined = 0
    hybrid.begin(payload, 2)
    for (let i = 0; i < count; i++) {
      const list = this.#pageLists[i]!
      const rows = this.#pageRows[i]!
      if (list < 0) {
        hybrid.run(0, rows)
        continue
      }
      const size = this.#sizes[list]!
      const values = this.#itemStarts[list + 1]! - this.#itemStarts[list]!
      defined += values * rows
      if (size === 0) {
        hybrid.run(1, rows)
      } else if (values === size) {
        hybrid.run(3, size * rows)
      } else {
        const first = pool.itemOffsets[lists.ids[list]!]!
        for (let row = 0; row < rows; row++) {
          for (let item = first; item < first + size; item++) hybrid.run(pool.items[item]! < 0 ? 2 : 3, 1)
        }
      }
    }
    hybrid.end()
    endLevels(payload, start)
    return defined
  }

  #writeIndexes(payload: ByteWriter, count: number, defined: number, width: number): void {
    payload.byte(width)
    if (this.#count === 1) {
      if (defined > 0) repeatedRun(payload, 0, defined, width)
      return
    }
    payload.varint(Math.ceil(defined / 8) * 2 + 1)
    this.#stream.begin(payload, width)
    for (let i = 0; i < count; i++) {
      const list = this.#pageLists[i]!
      if (list < 0) continue
      this.#stream.repeat(this.#items, this.#itemStarts[list]!, this.#itemStarts[list + 1]!, this.#pageRows[i]!)
    }
    this.#stream.end()
  }

  #writeItems(payload: ByteWriter, pool: ListPool, count: number): void {
    const { data, offsets } = pool.elements
    for (let i = 0; i < count; i++) {
      const list = this.#pageLists[i]!
      if (list < 0) continue
      const before = payload.length
      for (let item = this.#itemStarts[list]!; item < this.#itemStarts[list + 1]!; item++) {
        const id = this.#ids[this.#items[item]!]!
        payload.appendRange(data, offsets[id]!, offsets[id + 1]!)
      }
      payload.repeatLast(payload.length - before, this.#pageRows[i]! - 1)
    }
  }
}
