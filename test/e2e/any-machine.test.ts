import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { compareTable } from '../oracle/compare-table.js'
import { DEFAULT_OPTIONS, tablesUnder } from '../oracle/oracle-table.js'
import { digitStar } from '../stars/odd-writing.js'
import { type Star, tableOf, withTable, writeStar } from '../stars/star.js'
import { Home } from './support/home.js'

const folder = mkdtempSync(join(tmpdir(), 'etl3-machines-'))
const homes: Home[] = []

afterAll(async () => {
  await Promise.all(homes.map(async (home) => await home[Symbol.asyncDispose]()))
  rmSync(folder, { recursive: true, force: true })
})

/** The star with its dates as points in time: half an hour after midnight, in UTC, of the day and of the month's first. */
function inTime(star: Star): Star {
  const facts = tableOf(star, 'gold/fact_rate')
  const withTimes = withTable(star, 'gold/fact_rate', () => ({
    columns: { ...facts.columns, year_month: 'TIMESTAMPTZ', expiration_date: 'TIMESTAMPTZ' },
    rows: facts.rows.map((row) => ({
      ...row,
      year_month: `${String(row['year_month'])}-01 00:30:00+00`,
      expiration_date: `${String(row['expiration_date'])} 00:30:00+00`,
    })),
  }))
  return withTable(withTimes, 'dims/dim_npi', ({ columns, rows }) => ({
    columns,
    rows: rows.map((row) => ({ ...row, enumeration_date: `${String(row['enumeration_date'])}T00:30:00Z` })),
  }))
}

/** Zone, locale (Thailand counts years from the Buddha's, Iran's from the Hijra), and a home with settings of DuckDB's shell. */
const MACHINES: readonly Readonly<Record<string, string>>[] = [
  { TZ: 'UTC', LC_ALL: 'C', LANG: 'C' },
  { TZ: 'America/New_York', LC_ALL: 'fa_IR.UTF-8', LANG: 'fa_IR.UTF-8' },
  { TZ: 'Asia/Bangkok', LC_ALL: 'th_TH.UTF-8', LANG: 'th_TH.UTF-8', HOME: join(folder, 'home') },
]

const ENGINE = new URL('../../dist/engine/engine.js', import.meta.url).href

/** What an engine in a process of its own says of a point in time. */
async function saidOn(machine: Readonly<Record<string, string>>): Promise<string> {
  const script = `import { Engine } from '${ENGINE}'
    const engine = await Engine.open({ memoryLimitMb: 64, threads: 1, scratch: process.argv[1] })
    const moment = "SELECT TIMESTAMPTZ '2025-06-30 23:30:00+00'::VARCHAR AS moment, TIMESTAMPTZ '2025-06-30 23:30:00+00'::DATE::VARCHAR AS day"
    console.log(JSON.stringify(await engine.rows(moment)))
    engine.close()`
  const args = ['--input-type=module', '-e', script, join(folder, 'scratch')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...machine } })
  return stdout.trim()
}

describe('a session of the engine', () => {
  it.each(MACHINES)('takes neither zone nor calendar from its machine: %j', async (machine) => {
    expect(await saidOn(machine)).toBe('[{"moment":"2025-06-30 23:30:00+00","day":"2025-06-30"}]')
  })
})

describe('the same star gives the same bytes', () => {
  it('on a machine of any zone and locale', async () => {
    mkdirSync(join(folder, 'home'))
    writeFileSync(
      join(folder, 'home', '.duckdbrc'),
      "SET TimeZone = 'Asia/Tokyo'; SET default_null_order = 'nulls_first';\n",
    )
    const star = join(folder, 'star')
    await writeStar(star, inTime(digitStar()))
    await writeStar(join(folder, 'plain'), digitStar())
    const trees = []
    for (const machine of MACHINES) {
      const home = new Home({ star })
      homes.push(home)
      await home.start(machine).result()
      trees.push(home.tree)
    }
    const { problems } = await compareTable({
      star: tablesUnder(join(folder, 'plain')),
      tableRoot: homes[0]?.table ?? '',
      partitionColumns: DEFAULT_OPTIONS.partitionColumns,
    })
    expect(problems).toEqual([])
    for (const tree of trees) expect(tree).toEqual(trees[0])
  })
})
