/** Keys of many objects in little memory, and in little SQL: each segment's text once, a key as the numbers of its segments. */
import { sqlString } from '../../engine/sql.js'

/**
 * Keys of one table, in the order in which they were added.
 *
 * Why not as they are: 77,000 keys of nine partition columns are 17 MB of text, and DuckDB holds a statement's text a
 * dozen times. As numbers they are 1.7 MB.
 */
export class KeyList {
  readonly #numbers: Map<string, number>[] = []
  readonly #keys: string[] = []

  /** Reads one column of keys, piece by piece. */
  static async from(pieces: AsyncIterable<readonly unknown[]>): Promise<KeyList> {
    const list = new KeyList()
    for await (const keys of pieces) for (const key of keys) list.add(String(key))
    return list
  }

  get size(): number {
    return this.#keys.length
  }

  /** @throws Error when the key has more or fewer segments than those before it */
  add(key: string): void {
    const segments = key.split('/')
    if (this.size === 0) for (const _ of segments) this.#numbers.push(new Map())
    if (segments.length !== this.#numbers.length) {
      throw new Error(`the key has ${segments.length} segments instead of ${this.#numbers.length} [${key}]`)
    }
    this.#keys.push(this.#numbers.map((numbers, i) => numberOf(numbers, segments[i] ?? '')).join('.'))
  }

  /** A list of the first key alone, or of none. */
  first(): KeyList {
    const list = new KeyList()
    if (this.size > 0) list.add(this.#numbers.map((numbers) => [...numbers.keys()][0]).join('/'))
    return list
  }

  /** The texts that occur in one place of the keys. @param position from 0 */
  segments(position: number): Iterable<string> {
    return this.#numbers[position]?.keys() ?? []
  }

  /** A constant SQL expression of DuckDB: the list of the keys' paths below a folder. */
  paths(folder: string): string {
    if (this.size === 0) return '[]::VARCHAR[]'
    const segments = this.#numbers.map(
      (numbers, i) =>
        `string_split(${sqlString([...numbers.keys()].join('\n'))}, chr(10))[split_part(key, '.', ${i + 1})::INTEGER]`,
    )
    // `||` and not concat: a number without its text would make the path NULL, and not another path.
    const path = [sqlString(folder), ...segments].join(` || '/' || `)
    return `list_transform(string_split(${sqlString(this.#keys.join(','))}, ','), lambda key : ${path})`
  }
}

/** DuckDB's lists count from 1. */
function numberOf(numbers: Map<string, number>, text: string): number {
  const known = numbers.get(text)
  if (known !== undefined) return known
  numbers.set(text, numbers.size + 1)
  return numbers.size
}
