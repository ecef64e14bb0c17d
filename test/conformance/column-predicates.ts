/**
 * Predicates over every column whose answer a wrong bound, count or partition value would change: at the lowest, the
 * middle and the highest value of the column, at its NULLs, and at the beginnings of its texts.
 */
import type { CatalogColumn } from '../../src/lake/catalog.js'
import { literal, prefixPattern } from './trino-text.js'

/** One predicate in the words of both engines. */
export interface Predicate {
  readonly trino: string
  readonly duckDb: string
}

/** Code points around those that a bound keeps of a text. */
const PREFIX_LENGTHS = [1, 16, 17]
const OPERATORS = ['=', '<>', '<=', '>=']

/** Makes an expression of DuckDB's that gives what {@link predicatesOf} takes: the values of a column, ascending, as texts. */
export function sortedValues({ name, type }: CatalogColumn): string {
  // NaN has no place in an order that both engines have.
  const numbers = type === 'double' ? ` FILTER (NOT isnan(${name}))` : ''
  return `list_sort(list(DISTINCT ${name})${numbers})::VARCHAR[]`
}

/** @param values of the column, ascending, without NULL and NaN */
export function predicatesOf({ name, type }: CatalogColumn, values: readonly string[]): Predicate[] {
  const inBoth = (condition: string): Predicate => ({ trino: condition, duckDb: condition })
  const ofNull = [inBoth(`${name} IS NULL`), inBoth(`${name} IS NOT NULL`)]
  const chosen = new Set(
    [values[0], values[Math.floor(values.length / 2)], values.at(-1)].filter((v) => v !== undefined),
  )
  const compared = [...chosen].flatMap((value) => OPERATORS.map((operator) => comparison(name, type, operator, value)))
  const texts = type === 'string' ? [...chosen] : []
  const beginnings = new Set(
    texts.flatMap((text) => PREFIX_LENGTHS.map((length) => [...text].slice(0, length).join(''))),
  )
  return [...ofNull, ...compared, ...[...beginnings].filter(Boolean).map((text) => beginsWith(name, text))]
}

function comparison(name: string, type: string, operator: string, value: string): Predicate {
  switch (type) {
    case 'string':
      return {
        trino: `${name} ${operator} ${literal(value)}`,
        duckDb: `${name} ${operator} ${duckDbText(value)}`,
      }
    case 'double':
      // DuckDB takes NaN for the largest number; to Trino it is neither larger nor smaller, and different from each.
      return {
        trino: `${name} ${operator} DOUBLE '${value}'`,
        duckDb: `${name} ${operator} '${value}'::DOUBLE${operator.startsWith('>') ? ` AND NOT isnan(${name})` : ''}`,
      }
    case 'date':
      return { trino: `${name} ${operator} DATE '${value}'`, duckDb: `${name} ${operator} DATE '${value}'` }
    default:
      return { trino: `${name} ${operator} ${value}`, duckDb: `${name} ${operator} ${value}` }
  }
}

function beginsWith(name: string, text: string): Predicate {
  return {
    trino: `${name} LIKE ${literal(prefixPattern(text))} ESCAPE '!'`,
    duckDb: `starts_with(${name}, ${duckDbText(text)})`,
  }
}

function duckDbText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
