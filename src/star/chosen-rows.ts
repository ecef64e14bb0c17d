/**
 * The rows of a table that the joins look at, by their words: LOCATION addresses, Medicare rows without a modifier. What
 * the words decided is then the same in all of them, so that two spellings of one key are one key.
 */
import type { TableName } from '../config/schema.js'
import { isLocationSql, isPlainRateSql, stateSql } from './vocabulary-sql.js'

interface Choice {
  readonly condition: string
  /** Columns that take part in a key, as the vocabulary reads them. */
  readonly read: string
}

const LOCATIONS: Choice = { condition: isLocationSql('address_purpose'), read: "'LOCATION' AS address_purpose" }

const CHOICES: Partial<Record<TableName, Choice>> = {
  dim_npi_address: LOCATIONS,
  dim_npi_address_geolocation: LOCATIONS,
  bench_medicare_professional: {
    condition: isPlainRateSql('modifier'),
    read: `NULL::VARCHAR AS modifier, ${stateSql('state')} AS state`,
  },
}

/** A SELECT of the rows of `select` that the joins look at; of most tables these are all. */
export function chosenRows(name: TableName, select: string): string {
  const choice = CHOICES[name]
  return choice === undefined ? select : `SELECT * REPLACE (${choice.read}) FROM (${select}) WHERE ${choice.condition}`
}

/** Columns whose words decide which rows of a table are taken. */
const DECIDING: readonly (readonly [table: TableName, column: string])[] = [
  ['dim_npi_address', 'address_purpose'],
  ['dim_npi_address_geolocation', 'address_purpose'],
  ['bench_medicare_professional', 'modifier'],
]

/**
 * A SELECT of the words by which rows are taken or left: `table_name`, `column_name`, `word` (never empty), and the rows
 * of the whole table that hold it.
 *
 * @param nameOf SQL name of an input table
 */
export function decidingWords(nameOf: (table: TableName) => string): string {
  return DECIDING.map(
    ([
      table,
      column,
    ]) => `SELECT '${table}' AS table_name, '${column}' AS column_name, ${column} AS word, count(*)::BIGINT AS rows
      FROM ${nameOf(table)} WHERE ${column} <> '' GROUP BY ${column}`,
  ).join(' UNION ALL ')
}
