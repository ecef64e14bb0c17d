/** How many columns of a terminal a text takes. */

// Marks that combine with the letter before them (variation selectors are such), and joiners take no column.
const NO_COLUMN = /\p{M}|\p{Cf}/u
// Wide and full-width letters of Unicode Annex 11, and the emoji that are shown as pictures.
const TWO_COLUMNS =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u

/** Columns of a text without control characters. Right for what stands in tables; joined emoji may take fewer. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += columnsOf(character)
  return width
}

/** The text, cut to at most `columns` with an ellipsis at its end where it is longer. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let kept = ''
  let width = 0
  for (const character of text) {
    width += columnsOf(character)
    if (width > columns - 1) break
    kept += character
  }
  return `${kept}…`
}

function columnsOf(character: string): number {
  if (NO_COLUMN.test(character)) return 0
  return TWO_COLUMNS.test(character) ? 2 : 1
}
