import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTable } from '../oracle/compare-table.js'
import { exactRows } from '../oracle/exact-rows.js'
import { createOracleTable, DEFAULT_OPTIONS, type StarTables, tablesUnder } from '../oracle/oracle-table.js'
import { expectedPath } from '../oracle/partition-path.js'
import { NPI_B } from '../stars/good-star.js'
import { layouts, writeOddly } from '../stars/odd-layout.js'
import { randomStar } from '../stars/random-star.js'
import { severalFilesStar } from '../stars/several-files-star.js'
import { type Star, withTable, writeStar } from '../stars/star.js'
import { type KeyedEntry, runInProcess } from './run-in-process.js'

const NINE = DEFAULT_OPTIONS.partitionColumns

/** Layouts of every kind: no provider column, no state, provider columns only, columns that are not among the nine. */
const LAYOUTS: readonly (readonly string[])[] = [
  NINE,
  ['payer_slug'],
  ['state', 'payer_slug'],
  ['stat_area_name', 'year'],
  ['month', 'year', 'billing_class'],
  ['city', 'pg_uid'],
  ['procedure_class', 'primary_taxonomy_code', 'provider_group_id_raw'],
]

let root: string
let run = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-pipeline-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function written(star: Star): Promise<{ folder: string; tables: StarTables }> {
  const folder = join(root, String(run++))
  await writeStar(folder, star)
  const tables = tablesUnder(folder)
  const benchmark = star['bench_medicare_professional'] ? tables['bench_medicare_professional'] : undefined
  return { folder, tables: { ...tables, bench_medicare_professional: benchmark } }
}

async function planned(folder: string, partitionColumns: readonly string[], name = 'a'): Promise<KeyedEntry[]> {
  return await runInProcess({
    star: folder,
    partitionColumns,
    out: join(folder, `table-${name}`),
    scratch: join(folder, `scratch-${name}`),
    rowGroupRows: 7,
  })
}

describe('no row is lost, doubled or wrong', () => {
  it('for random stars and layouts, every value of the table is that of an independent join', async () => {
    await fc.assert(
      fc.asyncProperty(randomStar(), fc.constantFrom(...LAYOUTS), async (star, partitionColumns) => {
        const { folder, tables } = await written(star)
        await planned(folder, partitionColumns)
        const { problems } = await compareTable({ star: tables, tableRoot: join(folder, 'table-a'), partitionColumns })
        expect(problems).toEqual([])
      }),
      { numRuns: 40 },
    )
  }, 300_000)
})

