import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDemoStar, writeLargeStar } from '../../../src/demo/write-star.js'
import { filesUnder } from '../../oracle/compare-table.js'
import { createOracleTable, DEFAULT_OPTIONS, tablesUnder } from '../../oracle/oracle-table.js'
import { text } from '../../oracle/sql.js'

const KEYS: Readonly<Record<string, readonly string[]>> = {
  dim_code: ['code_type', 'code'],
  dim_code_cat: ['proc_cd'],
  dim_payer: ['payer_slug'],
  dim_pos_set: ['pos_set_id'],
  dim_npi: ['npi'],
  dim_npi_address: ['address_purpose', 'address_hash', 'npi'],
  dim_npi_address_geolocation: ['address_purpose', 'address_hash', 'npi'],
  bench_medicare_professional: ['state', 'code_type', 'data_year', 'year_month', 'code'],
}

const USED: Readonly<Record<string, string>> = {
  dim_code: 'code_description, code_name',
  dim_payer: 'reporting_entity_name',
  dim_pos_set: 'pos_members',
  dim_npi: '* EXCLUDE (npi, last_updated, nppes_fetched)',
  dim_npi_address: '* EXCLUDE (npi, address_purpose, address_hash, last_updated)',
  dim_npi_address_geolocation: '* EXCLUDE (npi, address_purpose, address_hash, last_updated)',
  bench_medicare_professional: '* EXCLUDE (state, code_type, data_year, year_month, code, modifier)',
}

let folder: string
let root: string
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-demo-'))
  root = (await writeDemoStar({ out: join(folder, 'star') })).root
  instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  connection = await instance.connect()
})

afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(folder, { recursive: true, force: true })
})

