/**
 * The enriched table as a data engineer would join it: plain SQL from the raw files, one step after the other. Shares
 * nothing with ETL3's own code, so that a misreading there does not repeat itself here.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoted, text } from './sql.js'

/** Path or glob of each table's files; a table that is not named is empty. */
export type StarTables = Readonly<Record<string, string | undefined>>

/** What the configuration of the run says. */
export interface OracleOptions {
  /** Columns in which an empty string counts as NULL. */
  readonly partitionColumns: readonly string[]
  /** Facts with a rate outside are set aside. */
  readonly rateRange: { readonly min: number; readonly max: number }
  /** Facts with nothing (NULL, '') in one of these are set aside. */
  readonly required: readonly string[]
}

/** The options of a run with an empty configuration file. */
export const DEFAULT_OPTIONS: OracleOptions = {
  partitionColumns: [
    'payer_slug',
    'state',
    'billing_class',
    'procedure_set',
    'procedure_class',
    'primary_taxonomy_code',
    'stat_area_name',
    'year',
    'month',
  ],
  rateRange: { min: 0.01, max: 1_000_000 },
  required: ['fact_uid', 'payer_slug', 'negotiated_rate'],
}

/** Every table by its place under a root. */
export function tablesUnder(root: string): StarTables {
  return {
    fact_rate: `${root}/gold/fact_rate*.parquet`,
    dim_code: `${root}/dims/dim_code.parquet`,
    dim_code_cat: `${root}/dims/dim_code_cat.parquet`,
    dim_payer: `${root}/dims/dim_payer.parquet`,
    dim_pos_set: `${root}/dims/dim_pos_set.parquet`,
    dim_npi: `${root}/dims/dim_npi.parquet`,
    dim_npi_address: `${root}/dims/dim_npi_address.parquet`,
    dim_npi_address_geolocation: `${root}/dims/dim_npi_address_geolocation.parquet`,
    xref_pg_member_npi: `${root}/xrefs/xref_pg_member_npi.parquet`,
    xref_pg_member_tin: `${root}/xrefs/xref_pg_member_tin.parquet`,
    bench_medicare_professional: `${root}/bench_medicare_professional.parquet`,
  }
}

// The columns that the join reads, in the order in which `duplicates: first` sorts, and the key of a lookup.
interface InputTable {
  readonly key: readonly string[]
  readonly texts: readonly string[]
  readonly numbers?: readonly string[]
  readonly lists?: readonly string[]
}

const ADDRESS = [
  'address_1',
  'address_2',
  'city',
  'state',
  'postal_code',
  'country_code',
  'telephone_number',
  'fax_number',
]
const GEO_TEXTS = ['county_name', 'county_fips', 'stat_area_name', 'stat_area_code', 'matched_address']
const ADDRESS_KEY = ['npi', 'address_purpose', 'address_hash']
const RVUS = ['work_rvu', 'practice_expense_rvu', 'malpractice_rvu', 'total_rvu', 'conversion_factor']

