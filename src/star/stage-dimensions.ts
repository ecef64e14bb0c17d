/**
 * Stages what the facts need of the dimensions, with integer ids.
 *
 * Ids are ranks in the order of the values, so that the same input gives the same ids on any machine:
 * `npi_id` ascends with npi inside a block, `code_id` with code. A *block* is a range of cells with a bounded number of
 * providers; the writer holds the provider columns and member links of one block at a time.
 *
 * A column `known_<table>` says whether the key of an entry was found in that table: the quality rules count orphans by it.
 */
import { join } from 'node:path'
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { ConfigError } from '../runtime/errors.js'
import { chosenRows, decidingWords } from './chosen-rows.js'
import { contentHash } from './content-hash.js'
import { ADDRESS_COLUMNS, contractOf, GEO_TEXT_COLUMNS } from './contract.js'
import { columnsOf } from './dictionary.js'
import { ATTR_KEYS } from './fact-keys.js'
import type { Layout } from './layout.js'
import { STAGED_DIMENSIONS } from './staged-files.js'
import { benchmarkStateSql, providerTypeSql, rateFlagsSql, soleProprietorSql, stateSql } from './vocabulary-sql.js'

/** What staging found in the dimensions; counted results of the traps of real files. */
export interface DimensionCounts {
  readonly attrs: number
  readonly codes: number
  readonly groups: number
  readonly npis: number
  readonly cells: number
  readonly blocks: number
  readonly members: number
  readonly groupsWithoutMembers: number
  readonly duplicateMemberLinks: number
  readonly invalidMemberLinks: number
  readonly codesWithoutCategory: number
  readonly codesWithSeveralCategories: number
  readonly codesNotInDimension: number
  readonly payersNotInDimension: number
  readonly groupsNotInDimension: number
  readonly posSetsNotInDimension: number
  readonly npisNotInDimension: number
  readonly npisWithoutLocation: number
  readonly npisWithSeveralLocations: number
  readonly factKeysWithMalformedYearMonth: number
  readonly emptyPartitionValues: number
}

/** Providers of a block: about 50 MB of columns. */
const PROVIDERS_PER_BLOCK = 100_000

/** Condition under which a link's npi is a provider: a payer's "unknown" (0, blank) never joins. */
export const VALID_NPI = "npi IS NOT NULL AND trim(npi, '0') <> ''"

/** What {@link stageDimensions} works on. */
export interface StageDimensionsInput {
  readonly engine: Engine
  /** A SELECT per table, as the contract wants it (`selectInput`). */
  readonly inputs: ReadonlyMap<TableName, string>
  readonly layout: Layout
  /** Folder in which the staged files are left. */
  readonly folder: string
}

/** Writes the staged dimension files and says what it met. Tables stay in the engine until it is closed. */
export async function stageDimensions({
  engine,
  inputs,
  layout,
  folder,
}: StageDimensionsInput): Promise<DimensionCounts> {
  for (const [name, select] of inputs) await engine.run(`CREATE VIEW in_${name} AS ${select}`)
  await stageAttrs(engine, layout)
  await stageCodes(engine, layout)
  await stageGroups(engine, layout)
  await stageProviders(engine, layout)
  await stageMembers(engine, layout)
  await engine.run(`CREATE TABLE words AS ${decidingWords((table) => `in_${table}`)}`)
  const slices = await engine.row(
    'SELECT (SELECT count(*) FROM attr_parts) * (SELECT count(*) FROM code_parts) * (SELECT count(*) FROM group_parts) AS n',
  )
  if (Number(slices['n']) > 2 ** 31 - 1) {
    throw new ConfigError('ETL3-CF-12', `the partition columns give ${slices['n']} possible slices, more than 2^31`, {
      hint: 'Take a column with many values (pg_uid, fact attributes) out of partitioning.partition_columns.',
    })
  }
  const counts = await countFindings(engine, layout)
  for (const name of STAGED_DIMENSIONS) {
    await engine.run(
      `COPY ${name} TO ${sqlString(join(folder, `${name}.parquet`))} (FORMAT parquet, ROW_GROUP_SIZE 32768)`,
    )
  }
  return counts
}

