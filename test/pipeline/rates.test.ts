import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/engine.js'
import { PAYER_RATE_COLUMNS, RATE_COLUMNS } from '../../src/rates/rate-columns.js'
import { takeRates } from '../../src/rates/take-rates.js'
import type { RunReport } from '../../src/report/run-report.js'
import { exactRows } from '../oracle/exact-rows.js'
import { DEFAULT_OPTIONS, tablesUnder } from '../oracle/oracle-table.js'
import { createRateRows, dueRates, KEYS, type RateTable } from '../oracle/rates.js'
import { text } from '../oracle/sql.js'
import { goodFact, goodPlace, goodStar, NPI_A, NPI_B } from '../stars/good-star.js'
import { pricedStar } from '../stars/priced-star.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { type Star, writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'
import { pathsIn, runInProcess } from './run-in-process.js'

const TABLES: readonly RateTable[] = ['rates', 'rates_by_payer']
const NINE = DEFAULT_OPTIONS.partitionColumns

let root: string
let oracle: DuckDBConnection
let run = 0

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-rates-'))
  oracle = await (await DuckDBInstance.create(':memory:', { memory_limit: '512MiB', threads: '1' })).connect()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const EVERY_RATE = {
  rules: { rate_range: { severity: 'off' }, zero_rate: { severity: 'off' } },
}

interface Wanted {
  readonly partitionColumns?: readonly string[]
  readonly linksPerShard?: number
  /** Default: whatever the rate, no fact is set aside. */
  readonly dataQuality?: Readonly<Record<string, unknown>>
}

/** Takes the rates of a star; returns its folder, and the one of the files. */
async function taken(
  star: Star,
  { partitionColumns = NINE, linksPerShard, dataQuality = EVERY_RATE }: Wanted = {},
): Promise<{ folder: string; out: string }> {
  const folder = join(root, String(run++))
  await writeStar(folder, star)
  const scratch = join(folder, 'scratch')
  await runInProcess({ star: folder, partitionColumns, out: join(folder, 'table'), scratch, dataQuality })
  const out = join(folder, 'rates')
  mkdirSync(out)
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch })
  try {
    await takeRates(engine, pathsIn(join(scratch, 'staged')), out, linksPerShard)
  } finally {
    engine.close()
  }
  return { folder, out }
}

/** The rows of a file, each as text, sorted. */
async function inFile(out: string, table: RateTable): Promise<string[]> {
  return sorted(await exactRows(oracle, `SELECT * FROM read_parquet(${text(join(out, `${table}.parquet`))})`))
}

function sorted(rows: readonly Json[][]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}

describe('the rates of a run', () => {
  it('are shown by the catalog for the whole table, also where most partitions are kept, with and without an analytics table', async () => {
    const folder = join(root, 'runs')
    const star = join(folder, 'star')
    const lake = new Lake(join(folder, 'lake'))
    const facts = Array.from({ length: 60 }, (_, i) => variedFact(i))
    const catalog = join(lake.metadata, 'catalog.duckdb')
    for (const [i, enabled] of [true, false].entries()) {
      const changed = i === 0 ? facts : facts.map((fact, at) => (at === 7 ? { ...fact, negotiated_rate: 999 } : fact))
      await writeStar(star, severalFilesStar(changed))
      lake.configure({ star, analytics: { enabled } })
      const { partitions, runId, rows } = await lake.run(String(i))
      expect(i === 0 || partitions.kept > 0).toBe(true)
      expect(lake.record(runId, 'rates.json')).toMatchObject({ rows, facts: 60 })
      const { rates } = lake.record<RunReport>(runId, 'report.json')
      expect(rates?.mostUsed.length).toBeGreaterThan(0)
      // The one fact that changed is one of few of its code.
      expect(rates?.moves).toEqual(
        i === 0 ? null : expect.objectContaining({ changed: 1, moved: 0, newCodes: { count: 0, codes: [] } }),
      )
      await createRateRows(oracle, tablesUnder(star), DEFAULT_OPTIONS)
      await oracle.run(`ATTACH ${text(catalog)} AS lake${i} (READ_ONLY)`)
      for (const table of TABLES) {
        const due = sorted(await dueRates(oracle, table))
        expect(sorted(await exactRows(oracle, `FROM lake${i}.etl3.${table}`))).toEqual(due)
        expect(sorted(await exactRows(oracle, `FROM lake${i}.fact_rate_enriched_${table}`))).toEqual(due)
      }
    }
  }, 60_000)

  it('are taken when the table is registered, where an earlier version did the steps before', async () => {
    const lake = new Lake(join(root, 'earlier'))
    await writeStar(join(lake.root, 'star'), goodStar())
    lake.configure({ star: join(lake.root, 'star') })
    const run = await lake.open()
    for await (const step of run.steps()) {
      if (step !== 'registerTables') continue
      for (const name of ['rates.json', 'rates.parquet', 'rates_by_payer.parquet'])
        rmSync(lake.recordPath(run.run.runId, name))
    }
    expect(lake.record(run.run.runId, 'rates.json')).toEqual({
      formatVersion: 1,
      groups: 1,
      payerGroups: 1,
      facts: 10,
      rows: 15,
    })
  })

  it('stop it before anything is published where they are not those of all rows', async () => {
    const lake = new Lake(join(root, 'short'))
    await writeStar(join(lake.root, 'star'), goodStar())
    lake.configure({ star: join(lake.root, 'star'), analytics: { enabled: false } })
    const run = await lake.open()
    const steps = async (): Promise<void> => {
      for await (const step of run.steps()) {
        if (step !== 'balanceLedger') continue
        const members = lake.recordPath(run.run.runId, 'staged/members.parquet')
        await oracle.run(`CREATE OR REPLACE TABLE kept AS FROM ${`read_parquet(${text(members)})`} LIMIT 2`)
        await oracle.run(`COPY kept TO ${text(members)} (FORMAT parquet)`)
      }
    }
    await expect(steps()).rejects.toMatchObject({
      code: 'ETL3-AU-09',
      message: 'the rates are those of 10 rows, the plan has 15',
    })
    expect(existsSync(lake.table)).toBe(false)
  })
})

