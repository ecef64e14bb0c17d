/** Values of a column in some rows, after the rule that the contract has for it. */
import type { ContractValue } from './contract-values.js'
import type { KeyFilter } from './key-filter.js'
import { NO_ENTRY, type RawValue, type StoredValues } from './stored-values.js'

/** Values of a column in some rows. Each is made when it is asked for: most never are. */
export interface ColumnValues {
  readonly length: number
  /** @throws NotCovered where the value is none of the contract's */
  at(i: number): ContractValue
  /** Rows whose value may be one that the filter knows, ascending; all those whose value is are among them. */
  rowsThatMayBe(filter: KeyFilter): readonly number[]
  /** What a function gives of the value of each row. It is asked once for what the file stores once. */
  numbers(of: (value: ContractValue) => number): Float64Array
  /** Each value that occurs, and how many rows have it; what the file stores several times comes several times. */
  occurring(visit: (value: ContractValue, rows: number) => void): void
}

/** One value in all rows. */
export function sameEverywhere(value: ContractValue, length: number): ColumnValues {
  return {
    length,
    at: () => value,
    rowsThatMayBe: () => (value === null ? [] : Array.from({ length }, (_, i) => i)),
    numbers: (of) => new Float64Array(length).fill(of(value)),
    occurring: (visit) => visit(value, length),
  }
}

/** How a column's stored values become values of the contract. */
export interface ValueMaking {
  readonly valueOf: (raw: RawValue) => ContractValue
  /** The same of a text, where stored bytes are those of one: those of a decimal or a UUID are not. */
  readonly ofText: ((text: string) => ContractValue) | undefined
}

/** Gives the value of a row; what is stored once for many rows is made once, and held once. */
export function madeOnce<Value>(stored: StoredValues, make: (entry: number) => Value): (row: number) => Value {
  const made = new Map<number, Value>()
  return (row) => {
    const entry = stored.entryOf(row)
    const known = made.get(entry)
    if (known !== undefined) return known
    const value = make(entry)
    made.set(entry, value)
    return value
  }
}

/** Values that hang on what is stored and nothing else: what is stored once is made once. */
export class StoredOnce implements ColumnValues {
  readonly #stored: StoredValues
  readonly #making: ValueMaking
  readonly #at: (row: number) => ContractValue

  constructor(stored: StoredValues, making: ValueMaking) {
    this.#stored = stored
    this.#making = making
    this.#at = madeOnce(stored, (entry) => this.#valueOf(entry))
  }

  get length(): number {
    return this.#stored.length
  }

  at(i: number): ContractValue {
    return this.#at(i)
  }

  rowsThatMayBe(filter: KeyFilter): readonly number[] {
    return this.#making.ofText ? this.#stored.rowsThatMayBe(filter) : this.#stored.filledRows()
  }

  numbers(of: (value: ContractValue) => number): Float64Array {
    const { index } = this.#stored
    const { entries, none } = this.#stored.counts()
    const ofNothing = none > 0 ? of(null) : 0
    const ofEntry = new Float64Array(entries.length)
    for (let entry = 0; entry < entries.length; entry++) {
      if (entries[entry] !== 0) ofEntry[entry] = of(this.#oneOfMany(entry))
    }
    const numbers = new Float64Array(index.length)
    for (let row = 0; row < index.length; row++) {
      const entry = index[row] ?? NO_ENTRY
      numbers[row] = entry === NO_ENTRY ? ofNothing : (ofEntry[entry] ?? 0)
    }
    return numbers
  }

  occurring(visit: (value: ContractValue, rows: number) => void): void {
    const { entries, none } = this.#stored.counts()
    if (none > 0) visit(null, none)
    for (let entry = 0; entry < entries.length; entry++) {
      const rows = entries[entry] ?? 0
      if (rows > 0) visit(this.#oneOfMany(entry), rows)
    }
  }

  /** For values that are looked at and put away: a part of a long text keeps all of it in memory. */
  #oneOfMany(entry: number): ContractValue {
    const { ofText } = this.#making
    const text = ofText && this.#stored.ascii(entry)
    return ofText && text !== undefined ? ofText(text) : this.#valueOf(entry)
  }

  #valueOf(entry: number): ContractValue {
    return this.#making.valueOf(this.#stored.entry(entry))
  }
}

/** Values that hang on another column of the same row as well: each row by itself. */
export class RowByRow implements ColumnValues {
  readonly #stored: StoredValues
  readonly #valueAt: (raw: RawValue, i: number) => ContractValue

  constructor(stored: StoredValues, valueAt: (raw: RawValue, i: number) => ContractValue) {
    this.#stored = stored
    this.#valueAt = valueAt
  }

  get length(): number {
    return this.#stored.length
  }

  at(i: number): ContractValue {
    return this.#valueAt(this.#stored.at(i), i)
  }

  rowsThatMayBe(): readonly number[] {
    return this.#stored.filledRows()
  }

  numbers(of: (value: ContractValue) => number): Float64Array {
    return Float64Array.from({ length: this.length }, (_, i) => of(this.at(i)))
  }

  occurring(visit: (value: ContractValue, rows: number) => void): void {
    for (let i = 0; i < this.length; i++) visit(this.at(i), 1)
  }
}