async function stageAttrs(engine: Engine, layout: Layout): Promise<void> {
  await dedupe(engine, 'dim_payer')
  await dedupe(engine, 'dim_pos_set')
  await engine.run(`CREATE TABLE attr_keys AS SELECT DISTINCT ${ATTR_KEYS.join(', ')} FROM in_fact_rate`)
  await engine.run(`CREATE TABLE attr_rows AS
    SELECT (row_number() OVER (ORDER BY ${ATTR_KEYS.map((c) => `k.${c}`).join(', ')}) - 1)::INTEGER AS attr_id,
      k.state AS market_state, k.year_month, k.negotiated_type, k.negotiation_arrangement, k.expiration_date, k.pos_set_id,
      k.payer_slug AS key_payer_slug, k.billing_class AS key_billing_class, k.reporting_entity_name AS key_reporting_entity_name,
      k.payer_slug, k.billing_class,
      coalesce(k.reporting_entity_name, p.reporting_entity_name) AS reporting_entity_name, s.pos_members,
      p.payer_slug IS NOT NULL AS known_dim_payer, s.pos_set_id IS NOT NULL AS known_dim_pos_set,
      nullif(regexp_extract(k.year_month, '^(\\d{4})-(0[1-9]|1[0-2])$', 1), '') AS year,
      nullif(regexp_extract(k.year_month, '^(\\d{4})-(0[1-9]|1[0-2])$', 2), '') AS month
    FROM attr_keys k
    LEFT JOIN dedup_dim_payer p ON p.payer_slug = k.payer_slug
    LEFT JOIN dedup_dim_pos_set s ON s.pos_set_id = k.pos_set_id`)
  // Keys of the join back to the facts keep the raw value; the output column of a partition key is normalised.
  const columns = columnsOf('attr').map((c) => c.name)
  const flags = Object.entries(rateFlagsSql('negotiated_type')).map(([name, sql]) => `${sql} AS ${name}`)
  await engine.run(`CREATE TABLE attr_values AS
    SELECT attr_id, key_payer_slug, key_billing_class, key_reporting_entity_name, market_state AS key_state, year_month AS key_year_month,
      negotiated_type AS key_negotiated_type, negotiation_arrangement AS key_negotiation_arrangement,
      expiration_date AS key_expiration_date, pos_set_id AS key_pos_set_id, known_dim_payer, known_dim_pos_set,
      ${flags.join(', ')}, ${stateSql('market_state')} AS benchmark_state,
      ${columns.map((c) => `${normalised(c, c, layout)} AS ${c}`).join(', ')}
    FROM attr_rows`)
  await withParts(engine, 'attr', 'attrs', 'attr_values', layout.attr, contentHash('attr', 'v'))
  await drop(engine, 'attr_keys', 'attr_rows', 'attr_values')
}

async function stageCodes(engine: Engine, layout: Layout): Promise<void> {
  await dedupe(engine, 'dim_code')
  await engine.run(`CREATE TABLE category AS
    SELECT * EXCLUDE rank FROM (
      SELECT *, row_number() OVER (PARTITION BY proc_cd ORDER BY proc_set, proc_class, proc_group) AS rank
      FROM in_dim_code_cat WHERE proc_cd IS NOT NULL)
    WHERE rank = 1`)
  await engine.run('CREATE TABLE code_keys AS SELECT DISTINCT code_type, code FROM in_fact_rate')
  const n = (expression: string, column: string): string => `${normalised(expression, column, layout)} AS ${column}`
  await engine.run(`CREATE TABLE code_values AS
    SELECT (row_number() OVER (ORDER BY k.code NULLS FIRST, k.code_type NULLS FIRST) - 1)::INTEGER AS code_id,
      (dense_rank() OVER (ORDER BY k.code NULLS FIRST) - 1)::INTEGER AS code_rank,
      k.code_type AS key_code_type, k.code AS key_code, d.code IS NOT NULL AS known_dim_code, c.proc_cd IS NOT NULL AS known_dim_code_cat,
      ${n('k.code_type', 'code_type')}, ${n('k.code', 'code')}, ${n('d.code_description', 'code_description')}, ${n('d.code_name', 'code_name')},
      ${n('c.proc_set', 'procedure_set')}, ${n('c.proc_class', 'procedure_class')}, ${n('c.proc_group', 'procedure_group')}
    FROM code_keys k
    LEFT JOIN dedup_dim_code d ON d.code_type = k.code_type AND d.code = k.code
    LEFT JOIN category c ON c.proc_cd = k.code`)
  await withParts(engine, 'code', 'codes', 'code_values', layout.code, contentHash('code', 'v'))
  await drop(engine, 'code_keys', 'code_values')
}

