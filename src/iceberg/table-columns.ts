/** Iceberg's columns: which field id each column of the table has, for good. */
import type { FileColumn } from '../parquet/factorised.js'
import { IntegrityError } from '../runtime/errors.js'
import type { DictionaryColumn } from '../star/dictionary.js'

/**
 * Field ids by column, and by `<column>.element` for the elements of a list. Data files are read by these ids, whatever
 * the columns are called: an id is never changed and never given to another column. A new column gets the next number;
 * the number of a column that is gone stays here.
 */
const FIELD_IDS: Readonly<Record<string, number>> = {
  payer_slug: 1,
  state: 2,
  billing_class: 3,
  procedure_set: 4,
  procedure_class: 5,
  primary_taxonomy_code: 6,
  stat_area_name: 7,
  year: 8,
  month: 9,
  fact_uid: 10,
  market_state: 11,
  year_month: 12,
  code_type: 13,
  code: 14,
  negotiated_type: 15,
  negotiation_arrangement: 16,
  negotiated_rate: 17,
  expiration_date: 18,
  pg_uid: 19,
  provider_group_id_raw: 20,
  reporting_entity_name: 21,
  pos_set_id: 22,
  pos_members: 23,
  code_description: 24,
  code_name: 25,
  procedure_group: 26,
  npi: 27,
  first_name: 28,
  last_name: 29,
  organization_name: 30,
  enumeration_type: 31,
  npi_status: 32,
  primary_taxonomy_desc: 33,
  primary_taxonomy_state: 34,
  primary_taxonomy_license: 35,
  credential: 36,
  sole_proprietor: 37,
  enumeration_date: 38,
  provider_type: 39,
  is_sole_proprietor: 40,
  address_1: 41,
  address_2: 42,
  city: 43,
  postal_code: 44,
  country_code: 45,
  telephone_number: 46,
  fax_number: 47,
  address_hash: 48,
  latitude: 49,
  longitude: 50,
  county_name: 51,
  county_fips: 52,
  stat_area_code: 53,
  matched_address: 54,
  tin_values: 55,
  benchmark_type: 56,
  medicare_national_rate: 57,
  medicare_state_rate: 58,
  work_rvu: 59,
  practice_expense_rvu: 60,
  malpractice_rvu: 61,
  total_rvu: 62,
  conversion_factor: 63,
  rate_to_medicare_ratio: 64,
  is_above_medicare: 65,
  'pos_members.element': 66,
  'tin_values.element': 67,
}

/** A column of an Iceberg table, and of its data files. Lists have an `elementFieldId` as well. */
export interface TableColumn extends FileColumn {
  readonly fieldId: number
  readonly meaning: string
}

/**
 * The columns of the data dictionary as Iceberg knows them: what the encoder and the table's schema are made with.
 *
 * @throws IntegrityError `ETL3-IC-08` for a column that has no field id
 */
export function tableColumns(dictionary: readonly DictionaryColumn[]): TableColumn[] {
  return dictionary.map(({ name, type, meaning }) => ({
    name,
    type,
    meaning,
    fieldId: fieldId(name),
    ...(type === 'list' ? { elementFieldId: fieldId(`${name}.element`) } : {}),
  }))
}

function fieldId(name: string): number {
  const id = Object.hasOwn(FIELD_IDS, name) ? FIELD_IDS[name] : undefined
  if (id !== undefined) return id
  throw new IntegrityError('ETL3-IC-08', `the column ${name} has no field id`, {
    hint: 'This is a defect: give it the next number in src/iceberg/table-columns.ts.',
  })
}
