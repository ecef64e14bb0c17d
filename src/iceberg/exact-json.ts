/**
 * JSON with whole numbers of any size. Iceberg's snapshot ids have 63 bits, of which a JavaScript number keeps 53: a
 * metadata file that was read and written again would name snapshots that are not there.
 */

/** A string, or a number; strings are matched so that digits in them are left alone. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const INTEGER = /^-?\d+$/
/** Begins a string that stands for a number; U+E000 is for private use, and a string that begins with it gets another. */
const MARK = '\uE000'
const MARKED = /"\uE000(-?\d+)"/g

/**
 * Parses JSON. Whole numbers beyond 2^53 become `bigint`, all others stay numbers.
 *
 * @throws SyntaxError for what is no JSON
 */
export function parseExactJson(text: string): unknown {
  const marked = text.replace(TOKEN, (token) => {
    if (token.startsWith('"')) return token.startsWith(`"${MARK}`) ? `"${MARK}${token.slice(1)}` : token
    return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${MARK}${token}"` : token
  })
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value
    const rest = value.slice(1)
    return rest.startsWith(MARK) ? rest : BigInt(rest)
  })
}

/** Writes JSON on one line: `bigint` as a whole number, keys in the order of the object. */
export function writeExactJson(value: unknown): string {
  const marked = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return `${MARK}${item}`
    return typeof item === 'string' && item.startsWith(MARK) ? `${MARK}${item}` : item
  })
  return marked.replace(MARKED, '$1').replaceAll(`"${MARK}${MARK}`, `"${MARK}`)
}
