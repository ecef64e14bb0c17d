/** JSON for stdout. */

// JSON.stringify escapes C0 controls only; a terminal obeys C1 controls as well. They can only stand inside of strings.
const UNESCAPED_CONTROL = /[\u007F-\u009F\u2028\u2029]/g

/** One JSON value, indented, with a final newline, without any control character that a terminal would obey. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2).replace(
    UNESCAPED_CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${text}\n`
}