async function rows(sql: string): Promise<Json[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

async function count(sql: string): Promise<number> {
  const [[value] = []] = await rows(sql)
  return Number(value)
}

function table(path: string): string {
  return `read_parquet(${text(join(root, `${path}.parquet`))}, union_by_name = true)`
}

function digests(of: string): Record<string, string> {
  const entries = filesUnder(of).map((file) => [
    relative(of, file),
    createHash('sha256').update(readFileSync(file)).digest('hex'),
  ])
  return Object.fromEntries(entries)
}

describe('the demo star', () => {
  it('has the same bytes every time, and other bytes for another seed', async () => {
    const again = await writeDemoStar({ out: join(folder, 'again') })
    expect(digests(again.root)).toEqual(digests(root))
    const other = await writeDemoStar({ out: join(folder, 'other'), seed: 2 })
    const same = Object.entries(digests(other.root)).filter(([path, digest]) => digests(root)[path] === digest)
    // Tables that hold no drawn value.
    expect(same.map(([path]) => path).sort()).toEqual([
      'dims/dim_code.parquet',
      'dims/dim_code_cat.parquet',
      'dims/dim_npi_address.parquet',
      'dims/dim_payer.parquet',
      'dims/dim_pos_set.parquet',
      'dims/dim_provider_group.parquet',
      'xrefs/xref_pg_member_tin.parquet',
    ])
  })

  it('is written once, and again when a file of it is damaged', async () => {
    const out = join(folder, 'once')
    const options = { out, facts: 1_000 }
    expect(await writeDemoStar(options)).toMatchObject({ written: true, facts: 1_000 })
    const before = digests(out)
    const file = join(out, 'dims', 'dim_npi.parquet')
    const { mtimeMs } = statSync(file)
    expect(await writeDemoStar(options)).toMatchObject({ written: false })
    expect(statSync(file).mtimeMs).toBe(mtimeMs)
    truncateSync(file, 100)
    expect(await writeDemoStar(options)).toMatchObject({ written: true })
    expect(digests(out)).toEqual(before)
    expect(await writeDemoStar({ out, facts: 2_000 })).toMatchObject({ written: true, facts: 2_000 })
  })

  it('is of the size that the tutorial says', async () => {
    const facts = table('gold/fact_rate*')
    expect(await count(`SELECT count(*)::DOUBLE FROM ${facts}`)).toBe(50_000)
    expect(await count(`SELECT count(DISTINCT fact_uid)::DOUBLE FROM ${facts}`)).toBe(50_000)
    expect(await count(`SELECT count(*)::DOUBLE FROM ${table('dims/dim_provider_group')}`)).toBe(200)
    expect(await count(`SELECT count(DISTINCT payer_slug)::DOUBLE FROM ${facts}`)).toBe(3)
    const rowCount = await createOracleTable(connection, tablesUnder(root))
    expect(rowCount).toBeGreaterThan(400_000)
    expect(await count('SELECT count(DISTINCT state)::DOUBLE FROM oracle')).toBe(12)
    expect(await count('SELECT count(DISTINCT year_month)::DOUBLE FROM oracle WHERE year IS NOT NULL')).toBe(3)
    const keys = DEFAULT_OPTIONS.partitionColumns.join(', ')
    const partitions = await count(`SELECT count(*)::DOUBLE FROM (SELECT DISTINCT ${keys} FROM oracle)`)
    expect(partitions).toBeGreaterThan(1_000)
    expect(partitions).toBeLessThan(3_000)
  })

  const facts = 'gold/fact_rate*'
  const members = 'xrefs/xref_pg_member_npi'
  const location = "address_purpose = 'LOCATION' AND npi IS NOT NULL"
  it.each<[trap: string, sql: () => string]>([
    ['facts without a group', () => `SELECT count(*) FROM ${table(facts)} WHERE pg_uid IS NULL`],
    [
      'facts of a group that nobody knows',
      () =>
        `SELECT count(*) FROM ${table(facts)} ANTI JOIN ${table(members)} AS m USING (pg_uid) WHERE pg_uid IS NOT NULL`,
    ],
    [
      'groups without any member',
      () => `SELECT count(*) FROM ${table('dims/dim_provider_group')} ANTI JOIN ${table(members)} AS m USING (pg_uid)`,
    ],
    [
      'groups with nobody but NPI 0',
      () =>
        `SELECT count(*) FROM (SELECT pg_uid FROM ${table(members)} WHERE pg_uid IS NOT NULL GROUP BY 1 HAVING coalesce(max(npi), '0') <= '0000000000')`,
    ],
    [
      'links that come twice',
      () =>
        `SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT pg_uid, npi FROM ${table(members)})) FROM ${table(members)}`,
    ],
    ['NPIs of zeros', () => `SELECT count(*) FROM ${table(members)} WHERE npi = '0000000000'`],
    ['links without a group', () => `SELECT count(*) FROM ${table(members)} WHERE pg_uid IS NULL`],
    [
      'members that dim_npi does not know',
      () =>
        `SELECT count(*) FROM ${table(members)} ANTI JOIN ${table('dims/dim_npi')} AS d USING (npi) WHERE npi > '1'`,
    ],
    [
      'codes without a category',
      () =>
        `SELECT count(*) FROM ${table('dims/dim_code')} ANTI JOIN ${table('dims/dim_code_cat')} AS c ON proc_cd = code WHERE code IS NOT NULL`,
    ],
    [
      'codes with several categories',
      () =>
        `SELECT count(*) FROM (SELECT proc_cd FROM ${table('dims/dim_code_cat')} GROUP BY 1 HAVING count(DISTINCT proc_class) > 1)`,
    ],
    [
      'facts of a code that dim_code does not know',
      () =>
        `SELECT count(*) FROM ${table(facts)} ANTI JOIN ${table('dims/dim_code')} AS d USING (code_type, code) WHERE code IS NOT NULL`,
    ],
    [
      'one code text of two types',
      () =>
        `SELECT count(*) FROM (SELECT code FROM ${table('dims/dim_code')} GROUP BY 1 HAVING count(DISTINCT code_type) > 1)`,
    ],
    ...[
      'dim_code',
      'dim_code_cat',
      'dim_payer',
      'dim_pos_set',
      'dim_npi',
      'dim_npi_address',
      'dim_npi_address_geolocation',
    ].map((name): [string, () => string] => [
      `${name} rows without a key`,
      () => `SELECT count(*) FROM ${table(`dims/${name}`)} AS t WHERE ${KEYS[name]?.at(-1)} IS NULL`,
    ]),
    ...Object.keys(KEYS)
      .filter((name) => name !== 'dim_code_cat')
      .map((name): [string, () => string] => [
        `${name} rows that come twice`,
        () =>
          `SELECT count(*) FROM (SELECT 1 FROM ${table(placeOf(name))} GROUP BY ${KEYS[name]?.join(', ')} HAVING count(*) > 1)`,
      ]),
    [
      'providers with several LOCATION addresses',
      () =>
        `SELECT count(*) FROM (SELECT npi FROM ${table('dims/dim_npi_address_geolocation')} WHERE ${location} GROUP BY 1 HAVING count(DISTINCT address_hash) > 1)`,
    ],
    [
      'one address in both tables, spelt differently',
      () =>
        `SELECT count(*) FROM ${table('dims/dim_npi_address')} AS a JOIN ${table('dims/dim_npi_address_geolocation')} AS g USING (npi, address_purpose, address_hash) WHERE a.address_1 <> g.address_1`,
    ],
    [
      'addresses that were not geolocated',
      () =>
        `SELECT count(*) FROM ${table('dims/dim_npi_address')} AS a ANTI JOIN ${table('dims/dim_npi_address_geolocation')} AS g USING (npi, address_purpose, address_hash) WHERE ${location}`,
    ],
    [
      'known providers without any place',
      () =>
        `SELECT count(*) FROM ${table('dims/dim_npi')} AS d ANTI JOIN ${table('dims/dim_npi_address_geolocation')} AS g USING (npi) ANTI JOIN (FROM ${table('dims/dim_npi_address')} WHERE ${location}) AS a USING (npi)`,
    ],
    ['percentages', () => `SELECT count(*) FROM ${table(facts)} WHERE lower(negotiated_type) = 'percentage'`],
    [
      'months that are malformed',
      () => `SELECT count(*) FROM ${table(facts)} WHERE NOT regexp_full_match(year_month, '20\\d\\d-(0[1-9]|1[012])')`,
    ],
    ['facts without a month', () => `SELECT count(*) FROM ${table(facts)} WHERE year_month IS NULL`],
    ['facts without a billing class', () => `SELECT count(*) FROM ${table(facts)} WHERE billing_class IS NULL`],
    ['facts with an empty billing class', () => `SELECT count(*) FROM ${table(facts)} WHERE billing_class = ''`],
    [
      'group numbers that are no integers',
      () => `SELECT count(*) FROM ${table('gold/fact_rate')} WHERE provider_group_id_raw LIKE '%.%'`,
    ],
    [
      'group numbers that are BIGINT in one file',
      () =>
        `SELECT count(*) FROM (DESCRIBE FROM ${table('gold/fact_rate_2')}) WHERE column_name = 'provider_group_id_raw' AND column_type = 'BIGINT'`,
    ],
    [
      'benchmarks of several years',
      () =>
        `SELECT count(*) FROM (SELECT code FROM ${table('bench_medicare_professional')} WHERE modifier IS NULL GROUP BY state, code_type, code HAVING count(DISTINCT data_year) > 1)`,
    ],
    [
      'benchmarks with a modifier',
      () => `SELECT count(*) FROM ${table('bench_medicare_professional')} WHERE modifier = '26'`,
    ],
    [
      'benchmarks with an empty modifier',
      () => `SELECT count(*) FROM ${table('bench_medicare_professional')} WHERE modifier = ''`,
    ],
    [
      'benchmarks of nothing',
      () => `SELECT count(*) FROM ${table('bench_medicare_professional')} WHERE medicare_prof_stateavg = 0`,
    ],
    [
      'extra columns',
      () => `SELECT count(*) FROM (DESCRIBE FROM ${table('dims/dim_npi')}) WHERE column_name = 'nppes_fetched'`,
    ],
  ])('holds %s', async (_, sql) => {
    expect(await count(`SELECT (${sql()})::DOUBLE`)).toBeGreaterThan(0)
  })

  it('lacks an optional column', async () => {
    expect(
      await rows(`SELECT * FROM (DESCRIBE FROM ${table('dims/dim_npi')}) WHERE column_name = 'credential'`),
    ).toEqual([])
  })

  it('names areas so that only the right escaping finds them', async () => {
    const found = await rows(
      `SELECT DISTINCT stat_area_name FROM ${table('dims/dim_npi_address_geolocation')} WHERE ${location} ORDER BY 1`,
    )
    const areas = found.map(([name]) => name)
    expect(areas).toContain("Coeur d'Alene, ID Metro Area")
    expect(areas).toContain('Minneapolis/St. Paul "Twin Cities", MN-WI Metro Area')
    expect(areas).toContain('__NULL__')
    expect(areas).toContain('')
    expect(areas).toContain(null)
    expect(areas.some((area) => /%/.test(String(area)))).toBe(true)
    expect(areas).toContain('Kennewick–Richland 東部, WA 🏥')
  })

  it('has a few rates that are set aside, fewer than one in a hundred', async () => {
    const outside = await count(
      `SELECT (count(*) FILTER (negotiated_rate NOT BETWEEN 0.01 AND 1000000) / count(*))::DOUBLE FROM ${table(facts)}`,
    )
    expect(outside).toBeGreaterThan(0)
    expect(outside).toBeLessThan(0.01)
    expect(
      await count(`SELECT count(*)::DOUBLE FROM ${table(facts)} WHERE negotiated_rate IS NULL OR payer_slug IS NULL`),
    ).toBe(0)
  })

  it.each(Object.keys(USED))('has no rows of one key in %s that differ in a column that counts', async (name) => {
    const key = KEYS[name]?.join(', ')
    const source = `${table(placeOf(name))} WHERE coalesce(${name.startsWith('bench') ? 'modifier' : 'NULL'}, '') = ''`
    const differing = await rows(
      `SELECT ${key} FROM (SELECT DISTINCT ${key}, ${USED[name]} FROM ${source}) AS t
       WHERE ${KEYS[name]?.map((column) => `${column} IS NOT NULL`).join(' AND ')} GROUP BY ALL HAVING count(*) > 1`,
    )
    expect(differing).toEqual([])
  })
})

describe('a large star', () => {
  it('gives about 26 rows a fact and no trap', async () => {
    const { root: large } = await writeLargeStar({ out: join(folder, 'large'), facts: 5_000 })
    const rowCount = await createOracleTable(connection, tablesUnder(large))
    expect(rowCount / 5_000).toBeGreaterThan(24)
    expect(rowCount / 5_000).toBeLessThan(28)
    expect(
      await count('SELECT count(*)::DOUBLE FROM oracle WHERE npi IS NULL OR state IS NULL OR procedure_set IS NULL'),
    ).toBe(0)
  })
})

function placeOf(name: string): string {
  return name.startsWith('bench') ? name : `dims/${name}`
}
