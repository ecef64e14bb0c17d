/** Rows of the table by `column=value` pairs, as a SELECT that DuckDB and Athena take alike. */
import { didYouMean } from '../config/did-you-mean.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { UsageError } from '../runtime/errors.js'
import { DICTIONARY, type DictionaryColumn } from '../star/dictionary.js'

/** Which rows and columns. */
export interface ShownRows {
  /**
   * `column=value` pairs that all hold. Nothing behind the `=` means NULL or the empty text; in a list, one of its values
   * is meant.
   */
  readonly where: readonly string[]
  /** Names separated by commas; undefined: all columns. */
  readonly columns: string | undefined
  readonly limit: number
}

/**
 * The SELECT for them.
 *
 * @throws UsageError ETL3-CL-01 for what is no pair, an unknown column, or a value that the column cannot hold
 */
export function selectRows(table: string, { where, columns, limit }: ShownRows): string {
  const names = columns?.split(',').map((name) => sqlIdentifier(columnOf(name.trim(), '--columns').name))
  const filter = where.length === 0 ? '' : ` WHERE ${where.map(condition).join(' AND ')}`
  return `SELECT ${names?.join(', ') ?? '*'} FROM ${sqlIdentifier(table)}${filter} LIMIT ${limit}`
}

function condition(pair: string): string {
  const sign = pair.indexOf('=')
  if (sign < 1) {
    throw new UsageError('ETL3-CL-01', `--where takes column=value, and this is ${JSON.stringify(pair)}`, {
      hint: 'For example: --where state=MN --where code=99213',
    })
  }
  const column = columnOf(pair.slice(0, sign).trim(), '--where')
  const value = pair.slice(sign + 1)
  const name = sqlIdentifier(column.name)
  switch (column.type) {
    case 'list':
      return value === '' ? `${name} IS NULL` : `contains(${name}, ${sqlString(value)})`
    case 'double':
    case 'int32':
      return value === '' ? `${name} IS NULL` : `${name} = CAST(${sqlString(numberOf(column, value))} AS DOUBLE)`
    case 'boolean':
      return value === '' ? `${name} IS NULL` : `${name} = ${truthOf(column, value)}`
    default:
      return value === '' ? `(${name} IS NULL OR ${name} = '')` : `${name} = ${sqlString(value)}`
  }
}

function columnOf(name: string, flag: string): DictionaryColumn {
  const known = DICTIONARY.find((column) => column.name === name.toLowerCase())
  if (known) return known
  const meant = didYouMean(
    name,
    DICTIONARY.map((column) => column.name),
  )
  throw new UsageError('ETL3-CL-01', `${flag} names a column that the table does not have: ${JSON.stringify(name)}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}\`etl3 export-dictionary\` lists all columns.`,
  })
}

function numberOf({ name }: DictionaryColumn, value: string): string {
  if (value.trim() !== '' && Number.isFinite(Number(value))) return String(Number(value))
  throw new UsageError('ETL3-CL-01', `--where ${name} takes a number, and this is ${JSON.stringify(value)}`, {
    hint: `For example: --where ${name}=12.5`,
  })
}

function truthOf({ name }: DictionaryColumn, value: string): string {
  const word = value.trim().toLowerCase()
  if (word === 'true' || word === 'false') return word
  throw new UsageError('ETL3-CL-01', `--where ${name} takes true or false, and this is ${JSON.stringify(value)}`, {
    hint: `For example: --where ${name}=true`,
  })
}
