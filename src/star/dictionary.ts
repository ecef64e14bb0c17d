/**
 * The data dictionary: the one table from which the file schema, the encoder's order, the catalog's columns and
 * docs/data-dictionary.md come.
 */
import type { ColumnType } from '../parquet/factorised.js'

/**
 * What a column's value depends on. All columns of one axis share one stream of entries.
 *
 * - `attr`: the distinct combinations of a fact's low-cardinality attributes
 * - `code`: (code_type, code); `group`: (pg_uid, provider_group_id_raw); `fact`: the fact itself
 * - `npi`: the provider; `benchmark`: the Medicare row of (code, year, state)
 * - `rate`, `ratio`, `above`: numbers computed or read per fact or row
 */
export type Axis = 'attr' | 'code' | 'group' | 'fact' | 'npi' | 'benchmark' | 'rate' | 'ratio' | 'above'

/** Which side of a partition key a column can stand on; `both` columns depend on fact and provider. */
export type Side = 'fact' | 'provider' | 'both'

/** One column of `fact_rate_enriched`. */
export interface DictionaryColumn {
  readonly name: string
  readonly type: ColumnType
  readonly axis: Axis
  /** Table and column it comes from, or the rule. */
  readonly source: string
  readonly meaning: string
}

function column(name: string, type: ColumnType, axis: Axis, source: string, meaning: string): DictionaryColumn {
  return { name, type, axis, source, meaning }
}

