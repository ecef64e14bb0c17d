import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDemoStar } from '../../src/demo/write-star.js'
import { readTree, type Tree } from '../check-star/tree.js'
import { DEFAULT_OPTIONS } from '../oracle/oracle-table.js'
import { runInProcess } from './run-in-process.js'

/** What later steps read of the facts, beside `facts.parquet`. */
const STAGED = ['uids.parquet', 'slices.parquet']

let root: string
let star: string
let factGlob: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-many-files-'))
  const written = await writeDemoStar({ out: join(root, 'star'), facts: 600, seed: 3 })
  star = written.root
  factGlob = written.factGlob
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function withDuckDb<T>(act: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return await act(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Deals the star's facts to so many files, one after the other, so that each has some of every payer. */
async function dealt(files: number): Promise<string> {
  const folder = join(root, `gold-${files}`)
  mkdirSync(folder)
  await withDuckDb(async (connection) => {
    await connection.run(`CREATE TABLE dealt AS SELECT *, (row_number() OVER (ORDER BY fact_uid) - 1) % ${files} AS file
      FROM read_parquet('${factGlob}', union_by_name = true)`)
    for (let file = 0; file < files; file++) {
      await connection.run(`COPY (SELECT * EXCLUDE file FROM dealt WHERE file = ${file})
        TO '${join(folder, `fact_rate_${file}.parquet`)}' (FORMAT parquet)`)
    }
  })
  return join(folder, '*.parquet')
}

/** The table of these facts, and what is staged of them. */
async function outcome(
  name: string,
  facts: string,
  given: { readonly filesPerBatch?: number; readonly bytesOfFacts?: number } = {},
): Promise<{ table: Tree; staged: string[] }> {
  const out = join(root, `table-${name}`)
  const scratch = join(root, `scratch-${name}`)
  await runInProcess({
    star,
    facts,
    partitionColumns: DEFAULT_OPTIONS.partitionColumns,
    out,
    scratch,
    ...given,
  })
  const inStaged = (file: string): string => join(scratch, 'staged', file)
  const withoutNumbers = inStaged('facts-without-file-numbers.parquet')
  await withDuckDb(async (connection) => {
    const source = `read_parquet('${inStaged('facts.parquet')}')`
    await connection.run(
      `COPY (SELECT COLUMNS(c -> c <> 'etl3_file_no') FROM ${source}) TO '${withoutNumbers}' (FORMAT parquet)`,
    )
    const files = readdirSync(dirname(facts)).toSorted()
    if (files.length > 1) expect(await misnumbered(connection, source, facts, files)).toBe(0)
  })
  const staged = [withoutNumbers, ...STAGED.map(inStaged)].map((file) =>
    createHash('sha256').update(readFileSync(file)).digest('hex'),
  )
  return { table: readTree(out), staged }
}

/** Facts whose number is not that of their file, of those that have an identity of their own. */
async function misnumbered(
  connection: DuckDBConnection,
  staged: string,
  facts: string,
  files: readonly string[],
): Promise<number> {
  await connection.run(`CREATE TABLE own AS SELECT fact_uid, any_value(parse_filename(filename)) AS file
    FROM read_parquet('${facts}', filename = true) GROUP BY fact_uid HAVING count(*) = 1`)
  const names = files.map((name) => `'${name}'`).join(', ')
  const found = await connection.run(`SELECT count(*)::INTEGER AS own, count(*) FILTER (s.etl3_file_no IS NULL OR
    [${names}][s.etl3_file_no + 1] <> o.file)::INTEGER AS wrong FROM own o JOIN ${staged} s ON s.fact_uid = o.fact_uid`)
  const [[own = 0, wrong = 0] = []] = await found.getRowsJson()
  expect(Number(own)).toBeGreaterThan(500)
  return Number(wrong)
}

describe('the same facts in any number of files', () => {
  it('give the same staged facts and the same table, whichever files are staged together', async () => {
    const one = await outcome('1', await dealt(1))
    expect(one.table.size).toBeGreaterThan(50)
    const seven = await dealt(7)
    const many = await dealt(300)
    expect(await outcome('7-by-3', seven, { filesPerBatch: 3 })).toEqual(one)
    expect(await outcome('300', many)).toEqual(one)
    expect(await outcome('300-as-they-stand', many, { bytesOfFacts: 1_000_000 })).toEqual(one)
    // The last batch has too few files to be gathered.
    expect(await outcome('300-by-70', many, { filesPerBatch: 70 })).toEqual(one)
  })
})
