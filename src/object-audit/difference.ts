import { sqlString } from '../engine/sql.js'
import { IntegrityError } from '../runtime/errors.js'

/** Most partitions that an error names. */
const NAMED = 5

/** The error of an audit that found a difference: how many partitions have it, and the first of them. */
export function difference(
  code: string,
  what: string,
  partitions: readonly { readonly key: string }[],
): IntegrityError {
  const named = partitions
    .slice(0, NAMED)
    .map((p) => sqlString(p.key))
    .join(', ')
  const more = partitions.length > NAMED ? ` and ${partitions.length - NAMED} more` : ''
  return new IntegrityError(code, `${what} in ${partitions.length} partitions: ${named}${more}`, {
    hint: 'Nothing was published, the table is as it was. Check disk and memory, then run again.',
  })
}
