/** Physical types: what a column of a Parquet file can be, as far as the contract tells them apart. */

/**
 * Families of physical types.
 *
 * - `text`: strings, enumerations, UUIDs (lower case, with dashes) and JSON; `bytes`: strings without the mark of text
 * - `whole`: integers of any width; `decimal`: up to 38 digits; `float`: binary floating point
 * - `date`: a day; `time`: a point in time of any unit, in UTC or without a zone
 * - `null`: a column without a type, in which every value is NULL
 * - `wide`: a decimal of more than 38 digits, which the engine reads wrong
 * - `other`: structures, maps, times of day, intervals, geometries and what is still to come
 */
export type TypeFamily =
  | 'text'
  | 'bytes'
  | 'whole'
  | 'decimal'
  | 'float'
  | 'boolean'
  | 'date'
  | 'time'
  | 'list'
  | 'null'
  | 'wide'
  | 'other'

/** In the place of the engine's type: a column whose logical type is Null. */
export const NULL_TYPE = 'NULL'

const FAMILIES: readonly (readonly [TypeFamily, RegExp])[] = [
  ['list', /\[\d*\]$/],
  ['text', /^(VARCHAR|JSON|UUID|ENUM\(.*\))$/s],
  ['bytes', /^BLOB$/],
  ['whole', /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/],
  ['wide', /^DECIMAL\((39|[4-9]\d|\d{3,}),\d+\)$/],
  ['decimal', /^DECIMAL\(\d+,\d+\)$/],
  ['float', /^(FLOAT|DOUBLE)$/],
  ['boolean', /^BOOLEAN$/],
  ['date', /^DATE$/],
  ['time', /^TIMESTAMP(_S|_MS|_NS)?( WITH TIME ZONE)?$/],
  ['null', /^NULL$/],
]

/** Family of a type, as the engine names it (`BIGINT`, `VARCHAR[]`), or {@link NULL_TYPE}, or a decimal of any width. */
export function familyOf(type: string): TypeFamily {
  return FAMILIES.find(([, pattern]) => pattern.test(type))?.[0] ?? 'other'
}

/** Type of the items of a list. */
export function itemTypeOf(list: string): string {
  return list.replace(/\[\d*\]$/, '')
}

/** Digits after the point of a decimal type. */
export function scaleOf(decimal: string): number {
  return Number(/,(\d+)\)$/.exec(decimal)?.[1] ?? 0)
}
