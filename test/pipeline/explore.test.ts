import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import type { RunResult } from '../../src/contract/messages.js'
import { withEngine } from '../../src/engine/engine.js'
import { takePageRates } from '../../src/explore/take-page-rates.js'
import { takePartitions } from '../../src/explore/take-partitions.js'
import { rateText } from '../../src/report/rates-texts.js'
import { ratioText } from '../../src/report/report-figures.js'
import { valueLabel } from '../../src/report/value-label.js'
import { countText } from '../../src/runtime/figures.js'
import { exactRows } from '../oracle/exact-rows.js'
import { DEFAULT_OPTIONS } from '../oracle/oracle-table.js'
import { text } from '../oracle/sql.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { FakeIo } from '../unit/cli/fake-io.js'
import { withPage } from '../unit/report/browser.js'
import { Lake } from './in-process-run.js'

const HOSTILE_PAYER = `</script><img src=x onerror="a='b'">\u202e`
const WINDOW = { width: 1280, colorScheme: 'light' } as const

let root: string
let lake: Lake
let run: RunResult
let duckdb: DuckDBConnection

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-explore-'))
  lake = new Lake(join(root, 'lake'))
  const facts = Array.from({ length: 96 }, (_, i) => ({
    ...variedFact(i),
    ...(i % 7 === 3 ? { payer_slug: HOSTILE_PAYER } : {}),
    ...(i % 12 === 5 ? { negotiated_type: 'percentage', negotiated_rate: i } : {}),
  }))
  await writeStar(join(root, 'star'), severalFilesStar(facts))
  lake.configure({ star: join(root, 'star'), dataQuality: { rules: { rate_range: { severity: 'off' } } } })
  run = await lake.run()
  duckdb = await (await DuckDBInstance.create(':memory:', { memory_limit: '512MiB', threads: '1' })).connect()
  await duckdb.run(`ATTACH ${text(join(lake.metadata, 'catalog.duckdb'))} AS lake (READ_ONLY)`)
  await duckdb.run('USE lake')
})
afterAll(() => {
  duckdb.closeSync()
  rmSync(root, { recursive: true, force: true })
})

async function explore(...args: string[]): Promise<{ code: number; io: FakeIo; file: string }> {
  const io = new FakeIo()
  const file = join(root, 'explore.html')
  rmSync(file, { force: true })
  const code = await main(['explore', '--config', join(lake.root, 'c.yaml'), '--out', file, ...args], io)
  return { code, io, file }
}

/** Rows of the table that is open, cell by cell. */
async function openTable(page: Page): Promise<string[][]> {
  return await page.evaluate<string[][]>(
    "[...document.querySelectorAll('#detail tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))",
  )
}

async function copies(page: Page): Promise<Map<string, string>> {
  const lines = await page.evaluate<[string, string][]>(
    "[...document.querySelectorAll('.copies > div')].map((line) => [line.querySelector('span').textContent, line.querySelector('pre').textContent])",
  )
  return new Map(lines)
}

/** A row of the tables of rates as the page is due to show it. */
function shownRate([payer, state, median, min, p25, p75, max, ratio, rows, facts, cls, unit]: Json[]): string[] {
  const textOf = (value: Json | undefined): string | null =>
    value === null || value === undefined ? null : String(value)
  const label = (value: Json | undefined): string => valueLabel(textOf(value))
  const rate = (value: Json | undefined): string => rateText(value === null ? null : Number(value), String(unit))
  return [
    ...[label(payer), state === 'ALL' ? 'all' : label(state), ...[median, min, p25, p75, max].map(rate)],
    ratio === null ? '–' : ratioText(Number(ratio)),
    ...[rows, facts].map((count) => countText(Number(count))),
    unit === 'dollars' ? label(cls) : `${label(cls)}, ${String(unit)}`,
  ]
}

const SHOWN = `rate_median, rate_min, rate_p25, rate_p75, rate_max, ratio_median, rows, facts, billing_class, rate_unit`

function sorted(rows: readonly string[][]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}

