import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDemoStar } from '../../../src/demo/write-star.js'
import { Engine } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { partitionValues } from '../../../src/lake/keys.js'
import { advise, OPEN_COST_BYTES, typicalQueries } from '../../../src/plan/advise.js'
import { sizeCurve, sizeInSql } from '../../../src/plan/size-curve.js'
import { type KeyedEntry, runInProcess } from '../../pipeline/run-in-process.js'

const NINE = [
  'payer_slug',
  'state',
  'billing_class',
  'procedure_set',
  'procedure_class',
  'primary_taxonomy_code',
  'stat_area_name',
  'year',
  'month',
]

const folder = mkdtempSync(join(tmpdir(), 'etl3-advise-'))
const star = join(folder, 'star')
const partitions = join(folder, 'partitions.parquet')
let engine: Engine

async function planned(columns: readonly string[]): Promise<KeyedEntry[]> {
  const place = join(folder, columns.join('-'))
  return await runInProcess({
    star,
    partitionColumns: columns,
    out: join(place, 'out'),
    scratch: join(place, 'scratch'),
  })
}

beforeAll(async () => {
  await writeDemoStar({ out: star, facts: 1_500, seed: 3 })
  engine = await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: join(folder, 'scratch') })
  const entries = await planned(NINE)
  await engine.run(`CREATE TABLE entries (${NINE.map((name) => `${name} VARCHAR`).join(', ')}, rows BIGINT)`)
  await engine.append(
    'entries',
    entries.map(({ key, rows }) => [...partitionValues(NINE, key), rows]),
  )
  await engine.run(`COPY entries TO ${sqlString(partitions)} (FORMAT parquet)`)
})

afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the advice on partition columns', () => {
  it('counts files and rows as a plan by those columns does', async () => {
    const curve = await sizeCurve(engine, undefined)
    const { layouts, configured, chosen } = await advise({ engine, partitions, planned: false, columns: NINE, curve })
    expect(configured.columns).toEqual(NINE)
    expect(layouts.map(({ effortBytes }) => effortBytes)).toEqual(
      layouts.map(({ effortBytes }) => effortBytes).toSorted((a, b) => a - b),
    )
    expect(chosen).toBe(layouts[0])
    for (const columns of [['payer_slug', 'state'], ['state', 'billing_class'], NINE.slice(0, 5)]) {
      const due = (await planned(columns)).map(({ rows }) => rows).toSorted((a, b) => a - b)
      const found = layouts.find((layout) => layout.columns.join() === columns.join())
      expect(found?.partitions, columns.join()).toBe(due.length)
      const middle = (due.length - 1) / 2
      const median = ((due[Math.floor(middle)] ?? 0) + (due[Math.ceil(middle)] ?? 0)) / 2
      expect(found?.rowsPerFile.median, columns.join()).toBe(median)
    }
  })

  it('counts the objects that a query opens as its values are frequent, and prunes by columns of the layout only', async () => {
    const curve = await sizeCurve(engine, undefined)
    const queries = [['state'], ['month'], []]
    const advice = await advise({ engine, partitions, planned: false, columns: NINE, curve, queries })
    // Partitions by payer and state, from a plan of its own: each state's count, weighted with its rows.
    const byState = new Map<string | null, { files: number; rows: number }>()
    const entries = await planned(['payer_slug', 'state'])
    for (const { key, rows } of entries) {
      const state = partitionValues(['payer_slug', 'state'], key)[1] ?? null
      const sum = byState.get(state) ?? { files: 0, rows: 0 }
      byState.set(state, { files: sum.files + 1, rows: sum.rows + rows })
    }
    const rows = entries.reduce((sum, entry) => sum + entry.rows, 0)
    const due = [...byState.values()].reduce((sum, value) => sum + (value.files * value.rows) / rows, 0)
    const layout = advice.layouts.find(({ columns }) => columns.join() === 'payer_slug,state')
    expect(layout?.queries[0]?.objects).toBeCloseTo(due, 9)
    expect(layout?.queries[1]?.objects).toBe(entries.length)
    expect(layout?.queries[2]?.objects).toBe(entries.length)
    const [first] = layout?.queries ?? []
    expect(layout?.effortBytes).toBeGreaterThan(((first?.objects ?? 0) * OPEN_COST_BYTES) / 3)
  })

  it('warns of small files, and chooses fewer columns for a table this small', async () => {
    const curve = await sizeCurve(engine, undefined)
    const advice = await advise({ engine, partitions, planned: false, columns: NINE, curve })
    expect(advice.smallFiles).toBe(true)
    expect(advice.chosen.columns.length).toBeLessThan(3)
    expect(advice.chosen.partitions).toBeLessThan(advice.configured.partitions)
  })

  it('refuses a query by another column', async () => {
    const curve = await sizeCurve(engine, undefined)
    const asked = advise({ engine, partitions, planned: false, columns: ['state'], curve, queries: [['npi']] })
    await expect(asked).rejects.toMatchObject({ code: 'ETL3-PL-03' })
  })

  it('has queries for any number of columns', () => {
    expect(typicalQueries(['a'])).toEqual([['a'], []])
    expect(typicalQueries(['a', 'b', 'c', 'd'])).toEqual([['a'], ['b'], ['c'], ['a', 'b'], ['a', 'b', 'c'], []])
  })
})

describe('the size curve', () => {
  const curve = [
    { rows: 1, bytes: 1_000 },
    { rows: 11, bytes: 2_000 },
    { rows: 111, bytes: 4_000 },
  ]

  it('runs straight between its points and on beyond the last', async () => {
    const at = async (rows: number): Promise<number> =>
      Number((await engine.row(`SELECT ${sizeInSql(curve, String(rows))} AS b`))['b'])
    expect(await at(1)).toBe(1_000)
    expect(await at(6)).toBe(1_500)
    expect(await at(61)).toBe(3_000)
    expect(await at(1_111)).toBe(24_000)
  })

  it('is read off the published files', async () => {
    const manifest = join(folder, 'manifest.parquet')
    await engine.run(
      `COPY (SELECT 2 ** i AS rows, 500 + 10 * 2 ** i AS bytes FROM range(8) r(i)) TO ${sqlString(manifest)} (FORMAT parquet)`,
    )
    const points = await sizeCurve(engine, manifest)
    expect(points).toHaveLength(8)
    expect(points[3]).toEqual({ rows: 8, bytes: 580 })
  })
})