const INPUT: Readonly<Record<string, InputTable>> = {
  fact_rate: {
    key: [],
    texts: [
      'fact_uid',
      'state',
      'year_month',
      'payer_slug',
      'billing_class',
      'code_type',
      'code',
      'pg_uid',
      'pos_set_id',
      'negotiated_type',
      'negotiation_arrangement',
      'expiration_date',
      'provider_group_id_raw',
      'reporting_entity_name',
    ],
    numbers: ['negotiated_rate'],
  },
  dim_code: { key: ['code_type', 'code'], texts: ['code_type', 'code', 'code_description', 'code_name'] },
  dim_code_cat: { key: ['proc_cd'], texts: ['proc_cd', 'proc_set', 'proc_class', 'proc_group'] },
  dim_payer: { key: ['payer_slug'], texts: ['payer_slug', 'reporting_entity_name'] },
  dim_pos_set: { key: ['pos_set_id'], texts: ['pos_set_id'], lists: ['pos_members'] },
  dim_npi: {
    key: ['npi'],
    texts: [
      'npi',
      'first_name',
      'last_name',
      'organization_name',
      'enumeration_type',
      'status',
      'primary_taxonomy_code',
      'primary_taxonomy_desc',
      'primary_taxonomy_state',
      'primary_taxonomy_license',
      'credential',
      'sole_proprietor',
      'enumeration_date',
    ],
  },
  dim_npi_address: { key: ADDRESS_KEY, texts: [...ADDRESS_KEY, ...ADDRESS] },
  dim_npi_address_geolocation: {
    key: ADDRESS_KEY,
    texts: [...ADDRESS_KEY, ...ADDRESS, ...GEO_TEXTS],
    numbers: ['latitude', 'longitude'],
  },
  xref_pg_member_npi: { key: ['pg_uid', 'npi'], texts: ['pg_uid', 'npi'] },
  xref_pg_member_tin: { key: ['pg_uid', 'tin_value'], texts: ['pg_uid', 'tin_value'] },
  bench_medicare_professional: {
    key: ['state', 'code_type', 'code', 'data_year'],
    texts: ['state', 'code_type', 'code', 'year_month', 'modifier', 'benchmark_type'],
    numbers: ['data_year', 'medicare_prof_national', 'medicare_prof_stateavg', ...RVUS],
  },
}

/** The columns of the enriched table in the file's order, with the type that DuckDB must read. */
export const ENRICHED_COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ...strings('payer_slug', 'state', 'billing_class', 'procedure_set', 'procedure_class', 'primary_taxonomy_code'),
  ...strings('stat_area_name', 'year', 'month'),
  ...strings(
    'fact_uid',
    'market_state',
    'year_month',
    'code_type',
    'code',
    'negotiated_type',
    'negotiation_arrangement',
  ),
  ['negotiated_rate', 'DOUBLE'],
  ...strings('expiration_date', 'pg_uid', 'provider_group_id_raw', 'reporting_entity_name', 'pos_set_id'),
  ['pos_members', 'VARCHAR[]'],
  ...strings('code_description', 'code_name', 'procedure_group'),
  ...strings('npi', 'first_name', 'last_name', 'organization_name', 'enumeration_type', 'npi_status'),
  ...strings('primary_taxonomy_desc', 'primary_taxonomy_state', 'primary_taxonomy_license', 'credential'),
  ...strings('sole_proprietor', 'enumeration_date', 'provider_type'),
  ['is_sole_proprietor', 'BOOLEAN'],
  ...strings('address_1', 'address_2', 'city', 'postal_code', 'country_code', 'telephone_number', 'fax_number'),
  ...strings('address_hash'),
  ['latitude', 'DOUBLE'],
  ['longitude', 'DOUBLE'],
  ...strings('county_name', 'county_fips', 'stat_area_code', 'matched_address'),
  ['tin_values', 'VARCHAR[]'],
  ...strings('benchmark_type'),
  ['medicare_national_rate', 'DOUBLE'],
  ['medicare_state_rate', 'DOUBLE'],
  ['work_rvu', 'DOUBLE'],
  ['practice_expense_rvu', 'DOUBLE'],
  ['malpractice_rvu', 'DOUBLE'],
  ['total_rvu', 'DOUBLE'],
  ['conversion_factor', 'DOUBLE'],
  ['rate_to_medicare_ratio', 'DOUBLE'],
  ['is_above_medicare', 'BOOLEAN'],
]

function strings(...names: readonly string[]): [string, string][] {
  return names.map((name) => [name, 'VARCHAR'])
}

/** Joins the star into a table `oracle` of this connection's database; returns its number of rows. */
export async function createOracleTable(
  connection: DuckDBConnection,
  tables: StarTables,
  options: OracleOptions = DEFAULT_OPTIONS,
): Promise<number> {
  await createOracleView(connection, tables, options)
  await connection.run('CREATE OR REPLACE TABLE oracle AS FROM oracle_view')
  const [[rows] = []] = (await connection.runAndReadAll('SELECT count(*)::DOUBLE FROM oracle')).getRowsJson()
  return Number(rows)
}

