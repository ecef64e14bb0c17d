/** What docs/use-the-table.md prints, run as it is printed on what a run left, in folders with the built-in names. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyticsUri } from '../../src/config/analytics-place.js'
import { configSchema } from '../../src/config/schema.js'
import { PAYER_RATE_COLUMNS } from '../../src/rates/rate-columns.js'
import { hardStar } from '../conformance/hard-star.js'
import { createOracleTable, DEFAULT_OPTIONS, tablesUnder } from '../oracle/oracle-table.js'
import { createRateRows, dueRates } from '../oracle/rates.js'
import { comparedFiles } from '../oracle/same-rows.js'
import { quoted, text } from '../oracle/sql.js'
import { writeStar } from '../stars/star.js'
import { installIceberg, PYTHON, runProgram } from '../unit/iceberg/duckdb-iceberg.js'
import { Lake } from './in-process-run.js'

const PAGE = readFileSync('docs/use-the-table.md', 'utf8')
/** The file into which the page's SQL copies its rows. */
const COPIED = 'august.parquet'

const root = mkdtempSync(join(tmpdir(), 'etl3-use-the-table-'))
const home = join(root, 'home')
const project = join(root, 'project')
const expected = join(root, 'expected.parquet')
const expectedInPandas = join(root, 'expected-in-pandas.parquet')
let keysWithoutValue: number

/** A lake in the places that a configuration without `output` has, of a project. */
class DefaultLake extends Lake {
  readonly #config = configSchema.parse({})

