/** The input contract: tables, columns, where they lie, and which may be missing. */
import type { TableName } from '../config/schema.js'
import type { CodeWidth } from './code-widths.js'
import type { ColumnKind } from './column-kinds.js'

/** One column that ETL3 reads of an input table. */
export interface ContractColumn {
  readonly name: string
  readonly kind: ColumnKind
  /** A missing required column stops the run; a missing optional one is NULL and listed. */
  readonly required: boolean
  /** Digits of a code, where the kind is `code` or `codes`. */
  readonly width?: CodeWidth
  /** What follows where an optional column is missing that decides which row is taken. */
  readonly whenMissing?: string
  /** What the texts of the column look like. Others are taken as they are, and told. */
  readonly form?: TextForm
}

/** A form of texts. */
export interface TextForm {
  /** A regular expression (RE2) for the whole text. */
  readonly pattern: string
  /** A text of this form, in words. */
  readonly says: string
  /** What follows for another text. */
  readonly otherwise: string
}

/** One input table. */
export interface ContractTable {
  readonly name: TableName
  /** Place under `input.root`. */
  readonly path: string
  /** A missing optional table counts as empty and is listed. */
  readonly required: boolean
  /** Columns by which rows are looked up; rows that are equal in all columns count once, differing ones are an error. */
  readonly key: readonly string[]
  readonly columns: readonly ContractColumn[]
}

const id = (name: string): ContractColumn => ({ name, kind: 'id', required: true })
const required = (name: string, kind: ColumnKind = 'text'): ContractColumn => ({ name, kind, required: true })
const optional = (name: string, kind: ColumnKind = 'text'): ContractColumn => ({ name, kind, required: false })
/** A billing code: its width is that of its type. */
const billingCode = (name: string, width: CodeWidth = 'code_type'): ContractColumn => ({
  ...required(name, 'code'),
  width,
})

/** Columns of places that hold codes of digits. */
const PLACE_CODES: Readonly<Record<string, CodeWidth>> = {
  postal_code: [5, 9],
  county_fips: [5],
  stat_area_code: [5],
}

/** Postal codes abroad have other forms; these codes exist in the United States alone. */
const FIVE_DIGITS: TextForm = {
  pattern: '\\d{5}',
  says: 'code of five digits',
  otherwise: 'they stay as they are, and match no list of such codes',
}

const placeColumn = (name: string): ContractColumn => {
  const width = PLACE_CODES[name]
  if (!width) return optional(name)
  const form = name === 'postal_code' ? undefined : FIVE_DIGITS
  return { ...optional(name, 'code'), width, ...(form ? { form } : {}) }
}

/** Columns that dim_npi_address and dim_npi_address_geolocation share beside key and purpose. */
export const ADDRESS_COLUMNS = [
  'address_1',
  'address_2',
  'city',
  'state',
  'postal_code',
  'country_code',
  'telephone_number',
  'fax_number',
] as const

/** Columns that only the geolocation has. */
export const GEO_TEXT_COLUMNS = [
  'county_name',
  'county_fips',
  'stat_area_name',
  'stat_area_code',
  'matched_address',
] as const

const addressColumns: readonly ContractColumn[] = [
  id('npi'),
  required('address_purpose'),
  required('address_hash'),
  ...ADDRESS_COLUMNS.map((name) => (name === 'state' ? required(name) : placeColumn(name))),
]

