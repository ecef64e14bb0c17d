import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAsOf, snapshotAt } from '../../src/analytics/snapshot-at.js'
import { loadConfig } from '../../src/config/load.js'
import type { Config } from '../../src/config/schema.js'
import { queryCatalog } from '../../src/lake/queries.js'
import type { QueryRequest } from '../../src/lake/query.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'

const ANALYTICS = { enabled: true, target_file_rows: 12 }

let root: string
let lake: Lake
let config: Config
/** Runs by what they publish: 60 facts, then 72 of them. */
let runs: { readonly fewer: string; readonly more: string }

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-reading-'))
  lake = new Lake(join(root, 'lake'))
  const published = async (facts: number, execution: string): Promise<string> => {
    const star = join(root, `star-${facts}`)
    await writeStar(star, severalFilesStar(Array.from({ length: facts }, (_, i) => variedFact(i))))
    lake.configure({ star, analytics: ANALYTICS })
    return (await lake.run(execution)).runId
  }
  runs = { fewer: await published(60, 'first'), more: await published(72, 'second') }
  config = loadConfig({ file: join(lake.root, 'c.yaml'), env: {} }).config
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function ask(sql: string, more: Partial<QueryRequest> = {}): Promise<readonly (readonly unknown[])[]> {
  return (await queryCatalog({ config, sql, signal: new AbortController().signal, ...more })).rows
}

async function facts(more: Partial<QueryRequest> = {}): Promise<unknown> {
  return (await ask('SELECT count(DISTINCT fact_uid) FROM fact_rate_enriched', more))[0]?.[0]
}

describe('a query where the runs keep the analytics table', () => {
  it('finds in it, by the table’s own name, the rows of the partitioned files', async () => {
    expect(await facts()).toBe(72)
    expect(
      await ask(`(FROM fact_rate_enriched EXCEPT ALL FROM fact_rate_enriched_partitioned)
        UNION ALL (FROM fact_rate_enriched_partitioned EXCEPT ALL FROM fact_rate_enriched)`),
    ).toEqual([])
  })

  it('lists each name once', async () => {
    expect(await ask('SHOW TABLES')).toEqual(
      ['analytics', 'analytics_files', 'columns', 'fact_rate_enriched', 'fact_rate_enriched_partitioned']
        .concat('fact_rate_enriched_rates', 'fact_rate_enriched_rates_by_payer')
        .concat('figures', 'partitions', 'published', 'quarantine', 'rates', 'rates_by_payer')
        .map((name) => [name]),
    )
  })

  it('does not open the partitioned files for it', async () => {
    const kept = join(root, 'kept')
    cpSync(lake.table, kept, { recursive: true })
    rmSync(lake.table, { recursive: true })
    try {
      expect(await facts()).toBe(72)
      await expect(ask('SELECT count(npi) FROM fact_rate_enriched_partitioned')).rejects.toThrow(/ETL3-QU-04|No files/)
    } finally {
      cpSync(kept, lake.table, { recursive: true })
    }
  })

  it('still opens, of the partitioned files, only those that the predicates leave', async () => {
    const sql = "SELECT count(*) FROM fact_rate_enriched_partitioned WHERE payer_slug = 'a payer that there is not'"
    const answer = await queryCatalog({ config, sql, signal: new AbortController().signal })
    expect(answer).toMatchObject({ rows: [[0]], filesScanned: 0 })
  })

  it('can be put to the table as an earlier run left it, and as it was at an instant', async () => {
    const { signal } = new AbortController()
    expect(await facts({ snapshot: await snapshotAt(config, runs.fewer, signal) })).toBe(60)
    const sql = 'SELECT count(DISTINCT fact_uid) FROM main.fact_rate_enriched'
    expect(await ask(sql, { snapshot: await snapshotAt(config, runs.fewer, signal) })).toEqual([[60]])
    expect(await facts({ snapshot: await snapshotAt(config, runs.more, signal) })).toBe(72)
    expect(await facts({ snapshot: await snapshotAt(config, '2099-12-31', signal) })).toBe(72)
    await expect(snapshotAt(config, '2001-01-01', signal)).rejects.toMatchObject({ code: 'ETL3-IC-07' })
    await expect(snapshotAt(config, '0123456789abcdef', signal)).rejects.toMatchObject({ code: 'ETL3-IC-07' })
  })

  it('is refused where it names the table with its schema and asks for an earlier state', async () => {
    const snapshot = await snapshotAt(config, runs.fewer, new AbortController().signal)
    for (const name of ['healthcare_data_lake.fact_rate_enriched', 'catalog.main.fact_rate_enriched']) {
      const sql = `SELECT count(DISTINCT fact_uid) FROM ${name}`
      await expect(ask(sql, { snapshot })).rejects.toMatchObject({ code: 'ETL3-QU-01' })
      expect(await ask(sql)).toEqual([[72]])
    }
  })

  it('finds the files of a lake that was moved, at the place that is configured now', async () => {
    const moved = join(root, 'moved')
    cpSync(lake.root, moved, { recursive: true })
    const elsewhere = {
      ...config,
      output: {
        ...config.output,
        uri: join(moved, 'table'),
        metadata_uri: join(moved, 'etl3'),
        analytics: { ...config.output.analytics, uri: join(moved, 'analytics') },
      },
    }
    const kept = join(root, 'kept-analytics')
    cpSync(lake.analytics, kept, { recursive: true })
    rmSync(lake.analytics, { recursive: true })
    try {
      expect(await facts({ config: elsewhere })).toBe(72)
    } finally {
      cpSync(kept, lake.analytics, { recursive: true })
    }
  })
})

describe('a query of a catalog that an earlier version wrote', () => {
  it('finds the analytics table as well', async () => {
    const written = join(root, 'earlier')
    cpSync(lake.metadata, written, { recursive: true })
    await change(join(written, 'catalog.duckdb'), 'ALTER TABLE etl3.published DROP COLUMN analytics_uri')
    const earlier = { ...config, output: { ...config.output, metadata_uri: written } }
    expect(await facts({ config: earlier })).toBe(72)
    const { filesScanned } = await queryCatalog({
      config: earlier,
      sql: 'SELECT count(npi) FROM fact_rate_enriched',
      signal: new AbortController().signal,
    })
    expect(filesScanned).toBeUndefined()
  })
})

async function change(catalog: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(catalog)
  const connection = await instance.connect()
  await connection.run(sql)
  connection.closeSync()
  instance.closeSync()
}

describe('the word for an earlier state', () => {
  it.each([
    ['0123456789abcdef', { runId: '0123456789abcdef' }],
    ['2026-08-01', { timestampMs: Date.UTC(2026, 7, 1) }],
    ['2026-08-01T12:30', { timestampMs: Date.UTC(2026, 7, 1, 12, 30) }],
    ['2026-08-01 12:30:05', { timestampMs: Date.UTC(2026, 7, 1, 12, 30, 5) }],
    ['2026-08-01T12:30+02:00', { timestampMs: Date.UTC(2026, 7, 1, 10, 30) }],
  ])('%s is a run or a time, in UTC where no zone is said', (text, asOf) => {
    expect(parseAsOf(text)).toEqual(asOf)
  })

  it.each(['yesterday', '', '2026-13-01', '2026-8-1', '12', '0123456789abcde'])('%j is neither', (text) => {
    expect(() => parseAsOf(text)).toThrow(expect.objectContaining({ code: 'ETL3-IC-07' }))
  })
})