/** All columns, in file order. */
export const DICTIONARY: readonly DictionaryColumn[] = [
  column('payer_slug', 'string', 'attr', 'fact_rate.payer_slug', 'Short name of the payer.'),
  column('state', 'string', 'npi', 'location.state', "State of the provider's LOCATION address."),
  column('billing_class', 'string', 'attr', 'fact_rate.billing_class', 'professional, institutional or both.'),
  column('procedure_set', 'string', 'code', 'dim_code_cat.proc_set', 'Broad category of the code.'),
  column('procedure_class', 'string', 'code', 'dim_code_cat.proc_class', 'Class within the category.'),
  column('primary_taxonomy_code', 'string', 'npi', 'dim_npi.primary_taxonomy_code', 'NUCC taxonomy of the provider.'),
  column(
    'stat_area_name',
    'string',
    'npi',
    'dim_npi_address_geolocation.stat_area_name',
    "Statistical area of the provider's LOCATION address.",
  ),
  column(
    'year',
    'string',
    'attr',
    'fact_rate.year_month',
    'Year of the fact, YYYY; NULL when year_month is malformed.',
  ),
  column(
    'month',
    'string',
    'attr',
    'fact_rate.year_month',
    'Month of the fact, 01 to 12; NULL when year_month is malformed.',
  ),

  column('fact_uid', 'string', 'fact', 'fact_rate.fact_uid', 'Identity of the fact.'),
  column('market_state', 'string', 'attr', 'fact_rate.state', "The fact's own state: the market of the file."),
  column(
    'year_month',
    'string',
    'attr',
    'fact_rate.year_month',
    'Month of the published file, YYYY-MM; as given where it is no month.',
  ),
  column('code_type', 'string', 'code', 'fact_rate.code_type', 'Kind of billing code: CPT, HCPCS, MS-DRG …'),
  column('code', 'string', 'code', 'fact_rate.code', 'Billing code.'),
  column(
    'negotiated_type',
    'string',
    'attr',
    'fact_rate.negotiated_type',
    'negotiated, derived, fee schedule, percentage or per diem, as given.',
  ),
  column(
    'negotiation_arrangement',
    'string',
    'attr',
    'fact_rate.negotiation_arrangement',
    'ffs, bundle or capitation.',
  ),
  column(
    'negotiated_rate',
    'double',
    'rate',
    'fact_rate.negotiated_rate',
    'The rate as given: dollars or per cent, as negotiated_type says.',
  ),
  column(
    'expiration_date',
    'string',
    'attr',
    'fact_rate.expiration_date',
    'End of the agreement, YYYY-MM-DD in UTC; as given where it is no ISO date.',
  ),
  column('pg_uid', 'string', 'group', 'fact_rate.pg_uid', 'Identity of the provider group.'),
  column(
    'provider_group_id_raw',
    'string',
    'group',
    'fact_rate.provider_group_id_raw',
    "The payer's own number of the group.",
  ),
  column(
    'reporting_entity_name',
    'string',
    'attr',
    'fact_rate.reporting_entity_name',
    "Who published the file; the payer's name where the fact has none.",
  ),
  column('pos_set_id', 'string', 'attr', 'fact_rate.pos_set_id', 'Identity of the set of places of service.'),
  column('pos_members', 'list', 'attr', 'dim_pos_set.pos_members', 'Places of service of the set.'),

  column('code_description', 'string', 'code', 'dim_code.code_description', 'Description of the code.'),
  column('code_name', 'string', 'code', 'dim_code.code_name', 'Name of the code.'),
  column('procedure_group', 'string', 'code', 'dim_code_cat.proc_group', 'Group within the class.'),

  column('npi', 'string', 'npi', 'xref_pg_member_npi.npi', 'The provider; NULL where the group has no valid member.'),
  column('first_name', 'string', 'npi', 'dim_npi.first_name', 'First name of an individual.'),
  column('last_name', 'string', 'npi', 'dim_npi.last_name', 'Last name of an individual.'),
  column('organization_name', 'string', 'npi', 'dim_npi.organization_name', 'Name of an organization.'),
  column(
    'enumeration_type',
    'string',
    'npi',
    'dim_npi.enumeration_type',
    'NPI-1 (individual) or NPI-2 (organization), as given.',
  ),
  column('npi_status', 'string', 'npi', 'dim_npi.status', 'Status in NPPES; A is active.'),
  column('primary_taxonomy_desc', 'string', 'npi', 'dim_npi.primary_taxonomy_desc', 'Description of the taxonomy.'),
  column('primary_taxonomy_state', 'string', 'npi', 'dim_npi.primary_taxonomy_state', 'State of the license.'),
  column('primary_taxonomy_license', 'string', 'npi', 'dim_npi.primary_taxonomy_license', 'Number of the license.'),
  column('credential', 'string', 'npi', 'dim_npi.credential', 'Credential, e.g. M.D.'),
  column('sole_proprietor', 'string', 'npi', 'dim_npi.sole_proprietor', 'YES, NO or X (not answered), as given.'),
  column(
    'enumeration_date',
    'string',
    'npi',
    'dim_npi.enumeration_date',
    'When the NPI was given out, YYYY-MM-DD in UTC; as given where it is no ISO date.',
  ),
  column(
    'provider_type',
    'string',
    'npi',
    'enumeration_type',
    'Individual (NPI-1) or Organization (NPI-2), in any known spelling.',
  ),
  column(
    'is_sole_proprietor',
    'boolean',
    'npi',
    'sole_proprietor',
    'true for YES, false for NO, in any known spelling, else NULL.',
  ),

  column('address_1', 'string', 'npi', 'location.address_1', 'First line of the LOCATION address.'),
  column('address_2', 'string', 'npi', 'location.address_2', 'Second line.'),
  column('city', 'string', 'npi', 'location.city', 'City.'),
  column('postal_code', 'string', 'npi', 'location.postal_code', 'ZIP code, 5 or 9 digits.'),
  column('country_code', 'string', 'npi', 'location.country_code', 'Country.'),
  column('telephone_number', 'string', 'npi', 'location.telephone_number', 'Telephone.'),
  column('fax_number', 'string', 'npi', 'location.fax_number', 'Fax.'),
  column(
    'address_hash',
    'string',
    'npi',
    'location.address_hash',
    'Identity of the address; the lowest wins where there are several.',
  ),
  column('latitude', 'double', 'npi', 'dim_npi_address_geolocation.latitude', 'Latitude in degrees.'),
  column('longitude', 'double', 'npi', 'dim_npi_address_geolocation.longitude', 'Longitude in degrees.'),
  column('county_name', 'string', 'npi', 'dim_npi_address_geolocation.county_name', 'County.'),
  column('county_fips', 'string', 'npi', 'dim_npi_address_geolocation.county_fips', 'FIPS code of the county.'),
  column(
    'stat_area_code',
    'string',
    'npi',
    'dim_npi_address_geolocation.stat_area_code',
    'CBSA code of the statistical area.',
  ),
  column(
    'matched_address',
    'string',
    'npi',
    'dim_npi_address_geolocation.matched_address',
    'The address that the geocoder matched.',
  ),

  column(
    'tin_values',
    'list',
    'group',
    'xref_pg_member_tin.tin_value',
    "The group's distinct tax ids, ascending; NULL where there is none.",
  ),

  column('benchmark_type', 'string', 'benchmark', 'bench_medicare_professional.benchmark_type', 'Kind of benchmark.'),
  column(
    'medicare_national_rate',
    'double',
    'benchmark',
    'bench_medicare_professional.medicare_prof_national',
    'National Medicare rate in dollars.',
  ),
  column(
    'medicare_state_rate',
    'double',
    'benchmark',
    'bench_medicare_professional.medicare_prof_stateavg',
    "Medicare rate of the provider's state (the market's where that is NULL) in dollars; NULL for a provider abroad.",
  ),
  column('work_rvu', 'double', 'benchmark', 'bench_medicare_professional.work_rvu', 'Relative value: work.'),
  column(
    'practice_expense_rvu',
    'double',
    'benchmark',
    'bench_medicare_professional.practice_expense_rvu',
    'Relative value: practice expense.',
  ),
  column(
    'malpractice_rvu',
    'double',
    'benchmark',
    'bench_medicare_professional.malpractice_rvu',
    'Relative value: malpractice.',
  ),
  column('total_rvu', 'double', 'benchmark', 'bench_medicare_professional.total_rvu', 'Relative value: total.'),
  column(
    'conversion_factor',
    'double',
    'benchmark',
    'bench_medicare_professional.conversion_factor',
    'Dollars per relative value unit.',
  ),
  column(
    'rate_to_medicare_ratio',
    'double',
    'ratio',
    'negotiated_rate / medicare_state_rate',
    'NULL unless the rate is dollars (for a service, a day or a case) and Medicare pays for the code.',
  ),
  column(
    'is_above_medicare',
    'boolean',
    'above',
    'negotiated_rate > medicare_state_rate',
    'NULL unless the rate is dollars (for a service, a day or a case) and Medicare pays for the code.',
  ),
]

/** Columns of one axis, in file order. */
export function columnsOf(axis: Axis): readonly DictionaryColumn[] {
  return DICTIONARY.filter((c) => c.axis === axis)
}

/** Side of a partition key on which a column can stand. */
export function sideOf(column: DictionaryColumn): Side {
  switch (column.axis) {
    case 'attr':
    case 'code':
    case 'group':
    case 'fact':
    case 'rate':
      return 'fact'
    case 'npi':
      return 'provider'
    case 'benchmark':
    case 'ratio':
    case 'above':
      return 'both'
  }
}
