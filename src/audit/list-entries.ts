/**
 * The lists of a column chunk as numbers: where each begins, and which entry each item is. As JavaScript objects, the
 * lists of one row group would take more than the whole heap; those that are asked for are made.
 */
import { type Entries, NO_ENTRY, type RawValue, StoredValues } from './stored-values.js'

/** Gathers lists page by page. */
export class ListGatherer {
  /** Place of each list's first item, and of what would follow the last one. */
  readonly #starts: Int32Array
  /** Row of each list, or {@link NO_ENTRY}. */
  readonly #index: Int32Array
  readonly #pages: Int32Array[] = []
  #page = new Int32Array(0)
  #inPage = 0
  #items = 0
  #lists = 0

  constructor(rows: number) {
    this.#starts = new Int32Array(rows + 1)
    this.#index = new Int32Array(rows)
  }

  /** @param slots at most as many items follow until the next page */
  beginPage(slots: number): void {
    this.#endPage()
    this.#page = new Int32Array(slots)
  }

  beginList(isNull: boolean): void {
    this.#index[this.#lists] = isNull ? NO_ENTRY : this.#lists
    this.#starts[this.#lists] = this.#items
    this.#lists += 1
  }

  /** An item of the list that was begun last. @param entry {@link NO_ENTRY} of an item that is NULL */
  addItem(entry: number): void {
    this.#page[this.#inPage++] = entry
    this.#items += 1
  }

  /**
   * The lists, one of each row.
   * @param values what the items' entries are
   * @throws Error when there are more lists than rows, or fewer
   */
  end(values: readonly Entries[]): StoredValues {
    this.#endPage()
    const rows = this.#index.length
    if (this.#lists !== rows) throw new Error(`it has ${this.#lists} lists in ${rows} rows`)
    this.#starts[rows] = this.#items
    const items = new Int32Array(this.#items)
    let at = 0
    for (const page of this.#pages) {
      items.set(page, at)
      at += page.length
    }
    const entries = new ListEntries(this.#starts, items, new StoredValues(0, [], values))
    return StoredValues.indexed(this.#index, entries)
  }

  #endPage(): void {
    this.#pages.push(this.#page.subarray(0, this.#inPage))
    this.#inPage = 0
  }
}

class ListEntries implements Entries {
  readonly #starts: Int32Array
  readonly #items: Int32Array
  readonly #values: StoredValues

  constructor(starts: Int32Array, items: Int32Array, values: StoredValues) {
    this.#starts = starts
    this.#items = items
    this.#values = values
  }

  get length(): number {
    return this.#starts.length - 1
  }

  at(entry: number): RawValue {
    const items = this.#items.subarray(this.#starts[entry], this.#starts[entry + 1])
    return Array.from(items, (item) => this.#values.entry(item))
  }

  /** A list is no text. */
  mayBe(): boolean {
    return false
  }

  asciiAt(): undefined {
    return undefined
  }
}