async function stageGroups(engine: Engine, layout: Layout): Promise<void> {
  await engine.run('CREATE TABLE group_keys AS SELECT DISTINCT pg_uid, provider_group_id_raw FROM in_fact_rate')
  await engine.run(`CREATE TABLE tins AS
    SELECT pg_uid, list(DISTINCT tin_value ORDER BY tin_value) AS tin_values
    FROM in_xref_pg_member_tin t SEMI JOIN group_keys g ON g.pg_uid = t.pg_uid
    WHERE tin_value IS NOT NULL GROUP BY pg_uid`)
  const n = (expression: string, column: string): string => `${normalised(expression, column, layout)} AS ${column}`
  const found = (table: TableName, condition = 'true'): string =>
    `(k.pg_uid IS NOT NULL AND k.pg_uid IN (SELECT pg_uid FROM in_${table} WHERE pg_uid IS NOT NULL AND ${condition})) AS known_${table}`
  await engine.run(`CREATE TABLE group_values AS
    SELECT (row_number() OVER (ORDER BY k.pg_uid, k.provider_group_id_raw) - 1)::INTEGER AS group_id,
      k.pg_uid AS key_pg_uid, k.provider_group_id_raw AS key_provider_group_id_raw,
      ${n('k.pg_uid', 'pg_uid')}, ${n('k.provider_group_id_raw', 'provider_group_id_raw')}, t.tin_values,
      ${found('dim_provider_group')}, ${found('xref_pg_member_npi', VALID_NPI)}, t.pg_uid IS NOT NULL AS known_xref_pg_member_tin
    FROM group_keys k LEFT JOIN tins t ON t.pg_uid = k.pg_uid`)
  await withParts(engine, 'group', 'groups', 'group_values', layout.group, contentHash('group', 'v'))
  await drop(engine, 'tins', 'group_values')
}

