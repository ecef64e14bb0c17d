/** Tells quickly that stored bytes are none of some texts, so that few of millions need to become a text. */
export class KeyFilter {
  readonly #marks = new Uint8Array(MARKS)

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const bytes = Buffer.from(text)
      this.#marks[markOf(bytes, 0, bytes.length)] = 1
    }
  }

  /** Whether the bytes from one place to another may be one of the texts; never false where they are. */
  mayBe(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#marks[markOf(bytes, from, to)] === 1
  }
}

const MARKS = 65_536

/** From the length and some bytes: at both ends and between, where identifiers and paths differ. */
function markOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  if (length === 0) return 0
  const quarter = length >> 2
  let mark = length * 7919 + (bytes[from] ?? 0) * 4099 + (bytes[to - 1] ?? 0)
  mark += (bytes[from + quarter] ?? 0) * 1031 + (bytes[from + 2 * quarter] ?? 0) * 257
  mark += (bytes[from + 3 * quarter] ?? 0) * 67 + (length > 1 ? (bytes[to - 2] ?? 0) : 0) * 37
  return mark & (MARKS - 1)
}
