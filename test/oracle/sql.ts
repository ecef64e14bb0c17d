/** Quoting for the oracle's own statements, written apart from the product's on purpose. */

/** A string literal; with a NUL, which ends a statement, an expression. */
export function text(value: string): string {
  const parts = value.split('\0').map((part) => `'${part.split("'").join("''")}'`)
  return parts.length === 1 ? parts.join() : `(${parts.join(' || chr(0) || ')})`
}

/** A quoted identifier. */
export function quoted(name: string): string {
  return `"${name.split('"').join('""')}"`
}