async function stageProviders(engine: Engine, layout: Layout): Promise<void> {
  await dedupe(engine, 'dim_npi')
  await engine.run(`CREATE TABLE links AS
    SELECT DISTINCT m.pg_uid, m.npi FROM in_xref_pg_member_npi m SEMI JOIN group_keys g ON g.pg_uid = m.pg_uid WHERE ${VALID_NPI}`)
  await engine.run('CREATE TABLE npi_keys AS SELECT DISTINCT npi FROM links')
  // The LOCATION address with the lowest address_hash, from either table; the address table's own columns first.
  const shared = ADDRESS_COLUMNS.join(', ')
  const needed = (name: TableName): string =>
    chosenRows(name, `SELECT * FROM in_${name} WHERE npi IN (SELECT npi FROM npi_keys)`)
  await engine.run(`CREATE TABLE locations AS
    WITH a AS (${firstOf('dim_npi_address', needed('dim_npi_address'))}),
    g AS (${firstOf('dim_npi_address_geolocation', needed('dim_npi_address_geolocation'))}),
    candidates AS (
      SELECT npi, address_hash, ${shared}, 0 AS source FROM a
      UNION ALL SELECT npi, address_hash, ${shared}, 1 FROM g),
    chosen AS (
      SELECT * EXCLUDE rank FROM (
        SELECT *, row_number() OVER (PARTITION BY npi ORDER BY address_hash NULLS LAST, source) AS rank,
          max(address_hash) OVER (PARTITION BY npi) <> min(address_hash) OVER (PARTITION BY npi) AS others FROM candidates)
      WHERE rank = 1)
    SELECT c.* EXCLUDE source, g.latitude, g.longitude, ${GEO_TEXT_COLUMNS.map((name) => `g.${name}`).join(', ')}
    FROM chosen c LEFT JOIN g ON g.npi = c.npi AND g.address_hash IS NOT DISTINCT FROM c.address_hash`)
  const source: Readonly<Record<string, string>> = {
    npi: 'k.npi',
    npi_status: 'd.status',
    provider_type: providerTypeSql('d.enumeration_type'),
    is_sole_proprietor: soleProprietorSql('d.sole_proprietor'),
  }
  const located = new Set<string>([...ADDRESS_COLUMNS, ...GEO_TEXT_COLUMNS, 'address_hash', 'latitude', 'longitude'])
  const columns = columnsOf('npi')
  await engine.run(`CREATE TABLE npi_values AS SELECT
    ${columns.map((c) => `${normalised(source[c.name] ?? (located.has(c.name) ? `l.${c.name}` : `d.${c.name}`), c.name, layout)} AS ${c.name}`).join(',\n    ')},
    ${benchmarkStateSql({ state: 'l.state', country: 'l.country_code' })} AS benchmark_state,
    d.npi IS NOT NULL AS known_dim_npi, l.npi IS NOT NULL AS known_dim_npi_address
    FROM npi_keys k LEFT JOIN dedup_dim_npi d ON d.npi = k.npi LEFT JOIN locations l ON l.npi = k.npi`)

  // The cell of which nothing is known also takes the facts of groups without members, so it exists even when empty.
  const keys = layout.provider.map(sqlIdentifier)
  await engine.run(
    keys.length === 0
      ? 'CREATE TABLE cell_keys AS SELECT count(*) AS providers FROM npi_values'
      : `CREATE TABLE cell_keys AS
         SELECT ${keys.join(', ')}, count(*) FILTER (real) AS providers FROM (
           SELECT ${keys.join(', ')}, true AS real FROM npi_values
           UNION ALL SELECT ${keys.map(() => 'NULL').join(', ')}, false) GROUP BY ${keys.join(', ')}`,
  )
  const order = keys.length === 0 ? '' : `ORDER BY ${keys.join(', ')}`
  await engine.run(`CREATE TABLE cells AS
    SELECT cell_id, (before // ${PROVIDERS_PER_BLOCK})::INTEGER AS block ${keys.map((k) => `, ${k}`).join('')} FROM (
      SELECT (row_number() OVER (${order}) - 1)::INTEGER AS cell_id,
        (sum(providers) OVER (${order} ROWS UNBOUNDED PRECEDING) - providers)::BIGINT AS before, * FROM cell_keys)`)
  const matches = keys.map((k) => `c.${k} IS NOT DISTINCT FROM n.${k}`).join(' AND ')
  await engine.run(`CREATE TABLE npis AS
    SELECT (row_number() OVER (ORDER BY c.block, n.npi) - 1)::INTEGER AS npi_id, c.cell_id, c.block, n.*, ${contentHash('npi', 'n')} AS hash
    FROM npi_values n JOIN cells c ON ${matches === '' ? 'true' : matches} ORDER BY npi_id`)
  await drop(engine, 'npi_values', 'cell_keys', 'group_keys')
}

async function stageMembers(engine: Engine, layout: Layout): Promise<void> {
  const unknown = layout.provider.map((c) => `${sqlIdentifier(c)} IS NULL`).join(' AND ')
  await engine.run(`CREATE TABLE members AS
    WITH linked AS (
      SELECT g.group_id, n.block, n.cell_id, n.npi_id
      FROM groups g JOIN links l ON l.pg_uid = g.key_pg_uid JOIN npis n ON n.npi = l.npi)
    SELECT * FROM (
      SELECT * FROM linked
      UNION ALL
      SELECT g.group_id, c.block, c.cell_id, -1
      FROM groups g ANTI JOIN (SELECT DISTINCT group_id FROM linked) k ON k.group_id = g.group_id,
        (SELECT block, cell_id FROM cells ${unknown === '' ? '' : `WHERE ${unknown}`}) c)
    ORDER BY block, group_id, cell_id, npi_id`)
}

