/** The path of a partition, written a second time from its rule, and not taken from the product's code. */

const ESCAPED = new Set('"#%\'*/:=?\\{[]^\u007f')

/** `column=value/…/fact_rate_enriched.parquet` under the table's root. NULL and '' are `__NULL__`. */
export function expectedPath(columns: readonly string[], values: readonly (string | null)[]): string {
  const folders = columns.map((column, i) => `${column}=${folderValue(values[i] ?? null)}`)
  return [...folders, 'fact_rate_enriched.parquet'].join('/')
}

function folderValue(value: string | null): string {
  if (value === null || value === '') return '__NULL__'
  const sentinel = ['__null__', '__hive_default_partition__'].includes(value.toLowerCase())
  return [...value].map((char, i) => (needsEscape(char) || (sentinel && i === 0) ? percent(char) : char)).join('')
}

function needsEscape(char: string): boolean {
  return char < ' ' || ESCAPED.has(char)
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
