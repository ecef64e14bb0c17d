import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnalyticsPlan, AnalyticsUnit } from '../../src/records/analytics.js'
import { filesUnder } from '../oracle/compare-table.js'
import { DEFAULT_OPTIONS, type StarTables, tablesUnder } from '../oracle/oracle-table.js'
import { comparedFiles, comparedWithOracle } from '../oracle/same-rows.js'
import { text } from '../oracle/sql.js'
import { randomStar } from '../stars/random-star.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { type Star, writeStar } from '../stars/star.js'
import { Lake, type LakeOptions } from './in-process-run.js'

const NINE = DEFAULT_OPTIONS.partitionColumns

interface TwoLayouts {
  readonly columns: readonly string[]
  readonly analytics?: readonly string[]
}

const USUAL: TwoLayouts = { columns: NINE }

/** Layouts whose attributes make one, some or all of the analytics table's partition columns, or none. */
const LAYOUTS: readonly TwoLayouts[] = [
  USUAL,
  { columns: NINE, analytics: [] },
  { columns: NINE, analytics: ['billing_class'] },
  { columns: ['payer_slug'] },
  { columns: ['state', 'payer_slug'] },
  { columns: ['stat_area_name', 'city'] },
  { columns: ['month', 'year', 'billing_class'], analytics: ['month'] },
  { columns: ['procedure_class', 'primary_taxonomy_code', 'provider_group_id_raw'] },
]

/** Facts with a lower rate are set aside. */
const RATES = { min: 1, max: 1_000_000 }
const QUARANTINE = { rules: { rate_range: { ...RATES, max_share: 1 } } }

let root: string
let made = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function written(star: Star): Promise<{ readonly folder: string; readonly tables: StarTables }> {
  const folder = join(root, String(made++))
  await writeStar(folder, star)
  const tables = tablesUnder(folder)
  const benchmark = star['bench_medicare_professional'] ? tables['bench_medicare_professional'] : undefined
  return { folder, tables: { ...tables, bench_medicare_professional: benchmark } }
}

function lakeOf(star: string, options: Omit<LakeOptions, 'star'>): Lake {
  const lake = new Lake(join(root, String(made++)))
  lake.configure({
    star,
    tables: { fact_rate: join(star, 'gold/fact_rate*.parquet') },
    dataQuality: QUARANTINE,
    ...options,
  })
  return lake
}

/** A file that a run wrote. */
interface WrittenFile {
  readonly fingerprint: string
  readonly sha256: string
  readonly path: string
  readonly rows: number
  readonly partition: readonly (string | null)[]
}

/** Writes and audits the analytics table of a star. */
async function filesOf(
  star: string,
  options: Omit<LakeOptions, 'star'>,
  afterStaging?: (staged: string) => Promise<void>,
): Promise<{ readonly plan: AnalyticsPlan; readonly files: WrittenFile[] }> {
  const lake = lakeOf(star, options)
  const opened = await lake.open()
  await opened.analyticsOnly(afterStaging)
  const { runId } = opened.run
  const plan = lake.record<AnalyticsPlan>(runId, 'analytics-plan.json')
  const files = Array.from({ length: plan.units }, (_, unit) =>
    lake
      .record<AnalyticsUnit>(runId, `analytics/${unit}.json`)
      .files.map(({ file, ...known }) => ({ ...known, ...file })),
  ).flat()
  expect(files.map(({ path }) => path).toSorted()).toEqual(lake.dataFiles)
  return { plan, files }
}

function paths(files: readonly WrittenFile[]): string[] {
  return files.map(({ path }) => path)
}

