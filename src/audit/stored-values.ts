/**
 * Values of a column as a file stores them: what is stored once for many rows is held once, and each row has the number of
 * its entry. Nothing is made of an entry before it is asked for; most of millions never are.
 */
import { isAscii } from 'node:buffer'
import type { EntryNumbers } from './entry-numbers.js'
import type { KeyFilter } from './key-filter.js'
import { NotCovered } from './not-covered.js'

/** A value as it is stored. A list is an array of them. */
export type RawValue = null | boolean | number | bigint | Uint8Array | readonly RawValue[]

/** Entries of one dictionary, or of one page that has none. */
export interface Entries {
  readonly length: number
  at(entry: number): RawValue
  /** Whether the stored bytes may be those of a text that the filter knows; never false where they are. */
  mayBe(entry: number, filter: KeyFilter): boolean
  /** A text, where all texts of its page are ASCII: a part of one long text, which is much faster to make than one of its own. */
  asciiAt(entry: number): string | undefined
}

/** Entries that were read as values. */
export class ValueEntries implements Entries {
  readonly #values: ArrayLike<RawValue>

  constructor(values: ArrayLike<RawValue>) {
    this.#values = values
  }

  get length(): number {
    return this.#values.length
  }

  at(entry: number): RawValue {
    return this.#values[entry] ?? null
  }

  mayBe(entry: number, filter: KeyFilter): boolean {
    const value = this.#values[entry]
    return value instanceof Uint8Array && filter.mayBe(value, 0, value.length)
  }

  asciiAt(): undefined {
    return undefined
  }
}

const LENGTH_BYTES = 4

/** Texts in Parquet's plain encoding (parquet-format, "Encodings"): each behind its length, in the bytes of their page. */
export class TextEntries implements Entries {
  readonly length: number
  readonly #bytes: Uint8Array
  readonly #starts: Uint32Array
  #page: { readonly ascii: string | undefined } | undefined

  /** @throws Error when the texts do not fit in the bytes */
  constructor(bytes: Uint8Array, count: number) {
    const starts = new Uint32Array(count + 1)
    let at = 0
    for (let i = 0; i < count; i++) {
      const length = lengthAt(bytes, at)
      at += LENGTH_BYTES
      starts[i] = at
      at += length
      if (at > bytes.length) throw new Error('a page ends within a value')
    }
    // Where a text behind the last one would begin.
    starts[count] = at + LENGTH_BYTES
    this.length = count
    this.#bytes = bytes
    this.#starts = starts
  }

  at(entry: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[entry], this.#endOf(entry))
  }

  mayBe(entry: number, filter: KeyFilter): boolean {
    return filter.mayBe(this.#bytes, this.#starts[entry] ?? 0, this.#endOf(entry))
  }

  asciiAt(entry: number): string | undefined {
    this.#page ??= { ascii: asciiOf(this.#bytes) }
    return this.#page.ascii?.substring(this.#starts[entry] ?? 0, this.#endOf(entry))
  }

  #endOf(entry: number): number {
    return (this.#starts[entry + 1] ?? LENGTH_BYTES) - LENGTH_BYTES
  }
}

function asciiOf(bytes: Uint8Array): string | undefined {
  return isAscii(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') : undefined
}

function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + LENGTH_BYTES > bytes.length) throw new Error('a page ends within a value')
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  return low + (bytes[at + 3] ?? 0) * 0x1000000
}

/** In place of the number of an entry: the row has no value. */
export const NO_ENTRY = -1

interface EntriesFrom {
  readonly first: number
  readonly list: Entries
}

/** Rows that one page holds. */
export interface PageOfRows {
  /** Place of its first row; before the first one where rows of it were not asked for. */
  readonly at: number
  readonly rows: number
  /** 1 of each row that has a value, 0 of others; undefined where all have one. */
  readonly levels: Uint8Array | undefined
  /** Of the values that are there. */
  readonly numbers: EntryNumbers
}

/** Values of a run of rows. */
export class StoredValues {
  readonly length: number
  /** How many entries there are; rows may use only some of them. */
  readonly entries: number
  readonly #pages: readonly PageOfRows[]
  readonly #lists: readonly EntriesFrom[]
  #index: Int32Array | undefined

