/** A star as other tools write it: names in other case, numbers for digits, dates and points in time for text, bytes for text. */
import fc from 'fast-check'
import { goodFacts, goodPlace, goodProvider, goodStar, NPI_A } from './good-star.js'
import type { Star, StarTable, StarValue } from './star.js'

/** A type, and what a text is in it: undefined where the contract would not read the same text again. */
interface Way {
  readonly type: string
  readonly of: (value: string) => string | undefined
}

/** A way for texts of one form alone. */
function way(type: string, form: RegExp, of: (value: string) => string): Way {
  return { type, of: (value) => (form.test(value) ? of(value) : undefined) }
}

const DIGITS = /^(0|[1-9]\d{0,14})$/
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/
const DAY = /^\d{4}-\d{2}-\d{2}$/
const FIVE = /^\d{5}$/

const asIs = (value: string): string => value
const asNumber = (value: string): string => String(Number(value))
const bytes = { type: 'BLOB', of: (value: string) => [...Buffer.from(value)].map(escaped).join('') }

const IDS: readonly Way[] = [
  bytes,
  ...['BIGINT', 'DOUBLE', 'DECIMAL(38,0)', 'DECIMAL(38,4)'].map((type) => way(type, DIGITS, asIs)),
]
const CODES: readonly Way[] = [bytes, ...['INTEGER', 'DOUBLE', 'DECIMAL(9,0)'].map((type) => way(type, FIVE, asNumber))]
const MONTHS: readonly Way[] = [
  bytes,
  way('DATE', MONTH, (month) => `${month}-01`),
  way('TIMESTAMP', MONTH, (month) => `${month}-28 23:59:59`),
  way('TIMESTAMPTZ', MONTH, (month) => `${month}-01 02:00:00+02`),
  way('DOUBLE', MONTH, (month) => month.replace('-', '')),
  way('VARCHAR', MONTH, (month) => month.replace('-', '/')),
]
const DAYS: readonly Way[] = [
  bytes,
  way('DATE', DAY, asIs),
  way('TIMESTAMP_MS', DAY, (day) => `${day} 23:59:59.999`),
  way('TIMESTAMPTZ', DAY, (day) => `${day} 00:00:00+00`),
  way('INTEGER', DAY, (day) => day.replaceAll('-', '')),
  way('VARCHAR', DAY, (day) => `${day}T19:30:00-04:00`),
]

const WAYS: Readonly<Record<string, readonly Way[]>> = {
  year_month: MONTHS,
  expiration_date: DAYS,
  enumeration_date: DAYS,
  code: CODES,
  proc_cd: CODES,
  postal_code: CODES,
  county_fips: CODES,
  stat_area_code: CODES,
}

const NAMES: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  (name) => ` ${name}\t`,
  (name) => `\uFEFF${name}`,
]

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** The star with each column written in a way of its own. */
export function oddlyWritten(star: Star): fc.Arbitrary<Star> {
  return fc.infiniteStream(fc.nat(10_000)).map((numbers) => {
    const pick = <T>(of: readonly T[]): T | undefined => of[Number(numbers.next().value) % of.length]
    return Object.fromEntries(Object.entries(star).map(([name, table]) => [name, writtenBy(table, pick)]))
  })
}

function writtenBy(table: StarTable, pick: <T>(of: readonly T[]) => T | undefined): StarTable {
  const columns = Object.entries(table.columns).map(([name, type]) => {
    const values = table.rows.map((row) => row[name] ?? null)
    const fitting = type === 'VARCHAR' ? (WAYS[name] ?? IDS).filter((one) => values.every((v) => fits(one, v))) : []
    const odd = pick(fitting)
    return {
      name: (pick(NAMES) ?? String)(name),
      type: odd?.type ?? type,
      values: odd ? values.map((value) => (typeof value === 'string' ? (odd.of(value) ?? null) : value)) : values,
    }
  })
  return {
    columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
    rows: table.rows.map((_, i) => Object.fromEntries(columns.map(({ name, values }) => [name, values[i] ?? null]))),
  }
}

function fits(one: Way, value: StarValue): boolean {
  return value === null || (typeof value === 'string' && one.of(value) !== undefined)
}

/** A good star whose identities and codes are digits, so that they can be written as numbers. */
export function digitStar(): Star {
  const group = (i: number): string => (i % 2 === 0 ? '101' : '102')
  const code = (i: number): string => (i % 3 === 0 ? '00100' : '99213')
  const place = { postal_code: '02139', county_fips: '06037', stat_area_code: '31080' }
  const facts = goodFacts().map((fact, i) => ({ ...fact, fact_uid: String(5000 + i), pg_uid: group(i), code: code(i) }))
  const provider = goodProvider(NPI_A)
  const benchmark = { state: 'TX', code_type: 'CPT', data_year: 2025, year_month: '2025-01', modifier: null }
  return goodStar({
    'gold/fact_rate': facts,
    'dims/dim_code': ['00100', '99213'].map((c) => ({ code_type: 'CPT', code: c, code_name: `name of ${c}` })),
    'dims/dim_code_cat': [{ proc_cd: '00100', proc_set: 'Anesthesia', proc_class: 'Anesthesia', proc_group: '1' }],
    'dims/dim_provider_group': [{ pg_uid: '101' }, { pg_uid: '102' }],
    'dims/dim_npi': [provider],
    'dims/dim_npi_address': [goodPlace(NPI_A, place)].map(
      ({ latitude: _, longitude: __, stat_area_name: ___, ...row }) => row,
    ),
    'dims/dim_npi_address_geolocation': [goodPlace(NPI_A, place)],
    'xrefs/xref_pg_member_npi': [{ pg_uid: '101', npi: NPI_A }],
    'xrefs/xref_pg_member_tin': [{ pg_uid: '101', tin_type: 'ein', tin_value: '123456789' }],
    bench_medicare_professional: [
      { ...benchmark, code: '00100', medicare_prof_stateavg: 50 },
      { ...benchmark, code: '99213', medicare_prof_stateavg: 80 },
      { ...benchmark, code: '99213', modifier: '26', medicare_prof_stateavg: 20 },
    ],
  })
}
