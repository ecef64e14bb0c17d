/** Keys of which all rows can be held, whichever order they come in and however many rows each has. */
export class KeySample {
  readonly #most: number
  readonly #rows = new Map<string, number>()
  #held = 0
  /** A key is one of the sample when the number that it hashes to is a multiple of this: a power of two. */
  #divisor = 1

  /** @param most rows that may be held, of all keys together */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * Counts a row in. Where it is one too many, about half of the keys fall out of the sample, maybe its own.
   * @returns whether it is held
   */
  add(key: string): boolean {
    if (!this.has(key)) return false
    this.#rows.set(key, (this.#rows.get(key) ?? 0) + 1)
    this.#held += 1
    if (this.#held <= this.#most) return true
    while (this.#held > this.#most) this.#halve()
    return this.has(key)
  }

  /** Whether the rows of a key are held, so far. One that has fallen out never comes back. */
  has(key: string): boolean {
    return this.#divisor === 1 || hashOf(key) % this.#divisor === 0
  }

  #halve(): void {
    this.#divisor *= 2
    for (const [key, rows] of this.#rows) {
      if (this.has(key)) continue
      this.#rows.delete(key)
      this.#held -= rows
    }
  }
}

/**
 * FNV-1a with 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/. The last bits decide, so these are mixed once more.
 * @returns from 1 on: nothing is left of 0, whatever divides it, and such a key would never fall out
 */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return ((hash ^ (hash >>> 16)) >>> 0) + 1
}