async function countFindings(engine: Engine, layout: Layout): Promise<DimensionCounts> {
  const single: Record<keyof DimensionCounts, string> = {
    attrs: 'SELECT count(*) FROM attrs',
    codes: 'SELECT count(*) FROM codes',
    groups: 'SELECT count(*) FROM groups',
    npis: 'SELECT count(*) FROM npis',
    cells: 'SELECT count(*) FROM cells',
    blocks: 'SELECT max(block) + 1 FROM cells',
    members: 'SELECT count(*) FROM members WHERE npi_id >= 0',
    groupsWithoutMembers: 'SELECT count(*) FROM members WHERE npi_id < 0',
    duplicateMemberLinks: `SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM in_xref_pg_member_npi WHERE pg_uid IS NOT NULL AND ${VALID_NPI} GROUP BY pg_uid, npi)`,
    invalidMemberLinks: `SELECT count(*) FROM in_xref_pg_member_npi WHERE pg_uid IS NULL OR NOT (${VALID_NPI})`,
    codesWithoutCategory: 'SELECT count(*) FROM codes c ANTI JOIN category k ON k.proc_cd = c.key_code',
    codesWithSeveralCategories:
      'SELECT count(*) FROM (SELECT proc_cd FROM (SELECT DISTINCT * FROM in_dim_code_cat) WHERE proc_cd IN (SELECT key_code FROM codes) GROUP BY proc_cd HAVING count(*) > 1)',
    codesNotInDimension:
      'SELECT count(*) FROM codes c ANTI JOIN dedup_dim_code d ON d.code_type = c.key_code_type AND d.code = c.key_code',
    payersNotInDimension:
      'SELECT count(*) FROM (SELECT DISTINCT key_payer_slug FROM attrs) a ANTI JOIN dedup_dim_payer d ON d.payer_slug = a.key_payer_slug',
    groupsNotInDimension:
      'SELECT count(*) FROM (SELECT DISTINCT key_pg_uid FROM groups) g ANTI JOIN in_dim_provider_group d ON d.pg_uid = g.key_pg_uid',
    posSetsNotInDimension:
      'SELECT count(*) FROM (SELECT DISTINCT key_pos_set_id FROM attrs WHERE key_pos_set_id IS NOT NULL) a ANTI JOIN dedup_dim_pos_set d ON d.pos_set_id = a.key_pos_set_id',
    npisNotInDimension: 'SELECT count(*) FROM npis n ANTI JOIN dedup_dim_npi d ON d.npi = n.npi',
    npisWithoutLocation: 'SELECT count(*) FROM npis n ANTI JOIN locations l ON l.npi = n.npi',
    npisWithSeveralLocations: 'SELECT count(*) FROM locations WHERE others',
    factKeysWithMalformedYearMonth:
      'SELECT count(DISTINCT key_year_month) FROM attrs WHERE year IS NULL AND key_year_month IS NOT NULL',
    emptyPartitionValues: emptyPartitionValues(layout),
  }
  const counts = await engine.row(
    `SELECT ${Object.entries(single)
      .map(([name, sql]) => `coalesce((${sql}), 0)::BIGINT AS ${sqlIdentifier(name)}`)
      .join(', ')}`,
  )
  const of = (name: keyof DimensionCounts): number => Number(counts[name] ?? 0)
  return {
    attrs: of('attrs'),
    codes: of('codes'),
    groups: of('groups'),
    npis: of('npis'),
    cells: of('cells'),
    blocks: of('blocks'),
    members: of('members'),
    groupsWithoutMembers: of('groupsWithoutMembers'),
    duplicateMemberLinks: of('duplicateMemberLinks'),
    invalidMemberLinks: of('invalidMemberLinks'),
    codesWithoutCategory: of('codesWithoutCategory'),
    codesWithSeveralCategories: of('codesWithSeveralCategories'),
    codesNotInDimension: of('codesNotInDimension'),
    payersNotInDimension: of('payersNotInDimension'),
    groupsNotInDimension: of('groupsNotInDimension'),
    posSetsNotInDimension: of('posSetsNotInDimension'),
    npisNotInDimension: of('npisNotInDimension'),
    npisWithoutLocation: of('npisWithoutLocation'),
    npisWithSeveralLocations: of('npisWithSeveralLocations'),
    factKeysWithMalformedYearMonth: of('factKeysWithMalformedYearMonth'),
    emptyPartitionValues: of('emptyPartitionValues'),
  }
}

