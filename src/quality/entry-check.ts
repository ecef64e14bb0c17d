/** What a rule on single facts or providers looks for, as SQL over the staged star. */
import { sqlString } from '../engine/sql.js'
import type { ActiveRule } from './active-rule.js'
import { maskedSql, shownSql } from './mask.js'
import type { MonthRange } from './months.js'
import { npiCheckDigitSql } from './npi-check-digit.js'
import { numberColumn, type RuleAxis, type RuleColumn, ruleColumn, textColumn, unusableRule } from './rule-columns.js'

/** A condition that is evaluated once per entry of its axis. Aliases: see rule-columns.ts. */
export interface Condition {
  readonly axis: RuleAxis
  readonly sql: string
}

/** What a rule looks for. */
export interface EntryCheck {
  readonly subject?: string
  readonly meaning: string
  /** Which entries are judged: all of these hold. */
  readonly applies: readonly Condition[]
  /** Which of them break the rule: one of these holds. */
  readonly broken: readonly Condition[]
  /** SQL text: what was found, in full (for the quarantine). */
  readonly found: string
  /** The same with identities masked (for examples). */
  readonly shown: string
}

/** Columns without which a fact cannot stand in the table at all, whatever the configuration says. */
const ALWAYS_REQUIRED = ['fact_uid', 'negotiated_rate'] as const

/** Each column holds a value. @throws ConfigError ETL3-CF-13 */
export function requiredCheck({ name, options }: ActiveRule<'required'>): EntryCheck {
  const names = name === 'required' ? [...new Set([...ALWAYS_REQUIRED, ...options.columns])] : options.columns
  const columns = names.map((column) => ruleColumn(name, column))
  if (columns.some((c) => c.axis === 'npi'))
    throw unusableRule(name, 'a column of providers is not one of facts', 'Kind null_ratio counts its NULLs.')
  const found = `concat_ws(', ', ${columns.map((c) => `CASE WHEN ${c.missing} THEN '${c.name} is missing' END`).join(', ')})`
  return {
    meaning: `each fact has ${names.join(', ')}`,
    applies: [],
    broken: columns.map((c) => ({ axis: c.axis, sql: c.missing })),
    found,
    shown: found,
  }
}

const WHICH_RATES = { all: undefined, dollars: 'a.dollar', percentages: 'a.percentage' } as const

/** A number lies in its range. Zero is the matter of kind `zero`, NULL of kind `required`. @throws ConfigError ETL3-CF-13 */
export function rangeCheck({ name, options }: ActiveRule<'range'>): EntryCheck {
  const { min, max, whole, rates } = options
  const column = numberColumn(name, options.column)
  const which = WHICH_RATES[rates]
  if (which !== undefined && column.axis !== 'fact')
    throw unusableRule(name, "only facts are dollars or percentages, not providers' numbers", 'Leave rates out.')
  const outside = `NOT (${column.sql} BETWEEN ${double(min)} AND ${double(max)})`
  return {
    meaning: `${rates === 'all' ? '' : `of ${rates}, `}${column.name} is ${whole ? 'a whole number ' : ''}between ${min} and ${max}, or 0`,
    applies: [
      { axis: column.axis, sql: `${column.sql} <> 0` },
      ...(which === undefined ? [] : [{ axis: 'attr' as const, sql: which }]),
    ],
    broken: [{ axis: column.axis, sql: whole ? `${outside} OR ${column.sql} <> round(${column.sql})` : outside }],
    ...found(column),
  }
}

/** A number is not 0. @throws ConfigError ETL3-CF-13 */
export function zeroCheck({ name, options }: ActiveRule<'zero'>): EntryCheck {
  const column = numberColumn(name, options.column)
  return {
    meaning: `${column.name} is not 0`,
    applies: [{ axis: column.axis, sql: `${column.sql} IS NOT NULL` }],
    broken: [{ axis: column.axis, sql: `${column.sql} = 0` }],
    ...found(column),
  }
}

/** A text is one of a list. @throws ConfigError ETL3-CF-13 */
export function allowedCheck({ name, options }: ActiveRule<'allowed'>): EntryCheck {
  const column = textColumn(name, options.column)
  const { values } = options
  const listed = values.length <= 5 ? values.join(', ') : `one of ${values.length} allowed values`
  return {
    meaning: `${column.name} is ${listed}`,
    applies: [{ axis: column.axis, sql: `${column.sql} IS NOT NULL` }],
    broken: [{ axis: column.axis, sql: `${column.sql} NOT IN (${values.map(sqlString).join(', ')})` }],
    ...found(column),
  }
}

/** A text has a form. @throws ConfigError ETL3-CF-13 */
export function patternCheck({ name, options }: ActiveRule<'pattern'>): EntryCheck {
  const column = textColumn(name, options.column)
  const form = `NOT regexp_full_match(${column.sql}, ${sqlString(options.pattern)})`
  const digit = options.check_digit === 'npi' ? ` OR NOT ${npiCheckDigitSql(column.sql)}` : ''
  return {
    meaning: `${column.name} matches ^${options.pattern}$${digit === '' ? '' : ' and its check digit is right'}`,
    applies: [{ axis: column.axis, sql: `${column.sql} IS NOT NULL` }],
    broken: [{ axis: column.axis, sql: `${form}${digit}` }],
    ...found(column),
  }
}

/** A date (or month) begins with YYYY-MM. Others are the matter of kind `pattern`. */
const DATED = '\\d{4}-(0[1-9]|1[0-2])(-.*)?'

