/**
 * Partition values as Glue holds them: raw, with Hive's own word for NULL. That word as data would be NULL
 * to every reader and take the place of the NULL partition; so its first character is escaped as in the path, and
 * whatever looks like the escaped form is escaped once more. Injective: {@link fromGlueValue} gives back every string.
 */

/** Hive's word for NULL. Case-sensitive: Trino and Athena take no other spelling for NULL. */
export const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'

const LOOKS_LIKE_NULL = /^(?:_|%(?:25)*5F)(?=_HIVE_DEFAULT_PARTITION__$)/
const ESCAPED_NULL = /^%(?:25)*5F(?=_HIVE_DEFAULT_PARTITION__$)/

/** A raw value, or null for NULL, as it stands in a partition's `Values`. */
export function toGlueValue(value: string | null): string {
  if (value === null) return HIVE_NULL
  return value.replace(LOOKS_LIKE_NULL, (head) => (head === '_' ? '%5F' : `%25${head.slice(1)}`))
}

/** The raw value of one of a partition's `Values`; null for NULL. */
export function fromGlueValue(text: string): string | null {
  if (text === HIVE_NULL) return null
  return text.replace(ESCAPED_NULL, (head) => (head === '%5F' ? '_' : `%${head.slice('%25'.length)}`))
}
