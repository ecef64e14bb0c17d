/** The columns that a rule may name, and how SQL over the staged star reads them. */

import { sqlIdentifier } from '../engine/sql.js'
import { ConfigError } from '../runtime/errors.js'
import { DICTIONARY, type DictionaryColumn } from '../star/dictionary.js'

/** What a condition hangs on; a condition on `fact` may also read attr, code and group. */
export type RuleAxis = 'attr' | 'code' | 'group' | 'fact' | 'npi'

/** Aliases in conditions: f (staged facts), a (attrs), c (codes), g (groups), n (npis). */
const ALIASES = { attr: 'a', code: 'c', group: 'g', fact: 'f', rate: 'f', npi: 'n' } as const

/** A column that a rule looks at. */
export interface RuleColumn {
  readonly name: string
  readonly type: DictionaryColumn['type']
  readonly axis: RuleAxis
  /** Its value in SQL; an empty text is NULL. */
  readonly sql: string
  /** SQL condition: it holds no value. */
  readonly missing: string
}

/**
 * @param rule name of the rule, for the message
 * @throws ConfigError ETL3-CF-13 when there is no such column, or rules cannot look at it
 */
export function ruleColumn(rule: string, name: string): RuleColumn {
  const column = DICTIONARY.find((c) => c.name === name)
  const axis = column?.axis
  if (!column || !axis || axis === 'benchmark' || axis === 'ratio' || axis === 'above') {
    const possible = DICTIONARY.filter((c) => !['benchmark', 'ratio', 'above'].includes(c.axis)).map((c) => c.name)
    const what = column
      ? `'${name}' depends on fact and provider together`
      : `there is no column ${JSON.stringify(name)}`
    throw unusableRule(rule, what, `Columns of such rules: ${possible.join(', ')}.`)
  }
  const value = `${ALIASES[axis]}.${sqlIdentifier(name)}`
  const sql = column.type === 'string' ? `nullif(${value}, '')` : value
  return {
    name,
    type: column.type,
    axis: axis === 'rate' ? 'fact' : axis,
    sql,
    // The number of bytes says the same, and texts need not be read.
    missing: name === 'fact_uid' ? 'f.uid_bytes = 0' : `${sql} IS NULL`,
  }
}

/** A column of texts. @throws ConfigError ETL3-CF-13 */
export function textColumn(rule: string, name: string): RuleColumn {
  const column = ruleColumn(rule, name)
  if (column.type === 'string') return column
  throw unusableRule(rule, `'${name}' holds no texts but ${column.type}`, 'Name a column of type string.')
}

/** A column of numbers. @throws ConfigError ETL3-CF-13 */
export function numberColumn(rule: string, name: string): RuleColumn {
  const column = ruleColumn(rule, name)
  if (column.type === 'double') return column
  const possible = ['negotiated_rate', 'latitude', 'longitude']
  throw unusableRule(rule, `'${name}' holds no numbers but ${column.type}`, `Possible are ${possible.join(', ')}.`)
}

/** A rule that is well-formed but cannot be applied (ETL3-CF-13). */
export function unusableRule(rule: string, what: string, hint: string, cause?: unknown): ConfigError {
  return new ConfigError('ETL3-CF-13', `data_quality.rules.${rule}: ${what}`, { hint, cause })
}