/** The same as a view `oracle_view`, for who needs only some of its columns or rows. */
export async function createOracleView(
  connection: DuckDBConnection,
  tables: StarTables,
  options: OracleOptions = DEFAULT_OPTIONS,
): Promise<void> {
  for (const name of Object.keys(INPUT)) await connection.run(await readInput(connection, name, tables[name]))
  for (const step of joinSteps(options)) await connection.run(step)
}

/** One view per input table: the columns that the join reads, a missing one as NULL. */
async function readInput(connection: DuckDBConnection, name: string, path: string | undefined): Promise<string> {
  const { texts, numbers = [], lists = [] } = INPUT[name] ?? { texts: [] }
  const source =
    path === undefined ? undefined : `read_parquet(${text(path)}, union_by_name = true, hive_partitioning = false)`
  const described = source ? (await connection.runAndReadAll(`DESCRIBE FROM ${source}`)).getRowsJson() : []
  const there = new Set(described.map(([column]) => String(column)))
  const read = (type: string) => (column: string) =>
    `${there.has(column) ? quoted(column) : 'NULL'}::${type} AS ${quoted(column)}`
  const texted = (column: string): string =>
    there.has(column) && column === 'year_month'
      ? `${monthAsGiven(quoted(column))} AS year_month`
      : read('VARCHAR')(column)
  const columns = [...texts.map(texted), ...numbers.map(read('DOUBLE')), ...lists.map(read('VARCHAR[]'))]
  return `CREATE OR REPLACE TEMP VIEW raw_${name} AS SELECT ${columns.join(', ')} ${source ? `FROM ${source}` : 'WHERE false'}`
}

/** A month in one of the spellings of a year and a month, or that of an ISO day, as YYYY-MM; anything else as it is. */
function monthAsGiven(column: string): string {
  const bare = `trim(${column}::VARCHAR)`
  return `CASE WHEN regexp_full_match(${bare}, '[0-9]{4}(0[1-9]|1[0-2])|[0-9]{4}[/-](0?[1-9]|1[0-2])')
    THEN ${bare}[1:4] || '-' || lpad(ltrim(${bare}[5:], '/-'), 2, '0')
    WHEN regexp_full_match(${bare}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND try_cast(${bare} AS DATE) IS NOT NULL THEN ${bare}[1:7] ELSE ${column}::VARCHAR END`
}

/** A column to sort by. DuckDB 1.5 gives 0 for −0 where it sorts by the column itself, not where it sorts by a sum. */
function byValue(column: string): string {
  return `${quoted(column)} + 0`
}

/** A word without what does not count: blanks, marks and dashes of the kinds that the stars hold, and capitals. */
function word(column: string): string {
  const uncounted = [9, 10, 32, 45, 95, 160, 173, 8203, 8211, 65279].map((code) => `chr(${code})`).join(' || ')
  return `lower(translate(coalesce(${column}, ''), ${uncounted}, ''))`
}

/** Whether a column is one of these words, each written without blanks and dashes; `''` for none. */
export function among(column: string, ...words: readonly string[]): string {
  return `${word(column)} IN (${words.map(text).join(', ')})`
}

const PLACES_TO_PRACTISE = ['location', 'primary', 'practicelocation', 'practice']
const HOME = ['', 'us', 'usa', 'unitedstates', 'unitedstatesofamerica', 'u.s.', 'u.s.a.']

/** The state whose Medicare rates belong to a column: codes and names of those that the stars hold, other texts as they are. */
function medicareState(column: string): string {
  return `CASE WHEN ${among(column, '')} THEN NULL WHEN ${among(column, 'texas')} THEN 'TX' WHEN ${among(column, 'idaho')} THEN 'ID'
    WHEN length(${word(column)}) = 2 AND ${word(column)} IN ('tx', 'id', 'pr', 'de', 'md', 'ca', 'ny', 'ae') THEN upper(${word(column)}) ELSE ${column} END`
}

/** One row per key; keys with a NULL never join. */
function lookup(name: string): string {
  const { key, texts, numbers = [], lists = [] } = INPUT[name] ?? { key: [], texts: [] }
  const keyColumns = key.map(quoted)
  const order = [...texts.map(quoted), ...numbers.map(byValue), ...lists.map(quoted)]
  return `SELECT DISTINCT ON (${keyColumns.join(', ')}) * FROM raw_${name}
    WHERE ${keyColumns.map((column) => `${column} IS NOT NULL`).join(' AND ')} ORDER BY ${order.join(', ')}`
}