describe('the analytics table', () => {
  it('for random stars and layouts, has exactly the rows of an independent join, and its audit agrees', async () => {
    let most = 0
    await fc.assert(
      fc.asyncProperty(
        randomStar(),
        fc.constantFrom(...LAYOUTS),
        fc.integer({ min: 1, max: 8 }),
        async (star, { columns, analytics }, target) => {
          const { folder, tables } = await written(star)
          const { files, plan } = await filesOf(folder, {
            partitionColumns: columns,
            analytics: {
              enabled: true,
              target_file_rows: target,
              ...(analytics ? { partition_columns: analytics } : {}),
            },
          })
          const options = { ...DEFAULT_OPTIONS, partitionColumns: columns, rateRange: RATES }
          const { expected, found, differences } = await comparedWithOracle(tables, options, paths(files))
          expect(differences).toEqual([])
          expect([found, plan.rows]).toEqual([expected, expected])
          most = Math.max(most, files.length)
        },
      ),
      // One file a star would show nothing: one of the stars has many.
      { numRuns: 10, endOnFailure: true, examples: [[severalFilesStar(), USUAL, 8]] },
    )
    expect(most).toBeGreaterThan(5)
  }, 400_000)

  it('has the rows of the table of partitions, of a star whose providers are staged in many blocks', async () => {
    const { folder, tables } = await written(severalFilesStar())
    const analytics = { enabled: true, target_file_rows: 20 }
    const { plan, files } = await filesOf(folder, { analytics }, (staged) => inBlocks(staged, 1))
    expect(new Set(plan.files.map(({ block }) => block)).size).toBeGreaterThan(1)
    const compared = await comparedWithOracle(tables, { ...DEFAULT_OPTIONS, rateRange: RATES }, paths(files))
    expect(compared).toEqual({ expected: plan.rows, found: plan.rows, differences: [] })
  })

  it('has a slice of more rows than twice the target as one file, with all of them', async () => {
    const facts = Array.from({ length: 90 }, (_, i) => ({
      ...variedFact(0),
      fact_uid: `large ${i}`,
      negotiated_rate: 10 + i,
    }))
    const { folder, tables } = await written(severalFilesStar([...facts, variedFact(1), variedFact(2)]))
    const { plan, files } = await filesOf(folder, { analytics: { enabled: true, target_file_rows: 20 } })
    expect(Math.max(...files.map(({ rows }) => rows))).toBeGreaterThanOrEqual(facts.length)
    const compared = await comparedWithOracle(tables, { ...DEFAULT_OPTIONS, rateRange: RATES }, paths(files))
    expect(compared).toEqual({ expected: plan.rows, found: plan.rows, differences: [] })
  })

  it('has no row of a fact that was set aside', async () => {
    const { folder } = await written(severalFilesStar())
    const lake = lakeOf(folder, { analytics: { enabled: true, target_file_rows: 30 } })
    const { quarantined } = await lake.run()
    expect(quarantined).toBe(24)
    const { found, differences } = await comparedFiles(filesUnder(lake.table), lake.dataFiles)
    expect(differences).toEqual([])
    expect(found).toBeGreaterThan(500)
  })
})

/** Stages providers in blocks of so many cells, as those of a star with very many are. */
async function inBlocks(staged: string, cells: number): Promise<void> {
  const file = (name: string): string => text(join(staged, `${name}.parquet`))
  await withDuckDb(async (run) => {
    await run(
      `CREATE TABLE old_npis AS SELECT *, file_row_number AS place FROM read_parquet(${file('npis')}, file_row_number = true)`,
    )
    await run(`CREATE TABLE new_ids AS SELECT npi_id AS old_id, cell_id,
      (row_number() OVER (ORDER BY cell_id // ${cells}, npi) - 1)::INTEGER AS new_id FROM old_npis`)
    await replaced(
      run,
      staged,
      'cells',
      `SELECT * REPLACE ((cell_id // ${cells})::INTEGER AS block) FROM ${file('cells')} ORDER BY cell_id`,
    )
    await replaced(
      run,
      staged,
      'npis',
      `SELECT o.* EXCLUDE place REPLACE (n.new_id AS npi_id, (o.cell_id // ${cells})::INTEGER AS block)
      FROM old_npis o JOIN new_ids n ON n.old_id = o.npi_id AND n.cell_id = o.cell_id ORDER BY n.new_id`,
    )
    await replaced(
      run,
      staged,
      'members',
      `SELECT m.* REPLACE ((m.cell_id // ${cells})::INTEGER AS block, coalesce(n.new_id, -1) AS npi_id)
      FROM ${file('members')} m LEFT JOIN new_ids n ON n.old_id = m.npi_id ORDER BY block, group_id, m.cell_id, npi_id`,
    )
  })
}

type RunSql = (sql: string) => Promise<unknown>

async function replaced(run: RunSql, folder: string, name: string, select: string): Promise<void> {
  const path = join(folder, `${name}.parquet`)
  await run(`COPY (${select}) TO ${text(`${path}.new`)} (FORMAT parquet)`)
  renameSync(`${path}.new`, path)
}

