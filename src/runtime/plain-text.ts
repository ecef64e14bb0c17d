/** Text from elsewhere (data, paths, answers of servers) that is safe to show on a terminal and in a log. */

// \p{Cc}: C0 and C1 controls and DEL. Then line and paragraph separators, and the marks that turn text around.
const CONTROL = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/** Each control character as a visible escape (`\n`, `\u001b`), so that no value moves the cursor or forges a line. */
export function plainText(text: string): string {
  return text.replace(CONTROL, escapeCharacter)
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
