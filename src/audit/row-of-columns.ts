/** A row of columns that were read: thousands are looked at in one or two columns and put away, and a map each would take kilobytes. */
export class RowOfColumns<Value> {
  readonly #columns: ReadonlyMap<string, readonly Value[]>
  readonly #row: number

  /** @param row place of the row in each of the columns */
  constructor(columns: ReadonlyMap<string, readonly Value[]>, row: number) {
    this.#columns = columns
    this.#row = row
  }

  get(name: string): Value | undefined {
    return this.#columns.get(name)?.[this.#row]
  }

  has(name: string): boolean {
    return this.#columns.has(name)
  }

  *[Symbol.iterator](): MapIterator<[string, Value]> {
    for (const [name, values] of this.#columns) {
      const value = values[this.#row]
      if (value !== undefined) yield [name, value]
    }
  }
}
