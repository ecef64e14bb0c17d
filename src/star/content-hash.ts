/** The fingerprint of what an entry of an axis says, from which the fingerprints of partitions are made. */
import { sqlIdentifier } from '../engine/sql.js'
import { type Axis, columnsOf } from './dictionary.js'

/**
 * SQL of a stable 64-bit hash of all columns of an axis. Lengths keep ('ab', 'c') and ('a', 'bc') apart.
 *
 * @param alias of the relation that has the columns
 */
export function contentHash(axis: Axis, alias?: string): string {
  const parts = columnsOf(axis).map((c) => {
    const name = `${alias === undefined ? '' : `${alias}.`}${sqlIdentifier(c.name)}`
    const text = c.type === 'list' ? `to_json(${name})::VARCHAR` : `${name}::VARCHAR`
    return `coalesce(strlen(${text}) || ':' || ${text}, '-')`
  })
  return `md5_number_lower(concat(${parts.join(", ',', ")}))`
}
