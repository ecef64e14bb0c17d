/** Three facts, two groups, two providers: a valid star that fits on a page. */
import { COLUMNS, type Star, type StarFileName, type StarTable } from './star.js'

type Rows = StarTable['rows']

const ROWS: Readonly<Record<StarFileName, Rows>> = {
  'gold/fact_rate': [
    {
      fact_uid: 'f1',
      state: 'TX',
      year_month: '2025-06',
      payer_slug: 'payer',
      billing_class: 'professional',
      code_type: 'CPT',
      code: 'X1',
      pg_uid: 'g1',
      pos_set_id: 'p1',
      negotiated_type: 'negotiated',
      negotiation_arrangement: 'ffs',
      negotiated_rate: 150,
      expiration_date: '2025-12-31',
      provider_group_id_raw: '1',
      reporting_entity_name: 'Entity',
    },
    {
      fact_uid: 'f2',
      state: 'TX',
      year_month: '2025-06',
      payer_slug: 'payer',
      billing_class: 'professional',
      code_type: 'CPT',
      code: 'X2',
      pg_uid: 'g2',
      negotiated_type: 'percentage',
      negotiated_rate: 80.5,
      provider_group_id_raw: '2',
    },
    {
      fact_uid: 'f3',
      state: 'TX',
      year_month: '2025-13',
      payer_slug: 'payer',
      billing_class: '',
      code_type: 'CPT',
      code: 'X1',
      pg_uid: 'g2',
      negotiated_type: 'fee schedule',
      negotiated_rate: 20,
    },
  ],
  'dims/dim_code': [
    { code_type: 'CPT', code: 'X1', code_description: 'first', code_name: 'one' },
    { code_type: 'CPT', code: 'X2', code_description: 'second', code_name: 'two' },
  ],
  'dims/dim_code_cat': [
    { proc_cd: 'X1', proc_set: 'Test', proc_class: 'Laboratory', proc_group: 'Chemistry' },
    { proc_cd: 'X1', proc_set: 'Imaging', proc_class: 'CT', proc_group: 'Chest' },
  ],
  'dims/dim_payer': [{ payer_slug: 'payer', reporting_entity_name: 'The Payer', version: '1' }],
  'dims/dim_provider_group': [
    { pg_uid: 'g1', payer_slug: 'payer', provider_group_id_raw: '1', version: '1' },
    { pg_uid: 'g2', payer_slug: 'payer', provider_group_id_raw: '2', version: '1' },
  ],
  'dims/dim_pos_set': [{ pos_set_id: 'p1', pos_members: ['11', '22'] }],
  'dims/dim_npi': [
    {
      npi: '9000000001',
      first_name: 'Ada',
      last_name: "O'Brien",
      enumeration_type: 'NPI-1',
      status: 'A',
      primary_taxonomy_code: '207Q00000X',
      primary_taxonomy_desc: 'Family Medicine',
      sole_proprietor: 'YES',
      enumeration_date: '2006-01-02',
    },
    { npi: '9000000002', organization_name: 'Clinic', enumeration_type: 'NPI-2', primary_taxonomy_code: '' },
  ],
  'dims/dim_npi_address': [
    { npi: '9000000001', address_purpose: 'MAILING', address_hash: 'a0', city: 'Elsewhere', state: 'NY' },
    { npi: '9000000001', address_purpose: 'LOCATION', address_hash: 'a1', city: 'Hayden', state: 'ID' },
  ],
  'dims/dim_npi_address_geolocation': [
    {
      npi: '9000000001',
      address_purpose: 'LOCATION',
      address_hash: 'a1',
      city: 'HAYDEN',
      state: 'ID',
      latitude: 47.76,
      longitude: -116.78,
      stat_area_name: "Coeur d'Alene, ID Metro Area",
      stat_area_code: '17660',
    },
    { npi: '9000000001', address_purpose: 'LOCATION', address_hash: 'a2', city: 'Boise', state: 'ID' },
  ],
  'xrefs/xref_pg_member_npi': [
    { pg_uid: 'g1', npi: '9000000001' },
    { pg_uid: 'g1', npi: '9000000001' },
    { pg_uid: 'g1', npi: '9000000002' },
    { pg_uid: 'g2', npi: '0' },
  ],
  'xrefs/xref_pg_member_tin': [
    { pg_uid: 'g1', tin_type: 'ein', tin_value: '22' },
    { pg_uid: 'g1', tin_type: 'ein', tin_value: '11' },
    { pg_uid: 'g1', tin_type: 'npi', tin_value: '22' },
  ],
  bench_medicare_professional: [
    ...[
      { data_year: 2024, year_month: '2024-07', modifier: null, medicare_prof_stateavg: 90 },
      { data_year: 2025, year_month: '2025-01', modifier: null, medicare_prof_stateavg: 95 },
      { data_year: 2025, year_month: '2025-04', modifier: '', medicare_prof_stateavg: 100 },
      { data_year: 2025, year_month: '2025-04', modifier: '26', medicare_prof_stateavg: 40 },
      { data_year: 2026, year_month: '2026-01', modifier: null, medicare_prof_stateavg: 110 },
    ].map((row) => ({ ...row, state: 'ID', code_type: 'CPT', code: 'X1', benchmark_type: 'professional' })),
    {
      state: 'TX',
      code_type: 'CPT',
      code: 'X1',
      data_year: 2025,
      year_month: '2025-01',
      medicare_prof_stateavg: 200,
      medicare_prof_national: 190,
    },
    { state: 'TX', code_type: 'CPT', code: 'X2', data_year: 2025, year_month: '2025-01', medicare_prof_stateavg: 10 },
  ],
}

/** The star; each call gives a fresh one. */
export function tinyStar(): Star {
  const star: Record<string, StarTable> = {}
  for (const [name, columns] of Object.entries(COLUMNS)) star[name] = { columns, rows: ROWS[asFileName(name)] }
  return star
}

function asFileName(name: string): StarFileName {
  if (isFileName(name)) return name
  throw new Error(`no file of a star is called ${name}`)
}

function isFileName(name: string): name is StarFileName {
  return name in COLUMNS
}
