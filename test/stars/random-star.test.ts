import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createOracleTable, DEFAULT_OPTIONS, tablesUnder } from '../oracle/oracle-table.js'
import { randomStar, seededStar } from './random-star.js'
import { type Star, writeStar } from './star.js'

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

function rowsOf(star: Star, name: string): Star[string]['rows'] {
  return star[name]?.rows ?? []
}

/** One row per fact and distinct valid member of its group, at least one: counted in plain JavaScript. */
function expectedRows(star: Star): number {
  const members = new Map<string, Set<string>>()
  for (const { pg_uid: group, npi } of rowsOf(star, 'xrefs/xref_pg_member_npi')) {
    if (typeof group !== 'string' || typeof npi !== 'string' || /^0*$/.test(npi)) continue
    members.set(group, (members.get(group) ?? new Set()).add(npi))
  }
  const facts = [...rowsOf(star, 'gold/fact_rate'), ...rowsOf(star, 'gold/fact_rate_2')]
  return facts.reduce((sum, fact) => sum + Math.max(1, members.get(String(fact['pg_uid']))?.size ?? 0), 0)
}

describe('random stars', () => {
  it('give the oracle as many rows as a count in plain JavaScript', async () => {
    const root = mkdtempSync(join(tmpdir(), 'etl3-random-'))
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(randomStar(), async (star) => {
          const folder = join(root, String(run++))
          await writeStar(folder, star)
          const tables = { ...tablesUnder(folder) }
          const benchmark = star['bench_medicare_professional'] ? tables['bench_medicare_professional'] : undefined
          const rows = await createOracleTable(connection, { ...tables, bench_medicare_professional: benchmark })
          expect(rows).toBe(expectedRows(star))
          const key = await connection.runAndReadAll(
            'SELECT count(*)::DOUBLE FROM (SELECT DISTINCT fact_uid, npi FROM oracle)',
          )
          expect(key.getRowsJson()).toEqual([[rows]])
        }),
        { numRuns: 40 },
      )
    } finally {
      connection.closeSync()
      instance.closeSync()
      rmSync(root, { recursive: true, force: true })
    }
  }, 120_000)

  it('are the same for the same seed', () => {
    expect(seededStar(7)).toEqual(seededStar(7))
    expect(seededStar(7)).not.toEqual(seededStar(8))
  })

  // Without these a property over random stars would pass for want of the trap.
  it.each<[string, (star: Star) => boolean]>([
    ['a second file of facts with numeric group ids', (s) => 'gold/fact_rate_2' in s],
    ['a fact without a group', (s) => rowsOf(s, 'gold/fact_rate').some((r) => r['pg_uid'] === null)],
    ['a malformed month', (s) => rowsOf(s, 'gold/fact_rate').some((r) => r['year_month'] === '2025-13')],
    ['an NPI of zeros', (s) => rowsOf(s, 'xrefs/xref_pg_member_npi').some((r) => r['npi'] === '0000000000')],
    ['a doubled link', (s) => hasRepeat(rowsOf(s, 'xrefs/xref_pg_member_npi'))],
    ['an equal duplicate of a provider', (s) => hasRepeat(rowsOf(s, 'dims/dim_npi'))],
    ['a provider without an NPI', (s) => rowsOf(s, 'dims/dim_npi').some((r) => r['npi'] === null)],
    ['a code with several categories', (s) => hasRepeat(rowsOf(s, 'dims/dim_code_cat').map((r) => r['proc_cd']))],
    ['no benchmark table', (s) => !('bench_medicare_professional' in s)],
    ['a missing optional column', (s) => !('credential' in (s['dims/dim_npi']?.columns ?? {}))],
    ['an area that is named like a sentinel', (s) => areas(s).includes('__NULL__')],
    ['an area that is the empty string', (s) => areas(s).includes('')],
    ['a percentage', (s) => rowsOf(s, 'gold/fact_rate').some((r) => r['negotiated_type'] === 'PERCENTAGE')],
  ])('hold %s now and then', (_, holds) => {
    const stars = SEEDS.map((seed) => seededStar(seed))
    expect(stars.filter(holds).length).toBeGreaterThan(2)
  })

  it('have partition values that only escaping keeps apart', () => {
    expect(DEFAULT_OPTIONS.partitionColumns).toContain('stat_area_name')
    const seen = new Set(SEEDS.flatMap((seed) => areas(seededStar(seed))))
    for (const area of ['x/y', '%2F', 'a=b', '__null__', '__HIVE_DEFAULT_PARTITION__', '%5F_NULL__', '..']) {
      expect(seen).toContain(area)
    }
  })
})

function areas(star: Star): unknown[] {
  return rowsOf(star, 'dims/dim_npi_address_geolocation').map((row) => row['stat_area_name'])
}

function hasRepeat(values: readonly unknown[]): boolean {
  return new Set(values.map((v) => JSON.stringify(v))).size < values.length
}
