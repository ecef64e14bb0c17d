import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Star, withTable, writeStar } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'
import {
  createOracleTable,
  DEFAULT_OPTIONS,
  ENRICHED_COLUMNS,
  type OracleOptions,
  tablesUnder,
} from './oracle-table.js'

let root: string
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-tiny-'))
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})

afterEach(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(root, { recursive: true, force: true })
})

async function enriched(star: Star, options?: OracleOptions): Promise<Record<string, Json>[]> {
  await writeStar(root, star)
  await createOracleTable(connection, tablesUnder(root), options)
  const rows = await connection.runAndReadAll('FROM oracle ORDER BY fact_uid, npi NULLS FIRST')
  return rows.getRowObjectsJson()
}

// Every expected value below was worked out by hand from the rows of tiny-star.ts.
describe('the oracle', () => {
  it('gives one row per fact and distinct valid member, and one with a NULL npi where there is none', async () => {
    const rows = await enriched(tinyStar())
    expect(rows.map((r) => [r['fact_uid'], r['npi']])).toEqual([
      ['f1', '9000000001'],
      ['f1', '9000000002'],
      ['f2', null],
      ['f3', null],
    ])
  })

  it('has exactly the columns of the table, in their order', async () => {
    const [first] = await enriched(tinyStar())
    expect(Object.keys(first ?? {})).toEqual(ENRICHED_COLUMNS.map(([name]) => name))
  })

  it("joins a known provider's fact in full", async () => {
    const [row] = await enriched(tinyStar())
    const filled = Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null))
    expect(filled).toEqual({
      payer_slug: 'payer',
      state: 'ID',
      billing_class: 'professional',
      procedure_set: 'Imaging',
      procedure_class: 'CT',
      primary_taxonomy_code: '207Q00000X',
      stat_area_name: "Coeur d'Alene, ID Metro Area",
      year: '2025',
      month: '06',
      fact_uid: 'f1',
      market_state: 'TX',
      year_month: '2025-06',
      code_type: 'CPT',
      code: 'X1',
      negotiated_type: 'negotiated',
      negotiation_arrangement: 'ffs',
      negotiated_rate: 150,
      expiration_date: '2025-12-31',
      pg_uid: 'g1',
      provider_group_id_raw: '1',
      reporting_entity_name: 'Entity',
      pos_set_id: 'p1',
      pos_members: ['11', '22'],
      code_description: 'first',
      code_name: 'one',
      procedure_group: 'Chest',
      npi: '9000000001',
      first_name: 'Ada',
      last_name: "O'Brien",
      enumeration_type: 'NPI-1',
      npi_status: 'A',
      primary_taxonomy_desc: 'Family Medicine',
      sole_proprietor: 'YES',
      enumeration_date: '2006-01-02',
      provider_type: 'Individual',
      is_sole_proprietor: true,
      city: 'Hayden',
      address_hash: 'a1',
      latitude: 47.76,
      longitude: -116.78,
      stat_area_code: '17660',
      tin_values: ['11', '22'],
      benchmark_type: 'professional',
      medicare_state_rate: 100,
      rate_to_medicare_ratio: 1.5,
      is_above_medicare: true,
    })
  })

  it("takes the market's Medicare rate where the provider has no place", async () => {
    const [, row] = await enriched(tinyStar())
    expect(row).toMatchObject({ npi: '9000000002', state: null, medicare_state_rate: 200, medicare_national_rate: 190 })
    expect(row).toMatchObject({ rate_to_medicare_ratio: 0.75, is_above_medicare: false, provider_type: 'Organization' })
  })

  it('compares no percentage with Medicare', async () => {
    const [, , row] = await enriched(tinyStar())
    expect(row).toMatchObject({ fact_uid: 'f2', medicare_state_rate: 10 })
    expect(row).toMatchObject({ rate_to_medicare_ratio: null, is_above_medicare: null })
    expect(row).toMatchObject({ reporting_entity_name: 'The Payer', tin_values: null, pos_members: null })
  })

  it('gives a malformed month no year, no month and no benchmark', async () => {
    const [, , , row] = await enriched(tinyStar())
    expect(row).toMatchObject({ year_month: '2025-13', year: null, month: null, medicare_state_rate: null })
  })

  it('reads an empty string in a partition column as NULL, and only there', async () => {
    const [, , , row] = await enriched(tinyStar())
    expect(row).toMatchObject({ fact_uid: 'f3', billing_class: null })
    const [, , , other] = await enriched(tinyStar(), { ...DEFAULT_OPTIONS, partitionColumns: ['payer_slug'] })
    expect(other).toMatchObject({ fact_uid: 'f3', billing_class: '' })
  })

  it('sets facts aside whose rate is out of range', async () => {
    const star = withTable(tinyStar(), 'gold/fact_rate', (facts) => ({
      ...facts,
      rows: facts.rows.map((row) => (row['fact_uid'] === 'f1' ? { ...row, negotiated_rate: -1 } : row)),
    }))
    const rows = await enriched(star)
    expect(rows.map((r) => r['fact_uid'])).toEqual(['f2', 'f3'])
  })
})
