import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Explanation } from '../../src/history/plan-answers.js'
import type { Advice } from '../../src/plan/advise.js'
import type { ChangedGroup } from '../check-star/changed-group.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from './support/stars.js'

let star: StarOnDisk
let changed: { readonly star: StarOnDisk; readonly change: ChangedGroup }
let home: Home
let connection: DuckDBConnection

beforeAll(async () => {
  star = await demoStar(400)
  changed = await withChangedGroup(star)
  home = new Home(star.options)
  connection = await (await DuckDBInstance.create(':memory:')).connect()
  await home.start().result()
})

afterAll(async () => {
  connection.closeSync()
  await home[Symbol.asyncDispose]()
})

async function count(sql: string): Promise<number> {
  const rows = (await connection.runAndReadAll(sql)).getRows()
  return Number(rows[0]?.[0])
}

async function plan(...flags: string[]): Promise<{ explanation: Explanation; advice: Advice; status: string }> {
  const command = home.start({}, ['plan', ...flags])
  await command.result()
  const answer: { explanation: Explanation; advice: Advice; status: string } = JSON.parse(command.stdout)
  return answer
}

describe('plan --explain', () => {
  it('names the partitions that a change of members touches, and what changed inside, as the files tell afterwards', async () => {
    const { change } = changed
    const before = home.copy(star.options)
    home.configure(changed.star.options)
    const { explanation } = await plan('--explain', '--top', '1000')
    const keys = (reason: string): Set<string> =>
      new Set(explanation.partitions.filter((p) => p.reason === reason).map((p) => p.key))
    expect(keys('content')).toEqual(change.replaced)
    expect(keys('new')).toEqual(change.added)
    expect(keys('empty')).toEqual(change.removed)
    expect(explanation.counts.reduce((sum, { rows }) => sum + rows, 0)).toBe(change.rows)

    await home.start().result()
    for (const { key, change: found } of explanation.partitions.filter((p) => p.reason === 'content').slice(0, 4)) {
      const [old, now] = [before, home].map(
        ({ table }) => `(FROM read_parquet('${join(table, key).replaceAll("'", "''")}', hive_partitioning = false))`,
      )
      const rows = 'SELECT fact_uid, npi FROM'
      expect(found).toMatchObject({
        rowsAdded: await count(`SELECT count(*) FROM (${rows} ${now} EXCEPT ${rows} ${old})`),
        rowsRemoved: await count(`SELECT count(*) FROM (${rows} ${old} EXCEPT ${rows} ${now})`),
        rowsChanged: 0,
        columns: [],
      })
      expect(found?.providersAdded).toBeLessThanOrEqual(1)
    }
    await before[Symbol.asyncDispose]()
  })

  it('names columns whose values changed, and an object that somebody touched', async () => {
    const dimension = join(dirname(star.root), 'renamed', 'dim_npi.parquet')
    mkdirSync(dirname(dimension), { recursive: true })
    const source = star.tables['dim_npi'] ?? ''
    await connection.run(
      `COPY (SELECT * REPLACE (coalesce(last_name, '') || '!' AS last_name) FROM read_parquet('${source}')) TO '${dimension}' (FORMAT parquet)`,
    )
    const { input } = changed.star.options
    home.configure({ ...changed.star.options, input: { tables: { ...Object(input?.['tables']), dim_npi: dimension } } })
    const renamed = await plan('--explain', '--top', '2')
    expect(renamed.explanation.partitions).toHaveLength(2)
    for (const { change } of renamed.explanation.partitions) {
      expect(change).toMatchObject({ rowsAdded: 0, rowsRemoved: 0 })
      expect(change?.columns).toEqual([{ name: 'last_name', rows: change?.rowsChanged }])
    }

    home.configure(changed.star.options)
    const [key = ''] = [...home.tree.keys()]
    appendFileSync(join(home.table, key), 'x')
    const touched = await plan('--explain', key)
    expect(touched.explanation.partitions).toMatchObject([{ key, action: 'replace', reason: 'object-changed' }])
    const parts = key.split('/').slice(0, 3).join('/')
    const some = await plan('--explain', parts, '--top', '1000')
    expect(some.explanation.partitions.map((p) => p.key).toSorted()).toEqual(
      [...home.tree.keys()].filter((one) => one.startsWith(`${parts}/`)).toSorted(),
    )
    expect(await home.start({}, ['plan', '--explain', 'state=Nowhere']).failure(2)).toMatchObject({
      code: 'ETL3-PL-04',
    })
  })
})

describe('plan --advise', () => {
  it('compares the published layout with others', async () => {
    const { advice } = await plan('--advise', '--queries', 'state,payer_slug+state,all')
    expect(advice.queries).toEqual([['state'], ['payer_slug', 'state'], []])
    expect(advice.configured.partitions).toBe(home.tree.size)
    // The whole table is all of its objects.
    expect(advice.configured.queries[2]?.objects).toBe(home.tree.size)
    expect(advice.smallFiles).toBe(true)
    expect(advice.chosen.effortBytes).toBeLessThan(advice.configured.effortBytes)
  })
})