describe('the rates of a table', () => {
  it('are those that quantiles over an independent join give, whatever the star, the layout and the shards of codes', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(
        pricedStar(),
        fc.constantFrom(NINE, ['payer_slug'], ['state', 'code']),
        fc.constantFrom(1, 7, undefined),
        fc.constantFrom(true, false),
        async (star, partitionColumns, linksPerShard, everyRate) => {
          const { folder, out } = await taken(star, {
            partitionColumns,
            ...(linksPerShard === undefined ? {} : { linksPerShard }),
            ...(everyRate ? {} : { dataQuality: {} }),
          })
          await createRateRows(oracle, tablesUnder(folder), {
            partitionColumns,
            rateRange: everyRate ? { min: -1e300, max: 1e300 } : DEFAULT_OPTIONS.rateRange,
            required: [],
          })
          for (const table of TABLES) expect(await inFile(out, table)).toEqual(sorted(await dueRates(oracle, table)))
          const [[n] = []] = await exactRows(oracle, 'SELECT count(rate_to_medicare_ratio)::INTEGER FROM rate_rows')
          compared += Number(n)
        },
      ),
      { numRuns: 12 },
    )
    expect(compared).toBeGreaterThan(20)
  }, 120_000)

  it('count the facts and rows of a rate that is no number, leave it out of the figures, and hold no fact that was set aside', async () => {
    const rates = [100, null, Number.NaN, Number.POSITIVE_INFINITY, 300]
    const facts = rates.map((rate, i) => goodFact(i, { negotiated_rate: rate, pg_uid: 'g1' }))
    const unrated = [null, Number.NaN].map((rate, i) =>
      goodFact(5 + i, { negotiated_rate: rate, code: 'X2', pg_uid: 'g2' }),
    )
    const { out } = await taken(goodStar({ 'gold/fact_rate': [...facts, ...unrated] }))
    const columns =
      'code, facts, rows, rate_count, rate_min, rate_p25, rate_median, rate_p75, rate_max, rate_median_of_rows'
    const file = `read_parquet(${text(join(out, 'rates.parquet'))})`
    expect((await oracle.runAndReadAll(`SELECT ${columns} FROM ${file} ORDER BY code`)).getRowsJson()).toEqual([
      ['X1', '4', '8', '2', 100, 100, 100, 300, 300, 100],
      ['X2', '1', '1', '0', null, null, null, null, null, null],
    ])
  })

  it('compare a fact with a Medicare rate once, also where two of its providers lead there by market and by country', async () => {
    const nowhere = [goodPlace(NPI_A, { state: null }), goodPlace(NPI_B, { state: null, country_code: 'PR' })]
    const { out } = await taken(
      goodStar({
        'gold/fact_rate': [goodFact(0, { state: 'PR', negotiated_rate: 150 }), goodFact(2, { negotiated_rate: 150 })],
        'dims/dim_npi_address': nowhere,
        'dims/dim_npi_address_geolocation': nowhere,
        bench_medicare_professional: ['PR', 'TX'].map((state, i) => ({
          ...{ state, code_type: 'CPT', code: 'X1', data_year: 2025, year_month: '2025-01' },
          medicare_prof_stateavg: 100 + 50 * i,
        })),
      }),
    )
    // f0 of the market PR: PR twice. f2 of the market TX: TX and PR.
    const figures = `SELECT rows, ratio_count, ratio_p25, ratio_median, ratio_p75 FROM read_parquet(${text(join(out, 'rates.parquet'))})`
    expect(await exactRows(oracle, figures)).toEqual([['4', '3', 1, 1.5, 1.5]])
  })

  it('are two empty tables with all columns where every fact was set aside', async () => {
    const { out } = await taken(goodStar({ 'gold/fact_rate': [goodFact(0, { negotiated_rate: 0 })] }), {
      dataQuality: {},
    })
    for (const [table, columns] of [
      ['rates', RATE_COLUMNS],
      ['rates_by_payer', PAYER_RATE_COLUMNS],
    ] as const) {
      expect(await inFile(out, table)).toEqual([])
      const described = await exactRows(
        oracle,
        `SELECT column_name, lower(column_type) FROM (DESCRIBE FROM read_parquet(${text(join(out, `${table}.parquet`))}))`,
      )
      expect(described).toEqual(columns.map(({ name, type }) => [name, type === 'string' ? 'varchar' : type]))
    }
  })

  it('name a group by columns that stand first, in the order of the file', () => {
    const names = (columns: typeof RATE_COLUMNS): string[] =>
      columns.filter((c) => c.type === 'string').map((c) => c.name)
    expect(names(RATE_COLUMNS)).toEqual(KEYS.rates)
    expect(names(PAYER_RATE_COLUMNS)).toEqual(KEYS.rates_by_payer)
  })
})
