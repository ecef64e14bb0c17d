import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeStar } from '../stars/star.js'
import { tinyStar } from '../stars/tiny-star.js'
import { type Comparison, compareTable } from './compare-table.js'
import { createOracleTable, tablesUnder } from './oracle-table.js'
import { publishOracle } from './publish-oracle.js'
import { text } from './sql.js'

let folder: string
let table: string
let files: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-compare-'))
  table = join(folder, 'table')
  await writeStar(join(folder, 'star'), tinyStar())
  files = await withConnection(async (connection) => {
    await createOracleTable(connection, tablesUnder(join(folder, 'star')))
    return await publishOracle(connection, table)
  })
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function withConnection<T>(act: (c: Awaited<ReturnType<DuckDBInstance['connect']>>) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return await act(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function compared(): Promise<Comparison> {
  return await compareTable({ star: tablesUnder(join(folder, 'star')), tableRoot: table })
}

/** Writes a file again from a SELECT over its rows, which are called `old`. */
async function rewrite(file: string, select: string): Promise<void> {
  const next = join(folder, 'next.parquet')
  await withConnection(async (connection) => {
    await connection.run(`CREATE TABLE old AS FROM read_parquet(${text(file)}, hive_partitioning = false)`)
    await connection.run(`COPY (${select}) TO ${text(next)} (FORMAT parquet)`)
  })
  renameSync(next, file)
}

function fileOf(part: string): string {
  const file = files.find((f) => relative(table, f).includes(part))
  if (file === undefined) throw new Error(`no file of ${part} in ${files.join('\n')}`)
  return file
}

describe('the comparison with the oracle', () => {
  it('finds nothing in a right table', async () => {
    const { expected, published, problems } = await compared()
    expect(problems).toEqual([])
    expect(published).toEqual(expected)
    expect(published).toEqual({ rows: 4, facts: 3, partitions: 4, nullNpi: 2, rateSum: 150 + 150 + 80.5 + 20 })
  })

  it('sees a lost partition', async () => {
    rmSync(fileOf('state=ID'))
    expect((await compared()).problems).toEqual([
      expect.stringContaining('partition is not published (1): payer_slug=payer/state=ID/'),
      'row is not published (1): fact f1, npi 9000000001',
    ])
  })

  it('sees a partition too many', async () => {
    const copy = join(table, 'payer_slug=other', 'fact_rate_enriched.parquet')
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(fileOf('state=ID'), copy)
    const { problems } = await compared()
    expect(problems).toContainEqual(expect.stringContaining('file is of no partition (1): payer_slug=other/'))
    expect(problems).toContainEqual(expect.stringContaining('file holds rows of another partition (1)'))
    expect(problems).toContain('row is published more than once (1): fact f1, npi 9000000001: 2 times')
  })

  it('sees a lost row, a doubled row and an invented one', async () => {
    await rewrite(fileOf('state=ID'), 'FROM old WHERE false')
    expect((await compared()).problems).toContain('row is not published (1): fact f1, npi 9000000001')
    await rewrite(fileOf('billing_class=__NULL__'), 'FROM old UNION ALL FROM old')
    expect((await compared()).problems).toContain('row is published more than once (1): fact f3, npi null: 2 times')
    await rewrite(fileOf('billing_class=__NULL__'), "SELECT DISTINCT * REPLACE ('f9' AS fact_uid) FROM old")
    expect((await compared()).problems).toContain('row is not in the oracle (1): fact f9, npi null')
  })

  it.each([
    ['a text', 'city', "'hayden'"],
    ['NULL for a text', 'city', 'NULL::VARCHAR'],
    ['the last bit of a double', 'latitude', '47.760000000000005::DOUBLE'],
    ['a boolean', 'is_above_medicare', 'false'],
    ['the order of a list', 'tin_values', "['22', '11']"],
  ])('sees %s', async (_, column, value) => {
    await rewrite(fileOf('state=ID'), `SELECT * REPLACE (${value} AS ${column}) FROM old`)
    expect((await compared()).problems).toEqual([expect.stringContaining(`${column} differs in 1 rows`)])
  })

  it('tells −0 from 0', async () => {
    const star = join(folder, 'star')
    await rewrite(
      join(star, 'bench_medicare_professional.parquet'),
      "SELECT * REPLACE ('-0.0'::DOUBLE AS work_rvu) FROM old",
    )
    await rewrite(fileOf('state=ID'), 'SELECT * REPLACE (0.0::DOUBLE AS work_rvu) FROM old')
    expect((await compared()).problems).toContainEqual(
      expect.stringContaining('work_rvu differs in 3 rows, e.g. fact f1, npi 9000000001'),
    )
  })

  it('sees rows out of order', async () => {
    const facts = join(folder, 'star', 'gold', 'fact_rate.parquet')
    await rewrite(facts, "FROM old UNION ALL SELECT * REPLACE ('f0' AS fact_uid) FROM old WHERE fact_uid = 'f1'")
    await rewrite(fileOf('state=ID'), "FROM old UNION ALL SELECT * REPLACE ('f0' AS fact_uid) FROM old")
    expect((await compared()).problems).toContainEqual(
      expect.stringContaining('file is not in the order of code, fact_uid, npi (1): payer_slug=payer/state=ID'),
    )
  })

  it('sees a column of another type, and one that is missing', async () => {
    const last = files.at(-1) ?? ''
    await rewrite(last, 'SELECT * REPLACE (negotiated_rate::FLOAT AS negotiated_rate) FROM old')
    expect((await compared()).problems).toEqual([expect.stringContaining('files differ in their schemas')])
    await rewrite(fileOf('state=ID'), 'SELECT * EXCLUDE (npi) FROM old')
    expect((await compared()).problems).toEqual([expect.stringContaining('instead of npi VARCHAR')])
  })
})
