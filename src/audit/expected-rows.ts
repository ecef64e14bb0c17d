/**
 * The enriched rows that the contract wants of a fact, computed once more: in plain code over the rows that the second
 * reader found, with none of the SQL, tables and helpers of staging and encoder.
 */
import { byBytes } from './bytes-order.js'
import type { ContractValue } from './contract-values.js'
import { agreed, firstRow, isSame } from './first-row.js'
import type { SampledFact } from './sample.js'
import { PLACE_COLUMNS, STAR_TABLES, type StarTableName } from './star-tables.js'
import type { FoundRow, FoundRows } from './table-rows.js'
import {
  isComparedWithMedicare,
  isLocation,
  isUnmodified,
  medicareState,
  providerType,
  soleProprietor,
  stateOf,
} from './vocabulary.js'

/** A value of the table, and the input file that it comes from. */
export interface DueValue {
  readonly value: ContractValue | boolean
  readonly file: string
}

/** A row that is due. A column of which nothing is known is not there. */
export type DueRow = Pick<ReadonlyMap<string, DueValue>, 'get' | 'size' | typeof Symbol.iterator>

/** What was found of the dimensions. */
export type FoundTables = Readonly<Record<Exclude<StarTableName, 'fact_rate' | 'xref_pg_member_npi'>, FoundRows>>

/** A part of a row: some columns, each with its value, or without where nothing is known. */
type Part = Map<string, DueValue>

/** A row over parts that it shares with others; no column is in two of them. A map of its own would take kilobytes. */
class RowOfParts implements DueRow {
  readonly #parts: readonly Part[]
  readonly #partitioned: ReadonlySet<string>

  constructor(parts: readonly Part[], partitioned: ReadonlySet<string>) {
    this.#parts = parts
    this.#partitioned = partitioned
  }

  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.size, 0)
  }

  get(name: string): DueValue | undefined {
    for (const part of this.#parts) {
      const due = part.get(name)
      if (due) return this.#asStored(name, due)
    }
    return undefined
  }

  *[Symbol.iterator](): MapIterator<[string, DueValue]> {
    for (const part of this.#parts) for (const [name, due] of part) yield [name, this.#asStored(name, due)]
  }

  /** An empty text in a partition column is NULL. */
  #asStored(name: string, due: DueValue): DueValue {
    return due.value === '' && this.#partitioned.has(name) ? { ...due, value: null } : due
  }
}

/** A provider's part of a row takes about 3 kB, a benchmark's key 200 bytes. */
const REMEMBERED_PROVIDERS = 500
const REMEMBERED_BENCHMARKS = 5_000

/** Computes rows. What hangs on a provider is computed once, as long as few others come between. */
export class ExpectedRows {
  readonly #found: FoundTables
  readonly #partitioned: ReadonlySet<string>
  readonly #providers = new Map<string, Part>()
  readonly #benchmarks = new Map<string, FoundRow | null | undefined>()

  constructor(found: FoundTables, partitionColumns: readonly string[]) {
    this.#found = found
    this.#partitioned = new Set(partitionColumns)
  }

  /**
   * The rows of a fact with some of its members; without any, the one row of a group that has none.
   * @param file where the links lie
   */
  rowsOf(fact: SampledFact, members: readonly string[], file: string): readonly DueRow[] {
    const own = this.#ofFact(fact)
    if (members.length === 0) return [this.#complete(fact, own, withoutProvider(fact.file))]
    return members.map((npi) => this.#complete(fact, own, this.#provider(npi, file)))
  }

  #complete(fact: SampledFact, own: Part, provider: Part): DueRow {
    const benchmark = this.#benchmark(fact, new RowOfParts([own, provider], NONE))
    return new RowOfParts([own, provider, benchmark], this.#partitioned)
  }

  #ofFact({ file, values }: SampledFact): Part {
    const part: Part = new Map()
    const take = (name: string, from: string): void => {
      const value = values.get(from)
      if (value !== undefined) part.set(name, { value, file })
    }
    for (const { name } of STAR_TABLES.fact_rate) if (name !== 'state') take(name, name)
    take('market_state', 'state')
    const month = values.get('year_month')
    if (month !== undefined) {
      const [, year, number] = /^([0-9]{4})-(0[1-9]|1[0-2])$/.exec(textOf(month) ?? '') ?? []
      part.set('year', { value: year ?? null, file })
      part.set('month', { value: number ?? null, file })
    }
    this.#payer(values, part, file)
    this.#placeOfService(values, part, file)
    this.#code(values, part, file)
    this.#taxIds(values, part, file)
    return part
  }

  #payer(values: SampledFact['values'], part: Part, file: string): void {
    if (values.get('reporting_entity_name') !== null) return
    part.delete('reporting_entity_name')
    const payer = this.#only('dim_payer', values.get('payer_slug'))
    copy(payer, { reporting_entity_name: 'reporting_entity_name' }, part, file)
  }

  #placeOfService(values: SampledFact['values'], part: Part, file: string): void {
    copy(this.#only('dim_pos_set', values.get('pos_set_id')), { pos_members: 'pos_members' }, part, file)
  }

