/** Examples of results: enough of a value to find it again, not the value of a person or a provider group. */

/** Columns whose values name somebody or something by itself; all others are shown as they are. */
const IDENTIFYING: ReadonlySet<string> = new Set([
  'fact_uid',
  'pg_uid',
  'provider_group_id_raw',
  'npi',
  'first_name',
  'last_name',
  'organization_name',
  'primary_taxonomy_license',
  'address_1',
  'address_2',
  'postal_code',
  'telephone_number',
  'fax_number',
  'address_hash',
  'matched_address',
])

/** Characters of a masked value that stay at most; never more than half of it. */
const SHOWN_CHARACTERS = 4

/** Characters of a value that are shown, masked or not. */
const MOST_CHARACTERS = 60

/** SQL text: the beginning of a text. */
export function maskedSql(sql: string): string {
  return `(left(${sql}, least(${SHOWN_CHARACTERS}, length(${sql}) // 2)) || '…')`
}

/** SQL text: the value of a column as an example shows it, in quotes. */
export function shownSql(column: string, sql: string): string {
  const text = `(${sql})::VARCHAR`
  return IDENTIFYING.has(column) ? maskedSql(text) : `left(${text}, ${MOST_CHARACTERS})`
}