/** A month is not too far from that of the run. @throws ConfigError ETL3-CF-13 */
export function freshnessCheck({ name, options }: ActiveRule<'freshness'>, months: MonthRange): EntryCheck {
  const column = textColumn(name, options.column)
  const month = `left(${column.sql}, 7)`
  return {
    meaning: `${column.name} lies between ${months.earliest} and ${months.latest}`,
    applies: [{ axis: column.axis, sql: `regexp_full_match(${column.sql}, '${DATED}')` }],
    broken: [
      {
        axis: column.axis,
        sql: `${month} < ${sqlString(months.earliest)} OR ${month} > ${sqlString(months.latest)}`,
      },
    ],
    ...found(column),
  }
}

/** A dollar rate is not far from the median of its code; the bounds are columns of `c` (outlier-bounds.ts). */
export function outlierCheck({ name, options }: ActiveRule<'outliers'>): EntryCheck {
  const [low, high] = [`c.low_${name}`, `c.high_${name}`]
  const text = `concat('negotiated_rate ', f.negotiated_rate, ' where ', round(${low}, 2), ' to ', round(${high}, 2), ' are usual for code ', c.code)`
  return {
    meaning: `a dollar rate is within ${options.deviations} median absolute deviations of the median of its code`,
    applies: [{ axis: 'fact', sql: `a.dollar AND f.negotiated_rate > 0 AND ${low} IS NOT NULL` }],
    broken: [{ axis: 'fact', sql: `NOT (f.negotiated_rate BETWEEN ${low} AND ${high})` }],
    found: text,
    shown: text,
  }
}

/** Facts whose rows another statement has left in a table with the column `fact_row`. */
export function listedCheck(meaning: string, table: string, text: string): EntryCheck {
  return {
    meaning,
    applies: [],
    broken: [{ axis: 'fact', sql: `f.fact_row IN (SELECT fact_row FROM ${table})` }],
    found: text,
    shown: text,
  }
}

type Reference = ActiveRule<'reference'>['options']['references'][number]

const KEYS: Readonly<Record<Reference, string>> = {
  dim_payer: 'payer_slug',
  dim_code: 'code',
  dim_code_cat: 'code',
  dim_pos_set: 'pos_set_id',
  dim_provider_group: 'pg_uid',
  xref_pg_member_npi: 'pg_uid',
  xref_pg_member_tin: 'pg_uid',
  dim_npi: 'npi',
  dim_npi_address: 'npi',
}

/** A key is found in the table that it points into. */
export function referenceCheck(table: Reference): EntryCheck {
  const column = ruleColumn('references', KEYS[table])
  const alias = column.sql.slice('nullif('.length, column.sql.indexOf('.'))
  return {
    subject: table,
    meaning: `${column.name} is found in ${table}`,
    applies: [{ axis: column.axis, sql: `${column.sql} IS NOT NULL` }],
    broken: [{ axis: column.axis, sql: `NOT ${alias}.known_${table}` }],
    ...found(column),
  }
}

/**
 * Where the United States are: the mainland with Alaska, Hawaii, Puerto Rico and the Virgin Islands; the Aleutians
 * beyond 180°; Guam and the Marianas; American Samoa; the freely associated states. Degrees, with a margin.
 */
const US_PLACES = [
  { latitude: [17, 72], longitude: [-180, -64] },
  { latitude: [50, 55], longitude: [172, 180] },
  { latitude: [13, 21], longitude: [144, 147] },
  { latitude: [-15, -10], longitude: [-172, -168] },
  { latitude: [0, 15], longitude: [131, 173] },
] as const
const WORLD = [{ latitude: [-90, 90], longitude: [-180, 180] }] as const

/** A coordinate is a place. */
export function coordinatesCheck({ options }: ActiveRule<'coordinates'>): EntryCheck {
  const [latitude, longitude] = ['n.latitude', 'n.longitude']
  const inside = (options.region === 'us' ? US_PLACES : WORLD).map(
    (p) =>
      `(${latitude} BETWEEN ${p.latitude[0]} AND ${p.latitude[1]} AND ${longitude} BETWEEN ${p.longitude[0]} AND ${p.longitude[1]})`,
  )
  return {
    meaning: `latitude and longitude are both there and a place ${options.region === 'us' ? 'of the United States' : 'on earth'}`,
    applies: [{ axis: 'npi', sql: `(${latitude} IS NOT NULL OR ${longitude} IS NOT NULL)` }],
    broken: [
      {
        axis: 'npi',
        sql: `NOT coalesce(${inside.join(' OR ')}, false) OR (${latitude} = 0 AND ${longitude} = 0)`,
      },
    ],
    found: `concat(${latitude}, ', ', ${longitude})`,
    shown: `concat('about ', coalesce(round(${latitude}, 1)::VARCHAR, 'nothing'), ', ', coalesce(round(${longitude}, 1)::VARCHAR, 'nothing'))`,
  }
}

function found(column: RuleColumn): Pick<EntryCheck, 'found' | 'shown'> {
  return {
    found: `concat('${column.name} ', ${column.sql})`,
    shown: `concat('${column.name} ', ${shownSql(column.name, column.sql)})`,
  }
}

/** SQL text: how an example names a fact. */
export const SHOWN_FACT = `coalesce(${maskedSql("nullif(f.fact_uid, '')")}, '(no fact_uid)')`

/** A number of the configuration as SQL; zod has made sure that it is finite. */
function double(value: number): string {
  return `${value}::DOUBLE`
}