  #code(values: SampledFact['values'], part: Part, file: string): void {
    const code = values.get('code')
    const type = values.get('code_type')
    const described = this.#only('dim_code', code, (row) => type !== null && isSame(row.values.get('code_type'), type))
    copy(described, { code_description: 'code_description', code_name: 'code_name' }, part, file)
    const names = { proc_set: 'procedure_set', proc_class: 'procedure_class', proc_group: 'procedure_group' }
    // Several categories are no error: the lowest counts, by set, class and group.
    copy(this.#only('dim_code_cat', code), names, part, file)
  }

  #taxIds(values: SampledFact['values'], part: Part, file: string): void {
    const group = values.get('pg_uid')
    if (group === undefined) return
    const { rows, unread } = this.#found.xref_pg_member_tin
    const name = textOf(group) ?? ''
    if (group !== null && unread(name)) return
    const links = group === null ? [] : (rows.get(name) ?? [])
    if (links.some((link) => !link.values.has('tin_value'))) return
    const ids = new Set(links.flatMap((link) => textOf(link.values.get('tin_value')) ?? []))
    const value = ids.size === 0 ? null : [...ids].sort(byBytes)
    part.set('tin_values', { value, file: links[0]?.file ?? file })
  }

  #provider(npi: string, file: string): Part {
    const known = this.#providers.get(npi)
    if (known) return known
    const part: Part = new Map()
    part.set('npi', { value: npi, file })
    this.#person(npi, part)
    this.#location(npi, part)
    if (this.#providers.size >= REMEMBERED_PROVIDERS) this.#providers.clear()
    this.#providers.set(npi, part)
    return part
  }

  #person(npi: string, part: Part): void {
    const person = this.#only('dim_npi', npi)
    copy(person, PERSON, part, '')
    const type = part.get('enumeration_type')
    if (type) part.set('provider_type', { ...type, value: providerType(textOf(type.value)) })
    const sole = part.get('sole_proprietor')
    if (sole) part.set('is_sole_proprietor', { ...sole, value: soleProprietor(textOf(sole.value)) })
  }

  /** The LOCATION address with the lowest hash, from either table; with equal hashes the address table's own columns. */
  #location(npi: string, part: Part): void {
    const own = this.#addresses('dim_npi_address', npi)
    const geo = this.#addresses('dim_npi_address_geolocation', npi)
    if (own === undefined || geo === undefined) return
    const hashes = [...own.keys(), ...geo.keys()].sort(byBytes)
    const [lowest] = hashes
    const place = lowest === undefined ? null : (own.get(lowest) ?? geo.get(lowest) ?? null)
    copy(place, PLACE, part, '')
    copy((lowest === undefined ? null : geo.get(lowest)) ?? null, GEO, part, '')
  }

  /** LOCATION addresses by hash, or undefined where some could not be read. */
  #addresses(
    table: 'dim_npi_address' | 'dim_npi_address_geolocation',
    npi: string,
  ): ReadonlyMap<string, FoundRow> | undefined {
    const { rows, unread } = this.#found[table]
    if (unread(npi)) return undefined
    const byHash = new Map<string, FoundRow[]>()
    for (const row of rows.get(npi) ?? []) {
      const purpose = row.values.get('address_purpose')
      const hash = row.values.get('address_hash')
      if (purpose === undefined || hash === undefined) return undefined
      if (typeof hash !== 'string' || !isLocation(textOf(purpose))) continue
      byHash.set(hash, [...(byHash.get(hash) ?? []), row])
    }
    const first = new Map<string, FoundRow>()
    for (const [hash, same] of byHash) {
      const row = firstRow(same, STAR_TABLES[table])
      if (row) first.set(hash, row)
    }
    return first
  }

  #benchmark(fact: SampledFact, row: DueRow): Part {
    const part: Part = new Map()
    const found = this.#medicare(row)
    if (found === undefined) return part
    copy(found, BENCHMARK, part, fact.file)
    const type = row.get('negotiated_type')
    const rate = row.get('negotiated_rate')
    const medicare = part.get('medicare_state_rate')
    if (!type || !rate || !medicare) return part
    const comparable =
      isComparedWithMedicare(textOf(type.value)) &&
      typeof rate.value === 'number' &&
      !Number.isNaN(rate.value) &&
      typeof medicare.value === 'number' &&
      medicare.value > 0
        ? { rate: rate.value, medicare: medicare.value }
        : undefined
    const file = medicare.file
    part.set('rate_to_medicare_ratio', { value: comparable ? comparable.rate / comparable.medicare : null, file })
    part.set('is_above_medicare', { value: comparable ? comparable.rate > comparable.medicare : null, file })
    return part
  }

  /** The plain Medicare row of the code in the row's state; null of none, undefined where it could not be read. */
  #medicare(row: DueRow): FoundRow | null | undefined {
    const text = (name: string): string | null | undefined => {
      const due = row.get(name)
      return due && textOf(due.value)
    }
    const [code, type, year] = [text('code'), text('code_type'), text('year')]
    const [state, country, market] = [text('state'), text('country_code'), text('market_state')]
    if (code === undefined || type === undefined || year === undefined) return undefined
    if (state === undefined || country === undefined || market === undefined) return undefined
    const where = medicareState(state, country, market)
    if (code === null || type === null || year === null || where === null) return null
    const key = JSON.stringify([code, type, year, where])
    if (this.#benchmarks.has(key)) return this.#benchmarks.get(key)
    if (this.#benchmarks.size >= REMEMBERED_BENCHMARKS) this.#benchmarks.clear()
    const found = this.#medicareOf(code, type, year, where)
    this.#benchmarks.set(key, found)
    return found
  }

  #medicareOf(code: string, type: string, year: string, where: string): FoundRow | null | undefined {
    const { rows, unread } = this.#found.bench_medicare_professional
    if (unread(code)) return undefined
    const ofCode = rows.get(code) ?? []
    if (ofCode.some(({ values }) => CHOOSING.some((column) => !values.has(column)))) return undefined
    return newest(
      ofCode.filter(
        ({ values }) =>
          textOf(values.get('code_type')) === type &&
          stateOf(textOf(values.get('state'))) === where &&
          isUnmodified(textOf(values.get('modifier'))) &&
          Number(values.get('data_year') ?? Number.NaN) <= Number(year),
      ),
    )
  }

  /** The row of a key that counts; null of none, undefined where it could not be read. */
  #only(
    table: 'dim_payer' | 'dim_pos_set' | 'dim_code' | 'dim_code_cat' | 'dim_npi',
    key: ContractValue | undefined,
    where: (row: FoundRow) => boolean = () => true,
  ): FoundRow | null | undefined {
    if (key === undefined) return undefined
    if (typeof key !== 'string') return null
    const { rows, unread } = this.#found[table]
    if (unread(key)) return undefined
    return firstRow((rows.get(key) ?? []).filter(where), STAR_TABLES[table]) ?? null
  }
}