/** All tables of the star. */
export const CONTRACT: readonly ContractTable[] = [
  {
    name: 'fact_rate',
    path: 'gold/fact_rate.parquet',
    required: true,
    key: ['fact_uid'],
    columns: [
      id('fact_uid'),
      required('state'),
      required('year_month', 'month'),
      required('payer_slug'),
      required('billing_class'),
      required('code_type'),
      billingCode('code'),
      id('pg_uid'),
      optional('pos_set_id', 'id'),
      required('negotiated_type'),
      optional('negotiation_arrangement'),
      required('negotiated_rate', 'number'),
      optional('expiration_date', 'date'),
      optional('provider_group_id_raw'),
      optional('reporting_entity_name'),
    ],
  },
  {
    name: 'dim_code',
    path: 'dims/dim_code.parquet',
    required: true,
    key: ['code_type', 'code'],
    columns: [required('code_type'), billingCode('code'), optional('code_description'), optional('code_name')],
  },
  {
    name: 'dim_code_cat',
    path: 'dims/dim_code_cat.parquet',
    required: true,
    // Several categories of one code are no error: the lowest one counts (stage-dimensions.ts). So no unique key.
    key: [],
    // Categories are those of CPT and HCPCS codes, whatever other codes a fact may have.
    columns: [billingCode('proc_cd', [5]), required('proc_set'), required('proc_class'), optional('proc_group')],
  },
  {
    name: 'dim_payer',
    path: 'dims/dim_payer.parquet',
    required: true,
    key: ['payer_slug'],
    columns: [required('payer_slug'), optional('reporting_entity_name')],
  },
  {
    name: 'dim_provider_group',
    path: 'dims/dim_provider_group.parquet',
    required: true,
    key: ['pg_uid'],
    columns: [id('pg_uid'), optional('provider_group_id_raw')],
  },
  {
    name: 'dim_pos_set',
    path: 'dims/dim_pos_set.parquet',
    required: true,
    key: ['pos_set_id'],
    columns: [id('pos_set_id'), { ...required('pos_members', 'codes'), width: [2] }],
  },
  {
    name: 'dim_npi',
    path: 'dims/dim_npi.parquet',
    required: true,
    key: ['npi'],
    columns: [
      id('npi'),
      optional('first_name'),
      optional('last_name'),
      optional('organization_name'),
      optional('enumeration_type'),
      optional('status'),
      required('primary_taxonomy_code'),
      optional('primary_taxonomy_desc'),
      optional('primary_taxonomy_state'),
      optional('primary_taxonomy_license'),
      optional('credential'),
      optional('sole_proprietor'),
      optional('enumeration_date', 'date'),
    ],
  },
  {
    name: 'dim_npi_address',
    path: 'dims/dim_npi_address.parquet',
    required: true,
    key: ['npi', 'address_purpose', 'address_hash'],
    columns: addressColumns,
  },
  {
    name: 'dim_npi_address_geolocation',
    path: 'dims/dim_npi_address_geolocation.parquet',
    required: true,
    key: ['npi', 'address_purpose', 'address_hash'],
    columns: [
      ...addressColumns,
      optional('latitude', 'number'),
      optional('longitude', 'number'),
      ...GEO_TEXT_COLUMNS.map((name) => (name === 'stat_area_name' ? required(name) : placeColumn(name))),
    ],
  },
  {
    name: 'xref_pg_member_npi',
    path: 'xrefs/xref_pg_member_npi.parquet',
    required: true,
    // A link table: doubled links are counted and count once.
    key: [],
    columns: [id('pg_uid'), id('npi')],
  },
  {
    name: 'xref_pg_member_tin',
    path: 'xrefs/xref_pg_member_tin.parquet',
    required: true,
    key: [],
    columns: [id('pg_uid'), id('tin_value')],
  },
  {
    name: 'bench_medicare_professional',
    path: 'bench_medicare_professional.parquet',
    required: false,
    key: ['state', 'code_type', 'code', 'data_year', 'year_month'],
    columns: [
      required('state'),
      required('code_type'),
      billingCode('code'),
      required('data_year', 'integer'),
      {
        ...optional('year_month', 'month'),
        whenMissing: 'the rows of a code, state and data_year count as those of one month, and must not differ',
        form: {
          pattern: '\\d{4}-(0[1-9]|1[0-2])',
          says: 'month',
          otherwise: 'of the rows of a code, state and data_year, the last in the order of these texts counts',
        },
      },
      {
        ...optional('modifier'),
        whenMissing: 'every row counts as the price of the plain code, that of a modifier as well',
      },
      optional('benchmark_type'),
      optional('medicare_prof_national', 'number'),
      required('medicare_prof_stateavg', 'number'),
      optional('work_rvu', 'number'),
      optional('practice_expense_rvu', 'number'),
      optional('malpractice_rvu', 'number'),
      optional('total_rvu', 'number'),
      optional('conversion_factor', 'number'),
    ],
  },
]

/** Contract of one table. */
export function contractOf(name: TableName): ContractTable {
  const table = CONTRACT.find((t) => t.name === name)
  if (!table) throw new Error(`no contract for table '${name}'`)
  return table
}