describe('a star in files as other tools lay them out', () => {
  it('gives the table of the plain files, in folders whose names are patterns', async () => {
    await fc.assert(
      fc.asyncProperty(randomStar(), layouts, fc.constantFrom(...LAYOUTS), async (star, chosen, partitionColumns) => {
        const { folder, tables } = await written(star)
        const home = join(folder, 'x[1] ?*')
        await writeOddly(join(home, 'st[a]r'), join(folder, 'x1 ab/star'), star, chosen)
        const out = join(home, 'table[0]')
        await runInProcess({
          star: join(home, 'st[a]r'),
          partitionColumns,
          out,
          scratch: join(home, 'scr?tch[\\]'),
          rowGroupRows: 7,
        })
        const tableRoot = join(folder, 'table')
        renameSync(out, tableRoot)
        const { problems } = await compareTable({ star: tables, tableRoot, partitionColumns })
        expect(problems).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 300_000)
})

describe('the plan', () => {
  it('for random stars, lists exactly the partitions, rows and facts that a brute-force join has', async () => {
    await fc.assert(
      fc.asyncProperty(randomStar(), fc.constantFrom(...LAYOUTS), async (star, partitionColumns) => {
        const { folder, tables } = await written(star)
        const plan = await planned(folder, partitionColumns)
        const found = new Map(plan.map(({ key, rows, facts }) => [key, { rows, facts }]))
        expect(found).toEqual(await bruteForce(tables, partitionColumns))
        expect(found.size).toBe(plan.length)
        expect(plan.map(({ keyInSql }) => keyInSql)).toEqual(plan.map(({ key }) => key))
      }),
      { numRuns: 30 },
    )
  }, 300_000)
})

describe('a fingerprint', () => {
  it('changes exactly when the content of its partition does', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomStar({ missingParts: false }),
        fc.nat(),
        fc.constantFrom(...LAYOUTS),
        async (star, pick, columns) => {
          await comparedFingerprints(star, mutated(star, pick), columns)
        },
      ),
      { numRuns: 40 },
    )
  }, 300_000)

  it('changes in the partitions of a provider who gets another name, and in no others', async () => {
    const star = severalFilesStar()
    const renamed = withTable(star, 'dims/dim_npi', ({ columns, rows }) => ({
      columns,
      rows: rows.map((row) => (row['npi'] === NPI_B ? { ...row, first_name: 'Rosalind' } : row)),
    }))
    const columns = ['payer_slug', 'state', 'npi']
    const { changed, kept } = await comparedFingerprints(star, renamed, columns)
    expect(changed.length).toBeGreaterThan(1)
    expect(changed.every((key) => key.includes(`/npi=${NPI_B}/`))).toBe(true)
    expect(kept.length).toBeGreaterThan(1)
    expect(kept.some((key) => key.includes(`/npi=${NPI_B}/`))).toBe(false)
  }, 60_000)
})

/** Compares fingerprints of two stars with the contents of their partitions. @returns keys of the partitions of both */
async function comparedFingerprints(
  one: Star,
  other: Star,
  columns: readonly string[],
): Promise<{ readonly changed: readonly string[]; readonly kept: readonly string[] }> {
  const before = await written(one)
  const after = await written(other)
  const first = new Map((await planned(before.folder, columns)).map((p) => [p.key, p.fingerprint]))
  const second = new Map((await planned(after.folder, columns)).map((p) => [p.key, p.fingerprint]))
  const contentBefore = await contents(before.tables, columns)
  const contentAfter = await contents(after.tables, columns)
  const changed: string[] = []
  const kept: string[] = []
  for (const [key, fingerprint] of first) {
    if (!second.has(key)) continue
    const same = contentBefore.get(key) === contentAfter.get(key)
    expect(`${key} ${second.get(key) === fingerprint}`).toBe(`${key} ${same}`)
    if (same) kept.push(key)
    else changed.push(key)
  }
  return { changed, kept }
}

/** The same star with one value of one row replaced by that of another row, or one row left out. */
function mutated(star: Star, pick: number): Star {
  const names = Object.keys(star).filter((name) => (star[name]?.rows.length ?? 0) > 1)
  const name = names[pick % names.length]
  const table = name === undefined ? undefined : star[name]
  if (name === undefined || !table) return star
  const rows = [...table.rows]
  const at = pick % rows.length
  const columns = Object.keys(table.columns).filter((c) => c !== 'fact_uid')
  const column = columns[pick % columns.length]
  const victim = rows[at]
  const donor = rows[(at + 1) % rows.length]
  const isKey = !name.startsWith('gold/') && pick % 3 !== 0
  if (!victim || !donor || column === undefined || isKey) rows.splice(at, 1)
  else if (name.startsWith('gold/')) rows[at] = { ...victim, [column]: donor[column] ?? null }
  else rows.splice(at, 1)
  return { ...star, [name]: { ...table, rows } }
}

async function withOracle<T>(
  tables: StarTables,
  columns: readonly string[],
  sql: string,
  take: (rows: unknown[][]) => T,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await createOracleTable(connection, tables, { ...DEFAULT_OPTIONS, partitionColumns: columns })
    return take(await exactRows(connection, sql))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function bruteForce(
  tables: StarTables,
  columns: readonly string[],
): Promise<Map<string, { rows: number; facts: number }>> {
  const keys = columns.map((c) => `"${c}"`).join(', ')
  return await withOracle(
    tables,
    columns,
    `SELECT count(*)::DOUBLE, count(DISTINCT fact_uid)::DOUBLE, ${keys} FROM oracle GROUP BY ${keys}`,
    (rows) =>
      new Map(
        rows.map(([n, facts, ...values]) => [
          expectedPath(columns, values.map(text)),
          { rows: Number(n), facts: Number(facts) },
        ]),
      ),
  )
}

async function contents(tables: StarTables, columns: readonly string[]): Promise<Map<string, string>> {
  const keys = columns.map((c) => `"${c}"`).join(', ')
  return await withOracle(
    tables,
    columns,
    `SELECT string_agg(row_text, chr(10) ORDER BY row_text), ${keys} FROM (SELECT to_json(o)::VARCHAR AS row_text, * FROM oracle o) GROUP BY ${keys}`,
    (rows) => new Map(rows.map(([content, ...values]) => [expectedPath(columns, values.map(text)), String(content)])),
  )
}

function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
