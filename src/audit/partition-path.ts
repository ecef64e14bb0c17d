/** The directories of a partition, from its values: Hive's way of writing them, spelled out a second time. */

const NULL_WORD = '__NULL__'
const RESERVED_WORDS = ['__NULL__', '__HIVE_DEFAULT_PARTITION__']
const RESERVED_CHARACTERS = new Set('"#%\'*/:=?\\{[]^')

/** `payer_slug=a/state=TX`: without the file's name. */
export function partitionPath(columns: readonly string[], values: readonly (string | null)[]): string {
  return columns.map((column, i) => `${escaped(column)}=${word(values[i] ?? null)}`).join('/')
}

function word(value: string | null): string {
  if (value === null) return NULL_WORD
  const text = escaped(value)
  return RESERVED_WORDS.includes(text.toUpperCase()) ? `${hex(text.charCodeAt(0))}${text.slice(1)}` : text
}

function escaped(text: string): string {
  let out = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    out += code < 0x20 || code === 0x7f || RESERVED_CHARACTERS.has(character) ? hex(code) : character
  }
  return out
}

function hex(code: number): string {
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`
}
