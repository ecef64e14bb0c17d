/** Texts as Trino's SQL writes them. */

/** A string literal; what is not plain ASCII as its code point. */
export function literal(value: string): string {
  if (/^[ -~]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`
  const text = Array.from(value, (character) => {
    const code = character.codePointAt(0) ?? 0
    if (character === "'") return "''"
    if (character === '\\') return '\\\\'
    if (code >= 0x20 && code < 0x7f) return character
    return code > 0xffff ? `\\+${code.toString(16).padStart(6, '0')}` : `\\${code.toString(16).padStart(4, '0')}`
  }).join('')
  return `U&'${text}'`
}

/** A LIKE pattern (escape character `!`) that stands for the value alone, a quote for any one character. */
export function patternOf(value: string): string {
  return value.replace(/[!%_]/g, (character) => `!${character}`).replaceAll("'", '_')
}

/** A LIKE pattern (escape character `!`) of the texts that begin with this one. */
export function prefixPattern(text: string): string {
  return `${text.replace(/[!%_]/g, (character) => `!${character}`)}%`
}
