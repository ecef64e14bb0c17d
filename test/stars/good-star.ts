/**
 * Ten facts in which no quality rule finds anything: f0 … f9, by turns of group g1 (two members) and g2 (one of these).
 * So the table has 15 rows: 10 of the provider A, 5 of the provider B.
 */
import { COLUMNS, type Star, type StarFileName, type StarValue } from './star.js'

type Row = Readonly<Record<string, StarValue>>

/** The NPI that CMS gives as an example of a right check digit, and a second one. */
export const NPI_A = '1234567893'
export const NPI_B = '1245319599'

/** Rows of some files that replace the good ones. */
export type Changes = Partial<Record<StarFileName, readonly Row[]>>

/** Fact number `i`, with other values where they are given. */
export function goodFact(i: number, values: Row = {}): Row {
  return {
    fact_uid: `f${i}`,
    state: 'TX',
    year_month: '2025-06',
    payer_slug: 'payer',
    billing_class: 'professional',
    code_type: 'CPT',
    code: 'X1',
    pg_uid: i % 2 === 0 ? 'g1' : 'g2',
    pos_set_id: 'p1',
    negotiated_type: 'negotiated',
    negotiation_arrangement: 'ffs',
    negotiated_rate: 100 + i,
    expiration_date: '2025-12-31',
    provider_group_id_raw: i % 2 === 0 ? '1' : '2',
    reporting_entity_name: 'Entity',
    ...values,
  }
}

/** Facts 0 to 9; `changed[i]` holds other values of fact i. */
export function goodFacts(changed: Readonly<Record<number, Row>> = {}): Row[] {
  return Array.from({ length: 10 }, (_, i) => goodFact(i, changed[i]))
}

/** The row of a provider's dimension. */
export function goodProvider(npi: string, values: Row = {}): Row {
  return {
    npi,
    first_name: 'Ada',
    last_name: 'Example',
    organization_name: 'Example',
    enumeration_type: 'NPI-1',
    status: 'A',
    primary_taxonomy_code: '207Q00000X',
    primary_taxonomy_desc: 'Family Medicine',
    sole_proprietor: 'NO',
    enumeration_date: '2006-01-02',
    ...values,
  }
}

/** The row of a provider's place, of either address file. */
export function goodPlace(npi: string, values: Row = {}): Row {
  return {
    npi,
    address_purpose: 'LOCATION',
    address_hash: `hash of ${npi}`,
    address_1: '1 Main Street',
    city: 'Austin',
    state: 'TX',
    postal_code: '787011234',
    country_code: 'US',
    latitude: 30.27,
    longitude: -97.74,
    stat_area_name: 'Austin Metro Area',
    ...values,
  }
}

/** The star. */
export function goodStar(changes: Changes = {}): Star {
  const rows: Readonly<Record<StarFileName, readonly Row[]>> = {
    'gold/fact_rate': goodFacts(),
    'dims/dim_code': [{ code_type: 'CPT', code: 'X1', code_description: 'first', code_name: 'one' }],
    'dims/dim_code_cat': [{ proc_cd: 'X1', proc_set: 'Test', proc_class: 'Laboratory', proc_group: 'Chemistry' }],
    'dims/dim_payer': [{ payer_slug: 'payer', reporting_entity_name: 'The Payer' }],
    'dims/dim_provider_group': [{ pg_uid: 'g1' }, { pg_uid: 'g2' }],
    'dims/dim_pos_set': [{ pos_set_id: 'p1', pos_members: ['11'] }],
    'dims/dim_npi': [goodProvider(NPI_A), goodProvider(NPI_B)],
    'dims/dim_npi_address': [goodPlace(NPI_A), goodPlace(NPI_B)],
    'dims/dim_npi_address_geolocation': [goodPlace(NPI_A), goodPlace(NPI_B)],
    'xrefs/xref_pg_member_npi': [
      { pg_uid: 'g1', npi: NPI_A },
      { pg_uid: 'g1', npi: NPI_B },
      { pg_uid: 'g2', npi: NPI_A },
    ],
    'xrefs/xref_pg_member_tin': [
      { pg_uid: 'g1', tin_type: 'ein', tin_value: '11' },
      { pg_uid: 'g2', tin_type: 'ein', tin_value: '12' },
    ],
    bench_medicare_professional: [],
    ...changes,
  }
  const star: Record<string, Star[string]> = {}
  for (const [name, table] of Object.entries(rows)) {
    if (!isFileName(name)) throw new Error(`no file of a star is called ${name}`)
    star[name] = { columns: COLUMNS[name], rows: table }
  }
  return star
}

function isFileName(name: string): name is StarFileName {
  return name in COLUMNS
}
