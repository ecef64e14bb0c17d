/** Quoting for the oracle's own statements, written apart from the product's on purpose. */

/** A string literal. */
export function text(value: string): string {
  return `'${value.split("'").join("''")}'`
}

/** A quoted identifier. */
export function quoted(name: string): string {
  return `"${name.split('"').join('""')}"`
}
