import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTable } from '../oracle/compare-table.js'
import { catalogOf } from './support/catalog.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk } from './support/stars.js'

let star: StarOnDisk

beforeAll(async () => {
  star = await demoStar(1_000)
})

const homes: Home[] = []

afterAll(async () => {
  await Promise.all(homes.map(async (home) => await home[Symbol.asyncDispose]()))
})

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

/** Partition columns by what is particular about them. */
const LAYOUTS: readonly (readonly [string, readonly string[]])[] = [
  ['the nine columns', NINE],
  ['the nine columns backwards', NINE.toReversed()],
  ['one column of the facts', ['payer_slug']],
  ['columns of provider and facts, the provider first', ['state', 'payer_slug']],
  ['columns of the providers only', ['stat_area_name', 'state']],
  ['columns without the state', ['year', 'primary_taxonomy_code', 'procedure_class']],
]

describe('no row is lost, doubled or half visible', () => {
  for (const [what, partitionColumns] of LAYOUTS) {
    it.concurrent(`the table is the join of the star, value for value, by ${what}`, async () => {
      const home = new Home({ ...star.options, partitioning: { partition_columns: partitionColumns } })
      homes.push(home)
      const result = await home.start().result()
      const { problems, expected } = await compareTable({
        star: star.tables,
        tableRoot: home.table,
        partitionColumns,
        memoryLimitMb: 512,
        threads: 1,
      })
      expect(problems).toEqual([])
      expect(expected.rows).toBeGreaterThan(1_000)
      expect(result).toMatchObject({ rows: expected.rows, partitions: { total: expected.partitions } })
      const catalog = await catalogOf(home)
      expect(Number(catalog.rowsOfView)).toBe(expected.rows)
      expect(catalog.partitions).toHaveLength(expected.partitions)
    })
  }

  it.concurrent('a sample audit publishes the same bytes as a full one, and reads fewer of them again', async () => {
    const full = new Home({ ...star.options, processing: { audit: 'full' } })
    const sample = new Home({ ...star.options, processing: { audit: 'sample' } })
    homes.push(full, sample)
    const [a, b] = await Promise.all([full.start().result(), sample.start().result()])
    expect(sample.tree).toEqual(full.tree)
    const readAgain = (home: Home, runId: string): unknown => home.record(runId, 'audit.json')['readAgain']
    expect(readAgain(full, a.runId)).toBe(a.partitions.total)
    expect(Number(readAgain(sample, b.runId))).toBeGreaterThan(0)
    expect(Number(readAgain(sample, b.runId))).toBeLessThan(b.partitions.total)
  })

  it.concurrent('units, chunks and row groups of any size give the same rows in the same files', async () => {
    const usual = new Home(star.options)
    const small = new Home({ ...star.options, processing: { chunk_size: 7, unit_seconds: 0.01 } })
    homes.push(usual, small)
    await Promise.all([usual.start().result(), small.start().result()])
    expect(small.tree).toEqual(usual.tree)
  })
})

describe('the memory cap', () => {
  it('holds: the result says the peak of the worker, and it is below the limit', async () => {
    const home = new Home(star.options)
    homes.push(home)
    const { peakMemoryMb, memoryLimitMb } = await home.start().result()
    expect(memoryLimitMb).toBe(512)
    // Node alone needs more than this.
    expect(peakMemoryMb).toBeGreaterThan(60)
    expect(peakMemoryMb).toBeLessThanOrEqual(memoryLimitMb)
  })

  it('below what can work is refused, and the message says the smallest that can', async () => {
    const home = new Home({ ...star.options, processing: { memory_limit_mb: 100 } })
    homes.push(home)
    const refused = await home.start().failure(2)
    const smallest = Number(/(\d[\d,]*) MB/.exec(`${refused.hint} ${refused.message}`.replace('100 MB', ''))?.[1])
    expect(refused.code).toBe('ETL3-ME-03')
    expect(smallest).toBeGreaterThan(100)
    home.configure({ ...star.options, processing: { memory_limit_mb: smallest } })
    expect((await home.start().result()).status).toBe('published')
  })
})
