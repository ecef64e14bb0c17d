/** A star as plain values, small enough to read in a test, and its way into Parquet files. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { quoted, text } from '../oracle/sql.js'

/** A value of a star's table. */
export type StarValue = string | number | boolean | null | readonly (string | null)[]

/** A table: SQL type of each column, in order, and rows by column name. A column that a row does not name is NULL. */
export interface StarTable {
  readonly columns: Readonly<Record<string, string>>
  readonly rows: readonly Readonly<Record<string, StarValue>>[]
}

/** Tables by the path of their file under the star's root, without `.parquet`. */
export type Star = Readonly<Record<string, StarTable>>

const address = {
  npi: 'VARCHAR',
  address_purpose: 'VARCHAR',
  address_hash: 'VARCHAR',
  address_1: 'VARCHAR',
  address_2: 'VARCHAR',
  city: 'VARCHAR',
  state: 'VARCHAR',
  postal_code: 'VARCHAR',
  country_code: 'VARCHAR',
  telephone_number: 'VARCHAR',
  fax_number: 'VARCHAR',
  last_updated: 'VARCHAR',
}

/** The columns of each file, as ETL1 writes them. */
export const COLUMNS = {
  'gold/fact_rate': {
    fact_uid: 'VARCHAR',
    state: 'VARCHAR',
    year_month: 'VARCHAR',
    payer_slug: 'VARCHAR',
    billing_class: 'VARCHAR',
    code_type: 'VARCHAR',
    code: 'VARCHAR',
    pg_uid: 'VARCHAR',
    pos_set_id: 'VARCHAR',
    negotiated_type: 'VARCHAR',
    negotiation_arrangement: 'VARCHAR',
    negotiated_rate: 'DOUBLE',
    expiration_date: 'VARCHAR',
    provider_group_id_raw: 'VARCHAR',
    reporting_entity_name: 'VARCHAR',
  },
  'dims/dim_code': { code_type: 'VARCHAR', code: 'VARCHAR', code_description: 'VARCHAR', code_name: 'VARCHAR' },
  'dims/dim_code_cat': { proc_cd: 'VARCHAR', proc_set: 'VARCHAR', proc_class: 'VARCHAR', proc_group: 'VARCHAR' },
  'dims/dim_payer': { payer_slug: 'VARCHAR', reporting_entity_name: 'VARCHAR', version: 'VARCHAR' },
  'dims/dim_provider_group': {
    pg_uid: 'VARCHAR',
    payer_slug: 'VARCHAR',
    provider_group_id_raw: 'VARCHAR',
    version: 'VARCHAR',
  },
  'dims/dim_pos_set': { pos_set_id: 'VARCHAR', pos_members: 'VARCHAR[]' },
  'dims/dim_npi': {
    npi: 'VARCHAR',
    first_name: 'VARCHAR',
    last_name: 'VARCHAR',
    organization_name: 'VARCHAR',
    enumeration_type: 'VARCHAR',
    status: 'VARCHAR',
    primary_taxonomy_code: 'VARCHAR',
    primary_taxonomy_desc: 'VARCHAR',
    primary_taxonomy_state: 'VARCHAR',
    primary_taxonomy_license: 'VARCHAR',
    credential: 'VARCHAR',
    sole_proprietor: 'VARCHAR',
    enumeration_date: 'VARCHAR',
    last_updated: 'VARCHAR',
  },
  'dims/dim_npi_address': address,
  'dims/dim_npi_address_geolocation': {
    ...address,
    latitude: 'DOUBLE',
    longitude: 'DOUBLE',
    county_name: 'VARCHAR',
    county_fips: 'VARCHAR',
    stat_area_name: 'VARCHAR',
    stat_area_code: 'VARCHAR',
    matched_address: 'VARCHAR',
  },
  'xrefs/xref_pg_member_npi': { pg_uid: 'VARCHAR', npi: 'VARCHAR' },
  'xrefs/xref_pg_member_tin': { pg_uid: 'VARCHAR', tin_type: 'VARCHAR', tin_value: 'VARCHAR' },
  bench_medicare_professional: {
    state: 'VARCHAR',
    year_month: 'VARCHAR',
    code_type: 'VARCHAR',
    code: 'VARCHAR',
    modifier: 'VARCHAR',
    data_year: 'INTEGER',
    benchmark_type: 'VARCHAR',
    medicare_prof_national: 'DOUBLE',
    medicare_prof_stateavg: 'DOUBLE',
    work_rvu: 'DOUBLE',
    practice_expense_rvu: 'DOUBLE',
    malpractice_rvu: 'DOUBLE',
    total_rvu: 'DOUBLE',
    conversion_factor: 'DOUBLE',
  },
} as const satisfies Record<string, Record<string, string>>

/** Path of a file under the star's root, without `.parquet`. */
export type StarFileName = keyof typeof COLUMNS

/** Writes each table of a star to its Parquet file under `root`. */
export async function writeStar(root: string, star: Star): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    for (const [name, { columns, rows }] of Object.entries(star)) {
      const file = join(root, `${name}.parquet`)
      mkdirSync(dirname(file), { recursive: true })
      const types = Object.entries(columns)
      const tuples = rows.map((row) => `(${types.map(([c, type]) => literal(row[c] ?? null, type)).join(', ')})`)
      const nothing = `(${types.map(([, type]) => literal(null, type)).join(', ')})`
      const names = types.map(([column]) => quoted(column)).join(', ')
      await connection.run(
        `COPY (SELECT * FROM (VALUES ${tuples.length === 0 ? nothing : tuples.join(', ')}) AS t(${names})
           ${tuples.length === 0 ? 'WHERE false' : ''}) TO ${text(file)} (FORMAT parquet)`,
      )
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function literal(value: StarValue, type: string): string {
  if (value === null) return `NULL::${type}`
  if (typeof value === 'string') return `${text(value)}::${type}`
  // Through text, so that −0 and every last digit arrive.
  if (typeof value === 'number') return `'${Object.is(value, -0) ? '-0.0' : value}'::${type}`
  if (typeof value === 'boolean') return String(value)
  return `[${value.map((item) => (item === null ? 'NULL' : text(item))).join(', ')}]::${type}`
}

/** A copy of a star in which one table is another one. */
export function withTable(star: Star, name: StarFileName, change: (table: StarTable) => StarTable): Star {
  return { ...star, [name]: change(tableOf(star, name)) }
}

/** A table of a star. @throws Error when it has none of that name */
export function tableOf(star: Star, name: StarFileName): StarTable {
  const table = star[name]
  if (!table) throw new Error(`the star has no ${name}`)
  return table
}