  /** @param lists entries count through all of them, in their order */
  constructor(length: number, pages: readonly PageOfRows[], lists: readonly Entries[]) {
    let entries = 0
    this.#lists = lists.map((list) => {
      const first = entries
      entries += list.length
      return { first, list }
    })
    this.length = length
    this.entries = entries
    this.#pages = pages
  }

  /** @param index the entry of each row, or {@link NO_ENTRY} */
  static indexed(index: Int32Array, entries: Entries): StoredValues {
    const values = new StoredValues(index.length, [], [entries])
    values.#index = index
    return values
  }

  /** One value in all rows. */
  static everywhere(value: RawValue, rows: number): StoredValues {
    const index = new Int32Array(rows).fill(value === null ? NO_ENTRY : 0)
    return StoredValues.indexed(index, new ValueEntries([value]))
  }

  /** An entry for each row. */
  static each(of: ArrayLike<RawValue>): StoredValues {
    const index = Int32Array.from({ length: of.length }, (_, i) =>
      of[i] === null || of[i] === undefined ? NO_ENTRY : i,
    )
    return StoredValues.indexed(index, new ValueEntries(of))
  }

  /** The entry of each row, or {@link NO_ENTRY}: for who looks at all of them. */
  get index(): Int32Array {
    if (!this.#index) {
      this.#index = new Int32Array(this.length)
      for (const page of this.#pages) placeRows(page, this.#index)
    }
    return this.#index
  }

  /** The entry of a row, or {@link NO_ENTRY}. */
  entryOf(row: number): number {
    if (this.#index) return this.#index[row] ?? NO_ENTRY
    for (const { at, rows, levels, numbers } of this.#pages) {
      if (row < at + rows) return levels ? (this.index[row] ?? NO_ENTRY) : numbers.at(row - at)
    }
    return NO_ENTRY
  }

  /** The value of a row. */
  at(row: number): RawValue {
    return this.entry(this.entryOf(row))
  }

  /** The value of an entry. @throws NotCovered when a page has a number that its dictionary does not have */
  entry(entry: number): RawValue {
    if (entry === NO_ENTRY) return null
    const { first, list } = this.#listOf(entry)
    return list.at(entry - first)
  }

  /** The text of an entry, as {@link Entries.asciiAt}. */
  ascii(entry: number): string | undefined {
    if (entry === NO_ENTRY) return undefined
    const { first, list } = this.#listOf(entry)
    return list.asciiAt(entry - first)
  }

  #listOf(entry: number): EntriesFrom {
    for (const one of this.#lists) if (entry < one.first + one.list.length) return one
    throw new NotCovered(`a page has no entry ${entry} of ${this.entries}`)
  }

  /** The rows whose stored bytes may be a text that the filter knows, ascending. */
  rowsThatMayBe(filter: KeyFilter): number[] {
    const { index, entries } = this
    const may = new Uint8Array(entries)
    let any = false
    for (const { first, list } of this.#lists) {
      for (let i = 0; i < list.length; i++) {
        if (!list.mayBe(i, filter)) continue
        may[first + i] = 1
        any = true
      }
    }
    const rows: number[] = []
    if (!any) return rows
    for (let row = 0; row < index.length; row++) {
      const entry = index[row] ?? NO_ENTRY
      if (entry >= 0 && may[entry] === 1) rows.push(row)
    }
    return rows
  }

  /** The rows that have a value, ascending. */
  filledRows(): number[] {
    return [...this.index.keys()].filter((row) => this.index[row] !== NO_ENTRY)
  }

  /** How many rows have each entry, and how many have none. */
  counts(): { readonly entries: Uint32Array; readonly none: number } {
    const { index } = this
    const entries = new Uint32Array(this.entries)
    let none = index.length
    for (let row = 0; row < index.length; row++) {
      const entry = index[row] ?? NO_ENTRY
      if (entry < 0) continue
      entries[entry] = (entries[entry] ?? 0) + 1
      none -= 1
    }
    return { entries, none }
  }
}

function placeRows({ at, rows, levels, numbers }: PageOfRows, index: Int32Array): void {
  const all = numbers.all()
  const end = Math.min(rows, index.length - at)
  if (levels === undefined) {
    const skipped = Math.max(0, -at)
    index.set(all.subarray(skipped, end), at + skipped)
    return
  }
  let value = 0
  for (let row = 0; row < end; row++) {
    const entry = levels[row] === 1 ? (all[value++] ?? NO_ENTRY) : NO_ENTRY
    if (at + row >= 0) index[at + row] = entry
  }
}