/** Counts dimension entries whose partition value was an empty string before it was normalised to NULL. */
function emptyPartitionValues(layout: Layout): string {
  const attrKeys: Readonly<Record<string, string>> = { market_state: 'key_state' }
  const attr = layout.attr
    .filter((c) => c !== 'year' && c !== 'month' && c !== 'pos_members')
    .map((c) => `(SELECT count(*) FROM attrs WHERE ${attrKeys[c] ?? `key_${c}`} = '')`)
  const category: Readonly<Record<string, string>> = {
    procedure_set: 'proc_set',
    procedure_class: 'proc_class',
    procedure_group: 'proc_group',
  }
  const code = layout.code
    .filter((c) => category[c] !== undefined)
    .map((c) => `(SELECT count(*) FROM codes k JOIN category g ON g.proc_cd = k.key_code WHERE g.${category[c]} = '')`)
  const geo = new Set<string>([...GEO_TEXT_COLUMNS, ...ADDRESS_COLUMNS])
  const dimNpi = new Set(contractOf('dim_npi').columns.map((c) => c.name))
  const provider = layout.provider
    .filter((c) => geo.has(c) || dimNpi.has(c))
    .map(
      (c) =>
        `(SELECT count(*) FROM ${geo.has(c) ? 'locations' : 'dedup_dim_npi'} WHERE ${c} = '' AND npi IN (SELECT npi FROM npi_keys))`,
    )
  return `SELECT ${['0', ...attr, ...code, ...provider].join(' + ')}`
}

/** Adds a part id (which of the distinct partition values of this axis) and the content hash, sorted by id. */
async function withParts(
  engine: Engine,
  axis: 'attr' | 'code' | 'group',
  table: string,
  values: string,
  keys: readonly string[],
  hash: string,
): Promise<void> {
  const names = keys.map(sqlIdentifier)
  await engine.run(
    names.length === 0
      ? `CREATE TABLE ${axis}_parts AS SELECT 0::INTEGER AS part_id`
      : `CREATE TABLE ${axis}_parts AS
         SELECT (row_number() OVER (ORDER BY ${names.join(', ')}) - 1)::INTEGER AS part_id, * FROM (SELECT DISTINCT ${names.join(', ')} FROM ${values})`,
  )
  const matches = names.map((k) => `p.${k} IS NOT DISTINCT FROM v.${k}`).join(' AND ')
  await engine.run(`CREATE TABLE ${table} AS
    SELECT v.*, p.part_id AS ${axis}_part, ${hash} AS hash
    FROM ${values} v JOIN ${axis}_parts p ON ${matches === '' ? 'true' : matches} ORDER BY v.${axis}_id`)
}

/** Tables that only led to others: their memory is worth more than they are. */
async function drop(engine: Engine, ...tables: readonly string[]): Promise<void> {
  for (const table of tables) await engine.run(`DROP TABLE ${table}`)
}

/** A dimension with one row per key: the first in order of all columns. Rows with a NULL key never join. */
async function dedupe(engine: Engine, name: TableName): Promise<void> {
  await engine.run(`CREATE TABLE dedup_${name} AS ${firstOf(name)}`)
}

function firstOf(name: TableName, select = `SELECT * FROM in_${name}`): string {
  const table = contractOf(name)
  const columns = table.columns.map((c) => sqlIdentifier(c.name)).join(', ')
  const key = table.key.map(sqlIdentifier)
  // The engine gives back sorted doubles without the sign of a zero, so numbers are sorted as text.
  const order = table.columns.map((c) => `${sqlIdentifier(c.name)}${c.kind === 'number' ? '::VARCHAR' : ''}`).join(', ')
  return `SELECT ${columns} FROM (
    SELECT *, row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY ${order}) AS first_of_key FROM (${select})
    WHERE ${key.map((k) => `${k} IS NOT NULL`).join(' AND ')})
    WHERE first_of_key = 1`
}

/** An empty string in a partition column is NULL, in the path and in the file. */
function normalised(expression: string, column: string, layout: Layout): string {
  return layout.columns.includes(column) ? `nullif(${expression}, '')` : expression
}