async function withDuckDb<T>(use: (run: RunSql) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return await use((sql) => connection.run(sql))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

describe('the same content', () => {
  it('gives the same files with the same bytes, whatever the order of the input', async () => {
    const facts = Array.from({ length: 240 }, (_, i) => variedFact(i))
    const first = await written(severalFilesStar(facts))
    const second = await written(severalFilesStar(facts.toReversed()))
    const analytics = { enabled: true, target_file_rows: 30 }
    const one = await filesOf(first.folder, { analytics })
    const two = await filesOf(second.folder, { analytics })
    expect(digests(two.files)).toEqual(digests(one.files))
    expect(one.files.length).toBeGreaterThan(15)
    for (const { path, sha256 } of one.files) {
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256)
    }
  })

  it('gives the same files where their bytes are limited as well, and more of them than without', async () => {
    const facts = Array.from({ length: 240 }, (_, i) => variedFact(i))
    const first = await written(severalFilesStar(facts))
    const second = await written(severalFilesStar(facts.toReversed()))
    const limited = { enabled: true, target_file_rows: 60, target_file_bytes: 1_500 }
    const one = await filesOf(first.folder, { analytics: limited })
    const two = await filesOf(second.folder, { analytics: limited })
    const { target_file_bytes: _, ...byRows } = limited
    const without = await filesOf(first.folder, { analytics: byRows })
    expect(digests(two.files)).toEqual(digests(one.files))
    expect(one.files.length).toBeGreaterThan(without.files.length)
    expect(one.plan.rows).toBe(without.plan.rows)
  })

  it('gives the same fingerprints and bytes whatever else the star has: other payers, codes, groups and providers', async () => {
    const facts = Array.from({ length: 240 }, (_, i) => variedFact(i))
    const more = facts
      .slice(0, 60)
      .map((fact, i) => ({ ...fact, fact_uid: `a${i}`, payer_slug: 'a payer before', code: `A${i % 3}` }))
    const first = await written(severalFilesStar(facts))
    const second = await written(severalFilesStar([...more, ...facts]))
    const analytics = { enabled: true, target_file_rows: 30 }
    const one = await filesOf(first.folder, { analytics })
    const two = await filesOf(second.folder, { analytics })
    const known = new Map(two.files.map(({ fingerprint, sha256 }) => [fingerprint, sha256]))
    expect(one.files.map(({ fingerprint }) => known.get(fingerprint))).toEqual(one.files.map(({ sha256 }) => sha256))
    expect(two.files.length).toBeGreaterThan(one.files.length)
  })
})

function digests(files: readonly WrittenFile[]): unknown[] {
  return files.map(({ fingerprint, sha256, rows, partition }) => ({ fingerprint, sha256, rows, partition }))
}

describe('a fingerprint of a file', () => {
  it('changes in exactly one file when one fact changes', async () => {
    const facts = Array.from({ length: 240 }, (_, i) => variedFact(i))
    const analytics = { enabled: true, target_file_rows: 30 }
    const before = await filesOf((await written(severalFilesStar(facts))).folder, { analytics })
    for (const at of [0, 118, 238]) {
      const changed = facts.with(at, { ...facts[at], negotiated_rate: 77.25 })
      const after = await filesOf((await written(severalFilesStar(changed))).folder, { analytics })
      expect(after.files).toHaveLength(before.files.length)
      const others = after.files.flatMap((file, i) => {
        const known = before.files[i]
        return known && known.fingerprint !== file.fingerprint ? [[known.sha256, file.sha256]] : []
      })
      expect(others).toHaveLength(1)
      for (const [known, now] of others) expect(now).not.toBe(known)
    }
  })

  it('of random stars, is the same exactly where the rows are, and then so are the bytes', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(
        randomStar({ missingParts: false }),
        fc.nat(),
        fc.constantFrom(...LAYOUTS),
        async (star, pick, { columns, analytics }) => {
          const options = {
            partitionColumns: columns,
            analytics: { enabled: true, target_file_rows: 4, ...(analytics ? { partition_columns: analytics } : {}) },
          }
          const before = await filesOf((await written(star)).folder, options)
          const after = await filesOf((await written(withoutOneRow(star, pick))).folder, options)
          const contents = new Map(before.files.map((file) => [file.fingerprint, file]))
          const contentsBefore = await contentsOf(before.files)
          const contentsAfter = await contentsOf(after.files)
          const known = new Set(contentsBefore)
          for (const [i, file] of after.files.entries()) {
            const twin = contents.get(file.fingerprint)
            expect(`${file.path} ${twin !== undefined}`).toBe(`${file.path} ${known.has(contentsAfter[i] ?? '')}`)
            if (twin) expect(file.sha256).toBe(twin.sha256)
            compared += 1
          }
        },
      ),
      { numRuns: 6, endOnFailure: true, examples: [[severalFilesStar(), 0, USUAL]] },
    )
    expect(compared).toBeGreaterThan(5)
  }, 400_000)
})

/** A digest of the rows of each file. */
async function contentsOf(files: readonly WrittenFile[]): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const contents: string[] = []
  for (const { path } of files) {
    const rows = await connection.runAndReadAll(
      `SELECT string_agg(md5(to_json(t)::VARCHAR), '' ORDER BY to_json(t)::VARCHAR) FROM read_parquet(${text(path)}, hive_partitioning = false) t`,
    )
    contents.push(String(rows.getRowsJson()[0]?.[0]))
  }
  connection.closeSync()
  instance.closeSync()
  return contents
}

function withoutOneRow(star: Star, pick: number): Star {
  const names = Object.keys(star).filter((name) => (star[name]?.rows.length ?? 0) > 1)
  const name = pick % 2 === 0 ? 'gold/fact_rate' : (names[pick % names.length] ?? '')
  const table = star[name]
  if (!table || table.rows.length < 2) return star
  return { ...star, [name]: { ...table, rows: table.rows.toSpliced(pick % table.rows.length, 1) } }
}