function joinSteps(options: OracleOptions): string[] {
  const { min, max } = options.rateRange
  const dollars = `${among('f.negotiated_type', 'negotiated', 'derived', 'feeschedule', 'perdiem', 'caserate')} AND NOT isnan(f.negotiated_rate)
      AND b.medicare_prof_stateavg > 0 AND NOT isnan(b.medicare_prof_stateavg)`
  const select: Record<string, string> = {
    state: 'f.provider_state',
    procedure_set: 'f.proc_set',
    procedure_class: 'f.proc_class',
    procedure_group: 'f.proc_group',
    npi_status: 'f.status',
    medicare_national_rate: 'b.medicare_prof_national',
    medicare_state_rate: 'b.medicare_prof_stateavg',
    benchmark_type: 'b.benchmark_type',
    ...Object.fromEntries(RVUS.map((column) => [column, `b.${column}`])),
    rate_to_medicare_ratio: `CASE WHEN ${dollars} THEN f.negotiated_rate / b.medicare_prof_stateavg END`,
    is_above_medicare: `CASE WHEN ${dollars} THEN f.negotiated_rate > b.medicare_prof_stateavg END`,
  }
  const columns = ENRICHED_COLUMNS.map(([name]) => {
    const value = select[name] ?? `f.${quoted(name)}`
    return `${options.partitionColumns.includes(name) ? `nullif(${value}, '')` : value} AS ${quoted(name)}`
  })
  return [
    // Members: NULL, '' and all zeros stand for "unknown".
    `CREATE OR REPLACE TEMP TABLE member AS
      SELECT DISTINCT pg_uid, npi FROM raw_xref_pg_member_npi
      WHERE pg_uid IS NOT NULL AND npi IS NOT NULL AND npi <> '' AND NOT regexp_full_match(npi, '0+')`,

    `CREATE OR REPLACE TEMP TABLE tins AS
      SELECT pg_uid, list(tin_value ORDER BY tin_value) AS tin_values
      FROM (SELECT DISTINCT pg_uid, tin_value FROM raw_xref_pg_member_tin WHERE pg_uid IS NOT NULL AND tin_value IS NOT NULL)
      GROUP BY pg_uid`,

    // Several categories of one code: the lowest counts, a missing part comes after every other.
    `CREATE OR REPLACE TEMP TABLE category AS
      SELECT DISTINCT ON (proc_cd) * FROM raw_dim_code_cat WHERE proc_cd IS NOT NULL
      ORDER BY proc_set NULLS LAST, proc_class NULLS LAST, proc_group NULLS LAST`,

    `CREATE OR REPLACE TEMP TABLE location AS
      WITH a AS (SELECT DISTINCT ON (npi, address_hash) * FROM (${lookup('dim_npi_address')}) WHERE ${among('address_purpose', ...PLACES_TO_PRACTISE)}),
      g AS (SELECT DISTINCT ON (npi, address_hash) * FROM (${lookup('dim_npi_address_geolocation')}) WHERE ${among('address_purpose', ...PLACES_TO_PRACTISE)}),
      chosen AS (
        SELECT npi, min(address_hash) AS address_hash
        FROM (SELECT npi, address_hash FROM a UNION ALL SELECT npi, address_hash FROM g) GROUP BY npi
      )
      SELECT chosen.npi, chosen.address_hash, a.npi IS NOT NULL AS in_address_table,
        ${ADDRESS.map((c) => `CASE WHEN a.npi IS NOT NULL THEN a.${c} ELSE g.${c} END AS ${c}`).join(', ')},
        ${[...GEO_TEXTS, 'latitude', 'longitude'].map((c) => `g.${c}`).join(', ')}
      FROM chosen LEFT JOIN a USING (npi, address_hash) LEFT JOIN g USING (npi, address_hash)`,

    `CREATE OR REPLACE TEMP TABLE good_fact AS
      SELECT *, regexp_full_match(coalesce(year_month, ''), '[0-9]{4}-(0[1-9]|1[0-2])') AS dated FROM raw_fact_rate
      WHERE coalesce(negotiated_rate, ${min}) BETWEEN ${min} AND ${max}
      ${options.required.map((column) => `AND nullif(${quoted(column)}::VARCHAR, '') IS NOT NULL`).join(' ')}`,

    `CREATE OR REPLACE TEMP VIEW enriched AS
      SELECT fact.* EXCLUDE (state, reporting_entity_name, dated),
        fact.state AS market_state,
        CASE WHEN dated THEN year_month[1:4] END AS year,
        CASE WHEN dated THEN year_month[6:7] END AS month,
        coalesce(fact.reporting_entity_name, payer.reporting_entity_name) AS reporting_entity_name,
        pos.pos_members, code.code_description, code.code_name,
        category.proc_set, category.proc_class, category.proc_group,
        member.npi, provider.* EXCLUDE (npi),
        CASE WHEN ${among('enumeration_type', 'npi1', '1', '1.0', 'individual')} THEN 'Individual'
          WHEN ${among('enumeration_type', 'npi2', '2', '2.0', 'organization')} THEN 'Organization' END AS provider_type,
        CASE WHEN ${among('sole_proprietor', 'yes', 'y', 'true', 't', '1')} THEN true
          WHEN ${among('sole_proprietor', 'no', 'n', 'false', 'f', '0')} THEN false END AS is_sole_proprietor,
        -- A provider abroad has no Medicare rate, neither of what the address calls its state nor of the market.
        CASE WHEN ${among('country_code', ...HOME)} THEN coalesce(${medicareState('location.state')}, ${medicareState('fact.state')})
          WHEN ${among('country_code', 'pr', 'puertorico')} THEN coalesce(${medicareState('location.state')}, 'PR')
          ELSE 'abroad' END AS medicare_state,
        location.* EXCLUDE (npi, state, in_address_table), location.state AS provider_state,
        tins.tin_values
      FROM good_fact AS fact
      LEFT JOIN member ON member.pg_uid = fact.pg_uid
      LEFT JOIN (${lookup('dim_npi')}) AS provider ON provider.npi = member.npi
      LEFT JOIN location ON location.npi = member.npi
      LEFT JOIN (${lookup('dim_code')}) AS code ON code.code_type = fact.code_type AND code.code = fact.code
      LEFT JOIN category ON category.proc_cd = fact.code
      LEFT JOIN (${lookup('dim_payer')}) AS payer ON payer.payer_slug = fact.payer_slug
      LEFT JOIN (${lookup('dim_pos_set')}) AS pos ON pos.pos_set_id = fact.pos_set_id
      LEFT JOIN tins ON tins.pg_uid = fact.pg_uid`,

    // Each (code, state, year) that occurs, with the newest Medicare row that was in force.
    `CREATE OR REPLACE TEMP TABLE benchmark AS
      WITH asked AS (
        SELECT DISTINCT code_type, code, medicare_state AS state, year
        FROM enriched WHERE year IS NOT NULL
      ),
      unmodified AS (
        SELECT * REPLACE (${medicareState('state')} AS state) FROM raw_bench_medicare_professional
        WHERE ${among('modifier', '', 'none', 'n/a')})
      SELECT DISTINCT ON (asked.code_type, asked.code, asked.state, asked.year) asked.year, b.*
      FROM asked JOIN unmodified AS b USING (code_type, code, state)
      WHERE b.data_year <= asked.year::INTEGER
      ORDER BY b.data_year DESC, b.year_month DESC NULLS LAST, b.benchmark_type,
        ${['medicare_prof_national', 'medicare_prof_stateavg', ...RVUS].map(byValue).join(', ')}`,

    `CREATE OR REPLACE TEMP VIEW oracle_view AS
      SELECT ${columns.join(',\n        ')}
      FROM enriched AS f LEFT JOIN benchmark AS b ON b.code_type = f.code_type AND b.code = f.code
        AND b.state = f.medicare_state AND b.year = f.year`,
  ]
}
