/**
 * A star of very many partitions with few rows each, for memory that must not grow with them: 5,000 providers, each in a cell
 * of its own, times a slice for each month and payer. Names are long, so that a key has some 250 characters.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { placedUnder, type Subject } from './subject.js'

/** Partitions of a slice. */
export const CELLS = 5_000
const FACTS_OF_SLICE = 100
/** Facts that the changed star has another rate for, all of one slice. */
const CHANGED_FACTS = 10

const LONG = "'a long name, as people give them to areas and to categories, by which keys become long '"
const STATE = "list_extract(['TX', 'MN', 'CA', 'NY', 'FL', 'WI', 'IA', 'OH', 'PA', 'WA'], 1 + (provider % 10)::INTEGER)"
const ADDRESS = `(9000000000 + provider)::VARCHAR AS npi, 'LOCATION' AS address_purpose, 'DOM' AS address_type,
  'street ' || provider AS address_1, '' AS address_2, 'city' AS city, ${STATE} AS state, '000010000' AS postal_code,
  'US' AS country_code, '1' AS telephone_number, '1' AS fax_number, md5('h' || provider) AS address_hash`

/** SELECT of each table but the facts, by its path. */
const TABLES: Readonly<Record<string, string>> = {
  'dims/dim_payer': `SELECT 'payer-' || i AS payer_slug, 'Payer' AS reporting_entity_name, '1' AS version FROM range(10) t(i)`,
  'dims/dim_code': `SELECT 'CPT' AS code_type, '99213' AS code, 'visit' AS code_description, 'visit' AS code_name`,
  'dims/dim_code_cat': `SELECT '99213' AS proc_cd, ${LONG} || 'set' AS proc_set, 'class' AS proc_class, 'group' AS proc_group`,
  'dims/dim_pos_set': `SELECT 'p1' AS pos_set_id, ['11'] AS pos_members`,
  'dims/dim_npi': `SELECT (9000000000 + provider)::VARCHAR AS npi, 'a' AS first_name, 'b' AS last_name,
      NULL::VARCHAR AS organization_name, 'NPI-1' AS enumeration_type, 'A' AS status,
      '207' || (provider // 100) || 'X' AS primary_taxonomy_code, 'd' AS primary_taxonomy_desc, ${STATE} AS primary_taxonomy_state,
      'l' AS primary_taxonomy_license, 'NO' AS sole_proprietor, '2005-05-23' AS enumeration_date
    FROM range(${CELLS}) t(provider)`,
  'dims/dim_npi_address': `SELECT ${ADDRESS} FROM range(${CELLS}) t(provider)`,
  'dims/dim_npi_address_geolocation': `SELECT ${ADDRESS}, 30.0 AS latitude, 1.0 AS longitude, 'county' AS county_name, '01' AS county_fips,
      ${LONG} || (provider % 100) AS stat_area_name, '1' AS stat_area_code, 'm' AS matched_address FROM range(${CELLS}) t(provider)`,
  'dims/dim_provider_group': `SELECT md5('g' || g) AS pg_uid, 'payer-0' AS payer_slug, 'x' AS provider_group_id_raw, '1' AS version
    FROM range(${FACTS_OF_SLICE}) t(g)`,
  'xrefs/xref_pg_member_npi': `SELECT md5('g' || (provider % ${FACTS_OF_SLICE})) AS pg_uid, (9000000000 + provider)::VARCHAR AS npi
    FROM range(${CELLS}) t(provider)`,
  'xrefs/xref_pg_member_tin': `SELECT md5('g' || g) AS pg_uid, 'npi' AS tin_type, '1' AS tin_value FROM range(${FACTS_OF_SLICE}) t(g)`,
  bench_medicare_professional: `SELECT 'TX' AS state, '2024-07' AS year_month, 'CPT' AS code_type, '99213' AS code,
      NULL::VARCHAR AS modifier, 1.0 AS work_rvu, 1.0 AS practice_expense_rvu, 1.0 AS malpractice_rvu, 3.0 AS total_rvu, 2024 AS year,
      90.0 AS medicare_prof_national, 91.0 AS medicare_prof_stateavg, 33.0 AS conversion_factor,
      'professional' AS benchmark_type, 2024 AS data_year`,
}

/** The star, and the same one with other rates for a few facts. */
export async function manyPartitions(
  folder: string,
  slices: number,
): Promise<{ readonly first: Subject; readonly changed: Subject }> {
  const root = join(folder, `partitions-${slices}`)
  for (const name of ['gold', 'dims', 'xrefs', 'changed']) mkdirSync(join(root, name), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  for (const [path, select] of Object.entries(TABLES)) await put(connection, select, join(root, `${path}.parquet`))
  await put(connection, factsOf(slices, '100.0 + slice'), join(root, 'gold', 'fact_rate.parquet'))
  const changedFacts = join(root, 'changed', 'fact_rate.parquet')
  const changedRate = `CASE WHEN slice = 0 AND g < ${CHANGED_FACTS} THEN 55.5 ELSE 100.0 + slice END`
  await put(connection, factsOf(slices, changedRate), changedFacts)
  connection.closeSync()
  instance.closeSync()
  const title = `a generated star of ${(CELLS * slices).toLocaleString('en')} partitions`
  const first: Subject = { name: 'partitions', title, tables: placedUnder(root) }
  return { first, changed: { ...first, tables: { ...first.tables, fact_rate: changedFacts } } }
}

function factsOf(slices: number, rate: string): string {
  return `SELECT md5('f' || slice || '-' || g) AS fact_uid, 'TX' AS state,
      (2000 + slice // 120)::VARCHAR || '-' || lpad((1 + slice % 12)::VARCHAR, 2, '0') AS year_month,
      'payer-' || ((slice // 12) % 10) AS payer_slug, 'professional' AS billing_class, 'CPT' AS code_type, '99213' AS code,
      md5('g' || g) AS pg_uid, 'p1' AS pos_set_id, 'negotiated' AS negotiated_type, 'ffs' AS negotiation_arrangement,
      ${rate} AS negotiated_rate, '9999-12-31' AS expiration_date, 'x' AS provider_group_id_raw, 'E' AS reporting_entity_name
    FROM range(${slices}) a(slice), range(${FACTS_OF_SLICE}) b(g)`
}

async function put(connection: DuckDBConnection, select: string, path: string): Promise<void> {
  await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`)
}
