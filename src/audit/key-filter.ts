/** Tells quickly that stored bytes are none of some texts, so that few of millions need to become a text. */
export class KeyFilter {
  readonly #marks = new Uint8Array(MARKS)

  constructor(texts: Iterable<string>) {
    for (const text of texts) this.#marks[markOf(Buffer.from(text))] = 1
  }

  /** Whether it may be one of the texts; never false where it is. */
  mayBe(bytes: Uint8Array): boolean {
    return this.#marks[markOf(bytes)] === 1
  }
}

const MARKS = 65_536

/** From the length and three bytes: at both ends and in the middle, where identifiers differ. */
function markOf(bytes: Uint8Array): number {
  const { length } = bytes
  const first = bytes[0] ?? 0
  const middle = bytes[length >> 1] ?? 0
  const last = bytes[length - 1] ?? 0
  const beforeLast = bytes[length - 2] ?? 0
  return (length * 7919 + first * 4099 + middle * 257 + beforeLast * 37 + last) & (MARKS - 1)
}