describe('the page of a published run', () => {
  it('shows the rates that DuckDB finds in the catalog, by payer and by state, and SQL that finds them again', async () => {
    const { code, file } = await explore()
    expect(code).toBe(0)
    await withPage(readFileSync(file, 'utf8'), WINDOW, async ({ page, complaints }) => {
      const codes = await exactRows(duckdb, 'SELECT DISTINCT code FROM etl3.rates ORDER BY code')
      expect(codes.length).toBeGreaterThan(4)
      let withRatio = 0
      for (const [name] of codes) {
        await page.fill('#words', `code=${String(name)}`)
        await page.locator('#codes-list button').click()
        const due = async (sql: string): Promise<string[]> => sorted((await exactRows(duckdb, sql)).map(shownRate))
        const where = `WHERE code = ${text(String(name))}`
        expect(sorted(await openTable(page))).toEqual(
          await due(`SELECT payer_slug, 'ALL', ${SHOWN} FROM etl3.rates_by_payer ${where}`),
        )
        for (const state of ['each', 'ID', HOSTILE_PAYER]) {
          if (state === HOSTILE_PAYER) await page.selectOption('#payer', { label: valueLabel(HOSTILE_PAYER) })
          else await page.selectOption('#state', state === 'each' ? state : { label: state })
          const more =
            state === 'each'
              ? ''
              : `AND state = 'ID' ${state === 'ID' ? '' : `AND payer_slug = ${text(HOSTILE_PAYER)}`}`
          const shown = sorted(await openTable(page))
          expect(shown).toEqual(await due(`SELECT payer_slug, state, ${SHOWN} FROM etl3.rates ${where} ${more}`))
          expect(shown.length).toBeGreaterThan(0)
          withRatio += shown.filter((row) => row.includes('×')).length
          const sql = await copies(page)
          const count = async (query: string | undefined): Promise<Json | undefined> =>
            (await exactRows(duckdb, `SELECT count(*)::INTEGER FROM (${query})`))[0]?.[0]
          expect(await count(sql.get('Rates: SQL for etl3 query'))).toBe(shown.length)
          const [[rows] = []] = await exactRows(duckdb, `SELECT sum(rows)::INTEGER FROM etl3.rates ${where} ${more}`)
          expect(await count(sql.get('Rows: SQL for etl3 query'))).toBe(rows)
          expect(await count(sql.get('Rows: SQL for Athena'))).toBe(rows)
        }
      }
      expect(withRatio).toBeGreaterThan(0)
      expect(complaints).toEqual([])
    })
  })

  it('leads to the file of every partition, and to its rows', async () => {
    const { file } = await explore()
    await withPage(readFileSync(file, 'utf8'), WINDOW, async ({ page }) => {
      const found = page.locator('#partitions-list button')
      expect(await found.count()).toBe(run.partitions.total)
      const paths = new Set<string>()
      for (let i = 0; i < run.partitions.total; i++) {
        await found.nth(i).click()
        const lines = await copies(page)
        const path = lines.get('Path of the file') ?? ''
        paths.add(path)
        expect(existsSync(path)).toBe(true)
        const [[rows] = []] = await exactRows(duckdb, `SELECT count(*)::INTEGER FROM read_parquet(${text(path)})`)
        const [[asked] = []] = await exactRows(
          duckdb,
          `SELECT count(*)::INTEGER FROM (${lines.get('Rows: SQL for etl3 query')})`,
        )
        expect(asked).toBe(rows)
        expect(await found.nth(i).textContent()).toContain(`${rows} row${rows === 1 ? '' : 's'}, `)
      }
      expect(paths.size).toBe(run.partitions.total)
      // A path finds its one partition again.
      await page.fill('#words', [...paths][3] ?? '')
      expect(await found.count()).toBe(1)
      const [[due] = []] = await exactRows(
        duckdb,
        "SELECT count(*)::INTEGER FROM etl3.partitions WHERE state = 'ID' AND month = '06' AND procedure_class = 'Imaging'",
      )
      await page.fill('#words', 'state=id imag month=06')
      expect(await found.count()).toBe(due)
    })
  })

  it('takes whole codes and the largest partitions where there is no room for all, and counts the others', async () => {
    const path = (name: string): string => lake.recordPath(run.runId, name)
    const options = { memoryLimitMb: 64, threads: 1, scratch: join(root, 'spill') }
    await withEngine(options, new AbortController().signal, async (engine) => {
      const partitions = await takePartitions(engine, path('manifest.parquet'), DEFAULT_OPTIONS.partitionColumns, 5)
      const sizes = await exactRows(duckdb, 'SELECT rows::INTEGER FROM etl3.partitions ORDER BY rows DESC, key')
      expect(partitions.rows).toEqual(sizes.slice(0, 5).map(([rows]) => rows))
      const others = sizes.slice(5).reduce((sum, [rows]) => sum + Number(rows), 0)
      expect(partitions.left).toEqual({ partitions: sizes.length - 5, rows: others })

      const codes = await exactRows(
        duckdb,
        `SELECT p.code, p.n::INTEGER, s.n::INTEGER FROM
          (SELECT code, count(*) AS n, sum(facts) AS facts FROM etl3.rates_by_payer GROUP BY code) p
          JOIN (SELECT code, count(*) AS n FROM etl3.rates GROUP BY code) s USING (code) ORDER BY p.facts DESC, code`,
      )
      const room = Number(codes[0]?.[1]) + Number(codes[1]?.[1])
      const shown = codes.slice(0, 2)
      const byState = Number(shown[0]?.[2]) + Number(shown[1]?.[2]) <= room ? 2 : Number(shown[0]?.[2]) <= room ? 1 : 0
      const paths = { byState: path('rates.parquet'), byPayer: path('rates_by_payer.parquet'), uri: '' }
      const rates = await takePageRates(engine, paths, room)
      expect(rates.code).toEqual(shown.map(([name]) => name))
      expect(rates.byPayer.from).toEqual([0, Number(codes[0]?.[1]), room])
      expect(rates.byState.from).toHaveLength(byState + 1)
      expect(rates.left).toEqual({ codes: codes.length - 2, codesByState: 2 - byState })
    })
  })
})

describe('etl3 explore', () => {
  it('says which run left no manifest, and writes no page', async () => {
    rmSync(lake.recordPath(run.runId, 'manifest.parquet'))
    const { code, io, file } = await explore('--run', run.runId)
    expect(code).toBe(2)
    expect(io.stderr.text).toContain(`run ${run.runId} left no manifest [status=published] [ETL3-RP-04]`)
    expect(existsSync(file)).toBe(false)
  })
})