/** Column of the table by column of its source. */
type Names = Readonly<Record<string, string>>

const PERSON: Names = {
  first_name: 'first_name',
  last_name: 'last_name',
  organization_name: 'organization_name',
  enumeration_type: 'enumeration_type',
  status: 'npi_status',
  primary_taxonomy_code: 'primary_taxonomy_code',
  primary_taxonomy_desc: 'primary_taxonomy_desc',
  primary_taxonomy_state: 'primary_taxonomy_state',
  primary_taxonomy_license: 'primary_taxonomy_license',
  credential: 'credential',
  sole_proprietor: 'sole_proprietor',
  enumeration_date: 'enumeration_date',
}

const PLACE: Names = Object.fromEntries(['address_hash', ...PLACE_COLUMNS].map((name) => [name, name]))

const GEO: Names = Object.fromEntries(
  ['latitude', 'longitude', 'county_name', 'county_fips', 'stat_area_name', 'stat_area_code', 'matched_address'].map(
    (name) => [name, name],
  ),
)

const BENCHMARK: Names = {
  benchmark_type: 'benchmark_type',
  medicare_prof_national: 'medicare_national_rate',
  medicare_prof_stateavg: 'medicare_state_rate',
  work_rvu: 'work_rvu',
  practice_expense_rvu: 'practice_expense_rvu',
  malpractice_rvu: 'malpractice_rvu',
  total_rvu: 'total_rvu',
  conversion_factor: 'conversion_factor',
}

/** Every column of a row whose fact has no provider. */
function withoutProvider(file: string): Part {
  const names = [...Object.values(PERSON), ...Object.values(PLACE), ...Object.values(GEO)]
  return new Map(['npi', 'provider_type', 'is_sole_proprietor', ...names].map((name) => [name, { value: null, file }]))
}

/** Copies columns of a found row; NULL where there is none, nothing where nothing is known. */
function copy(row: FoundRow | null | undefined, names: Names, part: Part, file: string): void {
  if (row === undefined) return
  for (const [from, to] of Object.entries(names)) {
    if (row === null) part.set(to, { value: null, file })
    else {
      const value = row.values.get(from)
      if (value !== undefined) part.set(to, { value, file: row.file })
    }
  }
}

/** Of the newest year that is there, the newest month: all rows that are left are the same, or nothing is known. */
function newest(rows: readonly FoundRow[]): FoundRow | null | undefined {
  if (rows.length === 0) return null
  const year = Math.max(...rows.map(({ values }) => Number(values.get('data_year'))))
  const ofYear = rows.filter(({ values }) => Number(values.get('data_year')) === year)
  const months = ofYear.map(({ values }) => values.get('year_month'))
  const latest = months.map(textOf).reduce((a, b) => (b !== null && (a === null || byBytes(a, b) < 0) ? b : a))
  const left = ofYear.filter(({ values }) => isSame(values.get('year_month'), latest))
  return agreed(left)
}

const NONE: ReadonlySet<string> = new Set()

/** What decides which Medicare row is taken. */
const CHOOSING = ['code_type', 'state', 'modifier', 'data_year', 'year_month']

function textOf(value: ContractValue | boolean | undefined): string | null {
  return typeof value === 'string' ? value : null
}
