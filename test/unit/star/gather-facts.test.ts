import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { contractOf } from '../../../src/star/contract.js'
import { explainReading } from '../../../src/star/explain-reading.js'
import { type CheckedFile, readSchemas, selectInput } from '../../../src/star/file-schema.js'
import { gatherBatches, selectFacts, selectGathered } from '../../../src/star/gather-facts.js'

const FILES = 90

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-gather-'))
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: folder })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Rates of one file: both zeros, what is no number, none, and rates of several types. */
const RATES = [
  "(VALUES ('-0.0'::DOUBLE), (0.0), ('NaN'::DOUBLE), (NULL), (1.5), ('Infinity'::DOUBLE))",
  '(VALUES (1.50::DECIMAL(9,2)), (NULL), (0))',
  '(VALUES (7), (8))',
  '(VALUES (0.1::FLOAT))',
] as const

async function factFiles(name: string): Promise<string[]> {
  const gold = join(folder, name)
  mkdirSync(gold)
  const texts = contractOf('fact_rate').columns.filter(({ kind, name }) => kind !== 'number' && name !== 'code')
  const paths: string[] = []
  for (let file = 0; file < FILES; file++) {
    const path = join(gold, `${String(file).padStart(3, '0')}.parquet`)
    const code = file % 2 === 0 ? '7000 + r' : "'D' || r"
    const columns = texts.map(({ name }) => `CASE WHEN r % 5 = 4 THEN NULL ELSE '${name} é ' || r END AS ${name}`)
    await engine.run(`COPY (SELECT ${columns.join(', ')}, ${code} AS code, rate AS negotiated_rate
      FROM (SELECT row_number() OVER () + ${10 * file} AS r, rate FROM ${RATES[file % RATES.length]} v(rate)))
      TO ${sqlString(path)} (FORMAT parquet)`)
    paths.push(path)
  }
  return paths
}

async function checkedFiles(paths: readonly string[]): Promise<CheckedFile[]> {
  const files = paths.map((path) => ({ path }))
  const schemas = await readSchemas('fact_rate', files, engine)
  return files.flatMap((file, i) => {
    const schema = schemas[i]
    return schema ? [{ ...file, schema }] : []
  })
}

/** All facts as texts, which tell the zeros apart. */
async function textsOf(select: string): Promise<unknown[]> {
  const rows = await engine.rows(`SELECT row::VARCHAR AS row FROM (${select}) row`)
  return rows.map(({ row }) => row).sort()
}

describe('gathered facts', () => {
  it('are those of their files, value for value, whatever the types; a batch of few or large files stays as it is', async () => {
    const paths = await factFiles('gold')
    const files = await checkedFiles(paths)
    const due = await textsOf(selectInput('fact_rate', files))
    expect(due.filter((row) => String(row).includes("'negotiated_rate': -0.0"))).toHaveLength(Math.ceil(FILES / 4))
    const small = { files, bytes: files.map(() => 14_000), batches: [{ from: 0, to: FILES }] }
    const [gathered = []] = await gatherBatches(engine, small, folder)
    expect(gathered).toHaveLength(1)
    expect(await textsOf(selectGathered(gathered))).toEqual(await textsOf(selectInput('fact_rate', files, 0)))
    const numbers =
      await engine.rows(`SELECT etl3_file_no AS file, min(payer_slug) AS least FROM (${selectGathered(gathered)})
      GROUP BY ALL ORDER BY file`)
    expect(numbers).toEqual(paths.map((_, file) => ({ file, least: `payer_slug é ${10 * file + 1}` })))
    const batches = [
      { from: 0, to: 70 },
      { from: 70, to: FILES },
    ]
    const partly = await gatherBatches(engine, { ...small, batches }, folder)
    expect(partly.map(({ length }) => length)).toEqual([1, 0])
    expect(await textsOf(selectFacts({ files, batches }, partly))).toEqual(due)
    const large = { ...small, bytes: files.map(() => 1_000_000) }
    expect(await gatherBatches(engine, large, folder)).toEqual([[]])
    expect(await textsOf(selectFacts(large, [[]]))).toEqual(due)
  })

  it('name the file to blame, by its footer where that is the reason, also if it begins as that of another one', async () => {
    const paths = await factFiles('damaged')
    const [path = ''] = paths.slice(70)
    const bytes = readFileSync(path)
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
    const rowGroups = bytes.indexOf('schema', footer) + 500
    writeFileSync(path, bytes.fill(0xff, rowGroups, bytes.length - 8))
    const files = await checkedFiles(paths)
    const facts = { files, bytes: files.map(() => 14_000), batches: [{ from: 0, to: FILES }] }
    const gathering = explainReading([{ name: 'fact_rate', files }], engine, () => gatherBatches(engine, facts, folder))
    await expect(gathering).rejects.toMatchObject({
      code: 'ETL3-IN-03',
      message: expect.stringMatching(/^fact_rate (?!\.).*070\.parquet/) as unknown,
    })
  })
})
