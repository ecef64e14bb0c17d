/** What the audit of the input could not look at: told in the report, never passed in silence, never a failure. */

/** A file, or a part of one, that was not read. */
export interface LeftOut {
  readonly table: string
  readonly file: string
  readonly reason: string
}

/** Most files that are named; the others are counted. */
const MOST_NAMED = 20

/** Collects what was left out. */
export class Coverage {
  readonly #named: LeftOut[] = []
  readonly #seen = new Set<string>()

  /** Notes it once. */
  leaveOut(table: string, file: string, reason: string): void {
    const key = JSON.stringify([table, file, reason])
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    if (this.#named.length < MOST_NAMED) this.#named.push({ table, file, reason })
  }

  /** The first of them. */
  get named(): readonly LeftOut[] {
    return this.#named
  }

  get count(): number {
    return this.#seen.size
  }
}
