/** The one place where text becomes part of an SQL statement. */
import { requireWellFormed } from '../runtime/well-formed.js'

/**
 * A string literal; where the value holds a NUL, which ends a statement, an expression that gives the value.
 * @throws RangeError where the value has an unpaired surrogate
 */
export function sqlString(value: string): string {
  const literals = requireWellFormed(value)
    .split('\0')
    .map((part) => `'${part.replaceAll("'", "''")}'`)
  return literals.length === 1 ? literals.join('') : `(${literals.join(' || chr(0) || ')})`
}

/** A quoted identifier. @throws RangeError where the name has an unpaired surrogate */
export function sqlIdentifier(name: string): string {
  return `"${requireWellFormed(name).replaceAll('"', '""')}"`
}
