/** Distinct values, each with the number under which a column of the page has it. */
export class ValueList {
  readonly values: (string | null)[] = []
  readonly #numbers = new Map<string | null, number>()

  /** The number of a value; a new one if it was not met yet. */
  numberOf(value: string | null): number {
    const known = this.#numbers.get(value)
    if (known !== undefined) return known
    const number = this.values.length
    this.#numbers.set(value, number)
    this.values.push(value)
    return number
  }
}