  override get table(): string {
    return join(project, this.#config.output.uri)
  }

  override get metadata(): string {
    return join(project, this.#config.output.metadata_uri)
  }

  override get analytics(): string {
    return join(project, relative('.', analyticsUri(this.#config)))
  }
}

beforeAll(async () => {
  const star = join(root, 'star')
  await writeStar(star, hardStar())
  const lake = new DefaultLake(join(root, 'configuration'))
  lake.configure({ star, analytics: { enabled: true } })
  expect((await lake.run()).status).toBe('published')
  await writeExpected(star)
  mkdirSync(home, { recursive: true })
  installIceberg({ home })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The rows of August by the independent join. */
async function writeExpected(star: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await createOracleTable(connection, tablesUnder(star))
  await connection.run(`COPY (FROM oracle WHERE month = '08') TO ${text(expected)} (FORMAT parquet)`)
  const described = await connection.runAndReadAll('DESCRIBE oracle')
  const numbers = described.getRowsJson().flatMap(([name, type]) => (type === 'DOUBLE' ? [quoted(String(name))] : []))
  const withoutNan = numbers.map((name) => `CASE WHEN NOT isnan(${name}) THEN ${name} END AS ${name}`)
  await connection.run(
    `COPY (SELECT * REPLACE (${withoutNan.join(', ')}) FROM oracle WHERE month = '08') TO ${text(expectedInPandas)} (FORMAT parquet)`,
  )
  const counted = await connection.runAndReadAll('SELECT count(*)::INTEGER FROM oracle WHERE month IS NULL')
  keysWithoutValue = Number(counted.getRowsJson()[0]?.[0])
  connection.closeSync()
  instance.closeSync()
}

function run(program: string, args: readonly string[]): string {
  mkdirSync(project, { recursive: true })
  return runProgram(program, args, { home, cwd: project })
}

interface Block {
  readonly section: string
  readonly language: string
  readonly body: string
}

interface Section {
  readonly title: string
  readonly content: string
}

/** Sections of the page by their headings, of whatever level. */
const SECTIONS: readonly Section[] = PAGE.split(/^##+ /m)
  .slice(1)
  .map((part) => ({ title: part.slice(0, part.indexOf('\n')), content: part.slice(part.indexOf('\n')) }))

function blocksOf({ title, content }: Section): Block[] {
  return [...content.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    section: title,
    language,
    body,
  }))
}

/** What gives a frame of pandas, in which a number that is NaN cannot be told from none. */
const PANDAS = /to_pandas\(|\bpd\./

/** Writes `rates`, whatever library it is of, as Parquet. */
const SAVE_RATES = `
import sys, pyarrow, pyarrow.parquet
if hasattr(rates, "to_arrow_table"): rates = rates.to_arrow_table()
elif hasattr(rates, "to_arrow"): rates = rates.to_arrow()
elif not isinstance(rates, pyarrow.Table): rates = pyarrow.Table.from_pandas(rates, preserve_index=False)
pyarrow.parquet.write_table(rates, sys.argv[1])
`

const RUNNERS: Readonly<Record<string, (body: string) => void>> = {
  sh: (body) => run('bash', ['--norc', '-c', body]),
  sql: (body) => run('duckdb', ['-bail', '-c', body]),
  python: (body) => {
    const script = join(root, 'block.py')
    writeFileSync(script, `${body}${SAVE_RATES}`)
    run(PYTHON, ['-W', 'ignore', script, COPIED])
  },
}

const isNotRun = ({ content }: Section): boolean => /\*not run\*/i.test(content)
/** Asks for rates, not for the rows of August. */
const asksForRates = ({ title }: Section): boolean => title === 'What is paid'
const RUN = SECTIONS.filter((section) => !isNotRun(section) && !asksForRates(section)).flatMap(blocksOf)

describe('the page on using the table', () => {
  it('has all of its blocks run, but for two sections that say that theirs are not', () => {
    expect(SECTIONS.filter(isNotRun).map(({ title }) => title)).toEqual(['Spark', 'On AWS'])
    expect(RUN.map(({ language }) => language).toSorted()).toEqual([
      ...Array.from({ length: 8 }, () => 'python'),
      'sh',
      ...Array.from({ length: 3 }, () => 'sql'),
    ])
  })

  it.each(RUN.map((block) => [block.section, block.body.trim(), block] as const))(
    'reads the rows of an independent join, under "%s": %s',
    async (_, _body, { language, body }) => {
      const copied = join(project, COPIED)
      rmSync(copied, { force: true })
      RUNNERS[language]?.(body)
      expect(existsSync(copied)).toBe(true)
      const expectation = PANDAS.test(body) ? expectedInPandas : expected
      const { expected: due, found, differences } = await comparedFiles([expectation], [copied])
      expect(differences).toEqual([])
      expect([found, due]).toEqual([due, 14])
    },
  )
})

describe('the page on what is paid', () => {
  it('asks for what quantiles over an independent join give', async () => {
    const [block, ...others] = SECTIONS.filter(asksForRates).flatMap(blocksOf)
    expect(others).toEqual([])
    const found: Record<string, unknown>[] = JSON.parse(run('duckdb', ['-bail', '-json', '-c', block?.body ?? '']))
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
    await createRateRows(connection, tablesUnder(join(root, 'star')), DEFAULT_OPTIONS)
    const names = PAYER_RATE_COLUMNS.map(({ name }) => name)
    const due = (await dueRates(connection, 'rates_by_payer'))
      .map((row) => new Map(row.map((value, i) => [names[i], value])))
      .filter((row) => row.get('rate_unit') === 'dollars')
      .map((row) =>
        ['payer_slug', 'billing_class', 'code', 'facts', 'rate_median', 'ratio_median'].map((name) => row.get(name)),
      )
    expect(found.length).toBe(Math.min(20, due.length))
    expect(found.length).toBeGreaterThan(0)
    expect(due).toEqual(
      expect.arrayContaining(
        found.map((row) => [...Object.values(row)].map((value, i) => (i === 3 ? String(value) : value))),
      ),
    )
  })
})

/** Prints what each call makes of `month` where it has no value: rows with NULL, rows with the word of the path, or the error. */
const LOOK_AT_CALLS = `
import json, sys, duckdb, pandas, polars, pyarrow, pyarrow.dataset, pyarrow.parquet
def months(found):
    if isinstance(found, pyarrow.dataset.Dataset): found = found.to_table()
    if isinstance(found, polars.LazyFrame): found = found.collect()
    if isinstance(found, duckdb.DuckDBPyRelation): found = found.to_arrow_table()
    if isinstance(found, pandas.DataFrame): found = pyarrow.Table.from_pandas(found)
    return pyarrow.array(found["month"].to_pylist() if isinstance(found, pyarrow.Table) else found["month"].to_list())
def look(call):
    try:
        values = months(eval(call)).to_pylist()
    except Exception as error:
        return [type(error).__name__]
    return [values.count(None), values.count("__NULL__")]
print(json.dumps([look(call) for call in json.loads(sys.argv[1])]))
`

describe('the page’s table of readers', () => {
  it('says what each makes of a key that has no value', () => {
    const rows = [...PAGE.matchAll(/^\| `((?:duckdb|pyarrow|pandas|polars)\.[^|]*)` \| (.*) \|$/gm)]
    expect(rows.length).toBeGreaterThan(10)
    const calls = rows.map(([, call = '']) => call)
    const looks: unknown[] = JSON.parse(run(PYTHON, ['-W', 'ignore', '-c', LOOK_AT_CALLS, JSON.stringify(calls)]))
    const said = (look: unknown): string => {
      const [first, words] = Array.isArray(look) ? look : []
      if (first === keysWithoutValue && words === 0) return 'NULL'
      if (first === 0 && words === keysWithoutValue) return 'the text `__NULL__`'
      return `\`${String(first)}\``
    }
    expect(keysWithoutValue).toBeGreaterThan(5)
    expect(calls.map((call, i) => `${call}: ${said(looks[i])}`)).toEqual(
      rows.map(([, call, outcome]) => `${call}: ${outcome}`),
    )
  })
})
