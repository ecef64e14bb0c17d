/** The columns of the star that the enriched rows come from, each with its rule: the contract a second time. */
import { asCode, asDate, asId, asInteger, asMonth, asNumber, asText, type ValueRule } from './contract-values.js'

/** One column of an input table. */
export interface StarColumn {
  readonly name: string
  readonly rule: ValueRule
  /** Whether it holds lists, to whose items the rule applies. */
  readonly list: boolean
  /** Whether the rule needs the row's `code_type`. */
  readonly byCodeType: boolean
}

/** Names of the input tables. */
export type StarTableName =
  | 'fact_rate'
  | 'dim_code'
  | 'dim_code_cat'
  | 'dim_payer'
  | 'dim_pos_set'
  | 'dim_npi'
  | 'dim_npi_address'
  | 'dim_npi_address_geolocation'
  | 'xref_pg_member_npi'
  | 'xref_pg_member_tin'
  | 'bench_medicare_professional'

const columns =
  (rule: ValueRule) =>
  (...names: string[]): StarColumn[] =>
    names.map((name) => ({ name, rule, list: false, byCodeType: false }))

const id = columns(asId)
const text = columns(asText)
const date = columns(asDate)
const month = columns(asMonth)
const number = columns(asNumber)
const integer = columns(asInteger)
const fiveDigits = columns(asCode(() => 5))
const zip = columns(asCode((digits) => (digits <= 5 ? 5 : 9)))

/** Digits that a code of a type has. */
const CODE_DIGITS: Readonly<Record<string, number>> = { CPT: 5, HCPCS: 5, 'MS-DRG': 3, RC: 4 }

const CODE: StarColumn = {
  name: 'code',
  rule: asCode((_, codeType) => CODE_DIGITS[codeType?.trim().toUpperCase() ?? ''] ?? 0),
  list: false,
  byCodeType: true,
}

const PLACES_OF_SERVICE: StarColumn = { name: 'pos_members', rule: asCode(() => 2), list: true, byCodeType: false }

/** What the address tables have in common, beside npi, purpose and hash. */
export const PLACE_COLUMNS = [
  'address_1',
  'address_2',
  'city',
  'state',
  'postal_code',
  'country_code',
  'telephone_number',
  'fax_number',
] as const

const ADDRESS = [
  ...id('npi'),
  ...text('address_purpose', 'address_hash', 'address_1', 'address_2', 'city', 'state'),
  ...zip('postal_code'),
  ...text('country_code', 'telephone_number', 'fax_number'),
]

/** In the order in which rows of one key are compared where only the first of them counts. */
export const STAR_TABLES: Readonly<Record<StarTableName, readonly StarColumn[]>> = {
  fact_rate: [
    ...id('fact_uid'),
    ...text('state'),
    ...month('year_month'),
    ...text('payer_slug', 'billing_class', 'code_type'),
    CODE,
    ...id('pg_uid', 'pos_set_id'),
    ...text('negotiated_type', 'negotiation_arrangement'),
    ...number('negotiated_rate'),
    ...date('expiration_date'),
    ...text('provider_group_id_raw', 'reporting_entity_name'),
  ],
  dim_code: [...text('code_type'), CODE, ...text('code_description', 'code_name')],
  dim_code_cat: [...fiveDigits('proc_cd'), ...text('proc_set', 'proc_class', 'proc_group')],
  dim_payer: text('payer_slug', 'reporting_entity_name'),
  dim_pos_set: [...id('pos_set_id'), PLACES_OF_SERVICE],
  dim_npi: [
    ...id('npi'),
    ...text('first_name', 'last_name', 'organization_name', 'enumeration_type', 'status'),
    ...text('primary_taxonomy_code', 'primary_taxonomy_desc', 'primary_taxonomy_state', 'primary_taxonomy_license'),
    ...text('credential', 'sole_proprietor'),
    ...date('enumeration_date'),
  ],
  dim_npi_address: ADDRESS,
  dim_npi_address_geolocation: [
    ...ADDRESS,
    ...number('latitude', 'longitude'),
    ...text('county_name'),
    ...fiveDigits('county_fips'),
    ...text('stat_area_name'),
    ...fiveDigits('stat_area_code'),
    ...text('matched_address'),
  ],
  xref_pg_member_npi: id('pg_uid', 'npi'),
  xref_pg_member_tin: id('pg_uid', 'tin_value'),
  bench_medicare_professional: [
    ...text('state', 'code_type'),
    CODE,
    ...integer('data_year'),
    ...month('year_month'),
    ...text('modifier', 'benchmark_type'),
    ...number('medicare_prof_national', 'medicare_prof_stateavg', 'work_rvu', 'practice_expense_rvu'),
    ...number('malpractice_rvu', 'total_rvu', 'conversion_factor'),
  ],
}
