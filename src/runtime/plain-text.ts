/** Text from elsewhere (data, paths, answers of servers) that is safe to show on a terminal and in a log. */

/**
 * Code points, as ranges, that nobody sees where a text is shown, beside NUL: C1 controls, soft hyphen, zero-width
 * characters, marks that turn text around, byte-order mark, interlinear marks, tags.
 */
export const INVISIBLE_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x80, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
]

const INVISIBLE = INVISIBLE_RANGES.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`)

// \p{Cc}: C0 and C1 controls and DEL. U+2028 and U+2029 end lines.
const CONTROL = new RegExp(`[\\p{Cc}\\u2028\\u2029${INVISIBLE.join('')}]`, 'gu')

/**
 * Each control and each invisible character as a visible escape (`\n`, `\u001b`, `\ufeff`), so that no value moves the
 * cursor, forges a line, or looks like another one.
 */
export function plainText(text: string): string {
  return text.replace(CONTROL, escapeCharacter)
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = (character.codePointAt(0) ?? 0).toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
}
