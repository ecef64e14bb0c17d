/** Which of several rows of one key counts: the first in the order of the table's columns, NULL last. */
import { byBytes } from './bytes-order.js'
import type { ContractValue } from './contract-values.js'
import type { StarColumn } from './star-tables.js'
import type { FoundRow } from './table-rows.js'

/**
 * The row that counts, or undefined of none. Where that hangs on the order of numbers, or on a column that could not be
 * read, nothing is said about the columns in which the rows differ: they are left out of the answer.
 */
export function firstRow(rows: readonly FoundRow[], columns: readonly StarColumn[]): FoundRow | undefined {
  let left = rows
  for (const { name } of columns) {
    const values = left.map((row) => row.values.get(name))
    if (values.every((value) => isSame(value, values[0]))) continue
    if (!values.every((value) => value === null || typeof value === 'string')) return agreed(left)
    const least = values.reduce((a, b) => (order(a, b) <= 0 ? a : b))
    left = left.filter((row) => row.values.get(name) === least)
  }
  return left[0]
}

/** Whether two values are the same one: NaN is itself, and a zero has its sign. */
export function isSame(a: ContractValue | boolean | undefined, b: ContractValue | boolean | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => item === b[i])
  return Object.is(a, b)
}

function order(a: ContractValue | undefined, b: ContractValue | undefined): number {
  if (typeof a !== 'string') return typeof b === 'string' ? 1 : 0
  return typeof b === 'string' ? byBytes(a, b) : -1
}

/** What all rows say: the columns in which they differ are left out. */
export function agreed(rows: readonly FoundRow[]): FoundRow | undefined {
  const [first, ...others] = rows
  if (!first) return undefined
  const values = [...first.values].filter(([name, value]) => others.every((row) => isSame(row.values.get(name), value)))
  return { file: first.file, values: new Map(values) }
}
