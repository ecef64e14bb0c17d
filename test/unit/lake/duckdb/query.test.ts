import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../../../src/config/schema.js'
import { openCatalog } from '../../../../src/lake/catalogs.js'
import { partitionKey } from '../../../../src/lake/keys.js'
import { queryCatalog } from '../../../../src/lake/queries.js'
import type { QueryResult } from '../../../../src/lake/query.js'
import { GO_ON, lakeFolder } from '../folder/lake-folder.js'
import { openForWriting } from '../open-for-writing.js'
import { DIFFICULT, PARTITION_COLUMNS, type SmallPartition, writeSmallLake } from './small-lake.js'

function configOf(folder: string): Config {
  return configSchema.parse({
    output: { uri: join(folder, 'table'), metadata_uri: join(folder, 'etl3') },
    processing: { scratch: join(folder, 'scratch') },
  })
}

async function published(partitions: readonly SmallPartition[], folder = lakeFolder()): Promise<Config> {
  const config = configOf(folder)
  const catalog = await openCatalog(config)
  await catalog.register(await writeSmallLake(partitions, { root: join(folder, 'table') }), GO_ON)
  return config
}

/** Changes the catalog as no run does. */
async function inCatalog(folder: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(folder, 'etl3', 'catalog.duckdb'))
  const connection = await instance.connect()
  await connection.run(sql)
  connection.closeSync()
  instance.closeSync()
}

const ask = (config: Config, sql: string): Promise<QueryResult> => queryCatalog({ config, sql, signal: GO_ON })
const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** The partitions that a condition holds for, by JavaScript, in the order of `PARTITION_COLUMNS`. */
type Predicate = (payer: string | null, state: string | null, area: string | null, month: string | null) => boolean
const allowed = (holds: Predicate): SmallPartition[] =>
  DIFFICULT.filter(({ values: [payer, state, area, month] }) =>
    holds(payer ?? null, state ?? null, area ?? null, month ?? null),
  )
const rowsOf = (partitions: readonly SmallPartition[]): number => partitions.reduce((sum, p) => sum + p.rows, 0)

describe('a query', () => {
  let config: Config
  let folder: string
  beforeAll(async () => {
    // Shared by tests that only read it, so it outlives each of them.
    folder = mkdtempSync(join(tmpdir(), 'etl3-query-'))
    config = await published(DIFFICULT, folder)
    return () => rmSync(folder, { recursive: true, force: true })
  })

  it('finds every row under any equality and under IS NULL, and opens only those files', async () => {
    for (const [i, column] of PARTITION_COLUMNS.entries()) {
      for (const value of new Set(DIFFICULT.map(({ values }) => values[i] ?? null))) {
        if (value?.includes('\0')) continue
        const where = value === null ? `${column} IS NULL` : `${column} = ${literal(value)}`
        const due = DIFFICULT.filter(({ values }) => values[i] === value)
        const { rows, filesScanned } = await ask(config, `SELECT count(*) FROM fact_rate_enriched WHERE ${where}`)
        expect({ where, rows, filesScanned }).toEqual({ where, rows: [[rowsOf(due)]], filesScanned: due.length })
      }
    }
  })

  const predicates: [string, Predicate][] = [
    ["state = 'TX' AND month = '08'", (_, state, __, month) => state === 'TX' && month === '08'],
    ["f.state = 'TX' AND \"Month\" = '08'", (_, state, __, month) => state === 'TX' && month === '08'],
    ["state IN ('TX', 'ID')", (_, state) => state === 'TX' || state === 'ID'],
    ["state NOT IN ('TX', 'ID')", (_, state) => state !== null && state !== 'TX' && state !== 'ID'],
    ["NOT (state = 'TX')", (_, state) => state !== null && state !== 'TX'],
    ["(state = 'TX' OR payer_slug IS NULL)", (payer, state) => state === 'TX' || payer === null],
    ["month BETWEEN '01' AND '07'", (_, __, ___, month) => month !== null && month >= '01' && month <= '07'],
    ['month::INTEGER = 7', (_, __, ___, month) => month === '07'],
    ['month = 7', (_, __, ___, month) => month === '07'],
    ["stat_area_name LIKE '%, TX'", (_, __, area) => area?.endsWith(', TX') ?? false],
    ["lower(stat_area_name) = '__null__'", (_, __, area) => area?.toLowerCase() === '__null__'],
    ["starts_with(stat_area_name, 'Z')", (_, __, area) => area?.startsWith('Z') ?? false],
    ["state IS NOT DISTINCT FROM NULL AND payer_slug = 'aetna'", (p, state) => state === null && p === 'aetna'],
    ["coalesce(state, 'none') = 'none'", (_, state) => state === null],
    ['state = payer_slug', () => false],
    ['false', () => false],
  ]
  it.each(predicates)(
    'under %s has exactly the rows that hold, out of the files that can hold them',
    async (where, holds) => {
      const due = allowed(holds)
      const { rows, filesScanned } = await ask(config, `SELECT count(*) FROM fact_rate_enriched f WHERE ${where}`)
      expect(rows).toEqual([[rowsOf(due)]])
      expect(filesScanned).toBe(due.length)
    },
  )

  const everything: [string, number][] = [
    ["SELECT count(*) FROM fact_rate_enriched WHERE state = 'TX' OR rate < 1", 3 + 14],
    ["SELECT count(*) FROM fact_rate_enriched WHERE state = code OR state = 'TX'", 3],
    ['SELECT count(*) FROM fact_rate_enriched WHERE rate < 1', 16],
    ["SELECT count(*) FROM fact_rate_enriched a JOIN fact_rate_enriched b USING (state) WHERE a.state = 'ID'", 9],
    [
      `SELECT (SELECT count(*) FROM fact_rate_enriched WHERE state = 'TX') +
        (SELECT count(*) FROM fact_rate_enriched WHERE state = 'ID')`,
      6,
    ],
    [
      "SELECT (SELECT count(*) FROM fact_rate_enriched f WHERE o.state <> f.state) FROM (VALUES ('TX')) o(state)",
      DIFFICULT.filter(({ values }) => values[1] !== 'TX' && values[1] !== null).reduce((n, p) => n + p.rows, 0),
    ],
    ["SELECT count(*) FROM query_table('fact_rate_enriched') WHERE state = 'TX'", 3],
    [
      `SELECT count(*) FROM fact_rate_enriched WHERE state = 'TX' AND rate <= (SELECT max(rate)
        FROM query_table('fact_rate_enriched') WHERE state = 'VA')`,
      3,
    ],
    [
      "SELECT count(*) FROM (SELECT 'TX' AS state UNION ALL SELECT state FROM fact_rate_enriched) WHERE state = 'TX'",
      4,
    ],
    ["SELECT count(*) FROM fact_rate_enriched AS t(state, b) WHERE state = 'A0'", 16],
    [
      "SELECT count(*) FROM range(3) t(state) LEFT JOIN fact_rate_enriched f ON f.state = 'TX' WHERE f.month IS NULL",
      0,
    ],
  ]
  it.each(everything)('reads everything where it cannot tell, and is right: %s', async (sql, due) => {
    const { rows, filesScanned } = await ask(config, sql)
    expect(rows).toEqual([[due]])
    expect(filesScanned).toBe(DIFFICULT.length)
  })

  it('opens the files of the one place that reads the table, wherever it stands', async () => {
    for (const [sql, due, files] of [
      ["WITH t AS (SELECT * FROM fact_rate_enriched WHERE state = 'TX') SELECT count(*) FROM t", 3, 2],
      ["SELECT n FROM (SELECT state, count(*) AS n FROM fact_rate_enriched WHERE state = 'ID' GROUP BY 1)", 3, 1],
      ["SELECT upper(state) AS month FROM fact_rate_enriched WHERE month = '07'", 'TX', 1],
    ] as const) {
      const { rows, filesScanned } = await ask(config, sql)
      expect({ sql, rows, filesScanned }).toEqual({ sql, rows: [[due]], filesScanned: files })
    }
  })

  it('does not take a common table expression of the same name for the table', async () => {
    const sql =
      "WITH fact_rate_enriched AS (SELECT 'TX' AS state) SELECT count(*) FROM fact_rate_enriched WHERE state = 'TX'"
    expect((await ask(config, sql)).rows).toEqual([[1]])
  })

  it('may name the schema, and the tables about the table', async () => {
    const { rows } = await ask(
      config,
      "SELECT count(*) FROM healthcare_data_lake.fact_rate_enriched WHERE state = 'TX'",
    )
    expect(rows).toEqual([[3]])
    expect((await ask(config, 'SELECT count(*) FROM partitions')).rows).toEqual([[DIFFICULT.length]])
    expect((await ask(config, "SELECT value FROM figures WHERE name = 'rows'")).rows).toEqual([['136']])
  })

  it('answers with what JSON can hold, and says the types', async () => {
    const asked = performance.now()
    const { columns, rows, seconds, filesScanned } = await ask(
      config,
      `SELECT DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03' AS instant, 9007199254740991 AS safe,
        9007199254740993 AS unsafe, 170141183460469231731687303715884105727::HUGEINT AS huge, 1.25 AS cents,
        0.1234567890123456789 AS exact, ['a', NULL] AS list, {'a': 1::BIGINT} AS struct, NULL AS nothing, true AS yes,
        'é' AS text, 0.5::DOUBLE AS half`,
    )
    expect(rows).toEqual([
      [
        '2024-02-29',
        '2024-02-29T01:02:03',
        9007199254740991,
        '9007199254740993',
        '170141183460469231731687303715884105727',
        1.25,
        '0.1234567890123456789',
        ['a', null],
        { a: 1 },
        null,
        true,
        'é',
        0.5,
      ],
    ])
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows)
    expect(columns.slice(0, 3)).toEqual([
      { name: 'day', type: 'DATE' },
      { name: 'instant', type: 'TIMESTAMP' },
      { name: 'safe', type: 'BIGINT' },
    ])
    expect(seconds).toBeGreaterThan(0)
    expect(seconds * 1000).toBeLessThanOrEqual(performance.now() - asked)
    expect(filesScanned).toBeUndefined()
  })

  it('is asked for columns and tables without claiming that rows were read', async () => {
    for (const [sql, rows, files] of [
      ['DESCRIBE fact_rate_enriched', 10, undefined],
      ["DESCRIBE SELECT code FROM fact_rate_enriched WHERE state = 'TX'", 1, undefined],
      ['SHOW TABLES', 5, undefined],
      ['SUMMARIZE fact_rate_enriched', 10, DIFFICULT.length],
      ['SELECT 1', 1, undefined],
    ] as const) {
      const answer = await ask(config, sql)
      expect({ sql, rows: answer.rows.length, files: answer.filesScanned }).toEqual({ sql, rows, files })
    }
    const mixed =
      'SELECT count(*) FROM (DESCRIBE fact_rate_enriched) WHERE (SELECT count(*) FROM fact_rate_enriched) = 136'
    expect((await ask(config, mixed)).rows).toEqual([[10]])
  })

  it('that fails after its first rows is an error, and not a shorter answer', async () => {
    const sql = "SELECT CASE WHEN i = 1000000 THEN error('no such row') ELSE i END FROM range(2000000) t(i)"
    await expect(ask(config, sql)).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-01', message: expect.stringContaining('no such row') }),
    )
  })

  it('may be explained, also with what it opened', async () => {
    const { rows } = await ask(config, "EXPLAIN SELECT * FROM fact_rate_enriched WHERE state = 'TX'")
    expect(String(rows[0])).toContain('READ_PARQUET')
    const analyzed = await ask(config, "EXPLAIN ANALYZE SELECT sum(rate) FROM fact_rate_enriched WHERE state = 'TX'")
    expect(String(analyzed.rows[0])).toMatch(/Total Files Read: 2 /)
    expect(analyzed.filesScanned).toBe(2)
  })

  it.each([
    ["SELECT state FROM fact_rate_enriched WHERE state = 'TX", /unterminated/],
    ['SELECT stat FROM fact_rate_enriched', /"stat" not found.*state/s],
    ['SELECT state::INTEGER FROM fact_rate_enriched', /Conversion Error/],
    ['SELECT * FROM nowhere', /nowhere does not exist/],
    ['', /empty/],
    ['  \n', /empty/],
    ['SELECT 1; SELECT 2', /one statement, and these are 2/],
    ["COPY (SELECT 1) TO 'ROOT/x.csv'", /type COPY/],
    ["EXPLAIN ANALYZE COPY (SELECT 1) TO 'ROOT/x.csv'", /type COPY/],
    ["EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO 'ROOT/x.csv'", /type COPY/],
    ["/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO 'ROOT/x.csv'", /type EXPLAIN/],
    ['CREATE TEMP TABLE t (i INTEGER)', /type CREATE/],
    ['DROP VIEW healthcare_data_lake.fact_rate_enriched', /type DROP/],
    ['SET threads = 64', /type SET/],
    ["ATTACH '/tmp/x.duckdb'", /type ATTACH/],
    ['INSTALL httpfs', /type LOAD/],
    ["SELECT * FROM read_text('/etc/hostname')", /Permission Error/],
    ["SELECT * FROM read_text('ROOT/../etl3/other.json')", /Permission Error/],
  ])('is refused: %s', async (sql, message) => {
    const root = join(folder, 'table')
    const before = readdirSync(root).toSorted()
    const refused = ask(config, sql.replace('ROOT', root))
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'ETL3-QU-01', exitCode: 2 }))
    await expect(refused).rejects.toThrow(message)
    expect(readdirSync(root).toSorted()).toEqual(before)
  })

  it('leaves no scratch files', async () => {
    await ask(config, 'SELECT 1')
    await expect(ask(config, 'SELECT x')).rejects.toThrow()
    expect(readdirSync(join(folder, 'scratch')).filter((name) => name.startsWith('query-'))).toEqual([])
  })

  it('stops when it is told to', async () => {
    const stop = new AbortController()
    const sql = 'SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.range + b.range = c.range'
    const asked = queryCatalog({ config, sql, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('enough')), 200)
    await expect(asked).rejects.toThrow('enough')
    await expect(queryCatalog({ config, sql, signal: stop.signal })).rejects.toThrow('enough')
  })

  it('says so when its memory does not suffice', async () => {
    const sql = "SELECT string_agg(repeat('x', 1000000), '') FROM range(1000)"
    await expect(queryCatalog({ config, sql, signal: GO_ON, memoryLimitMb: 64 })).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-05', exitCode: 7, hint: expect.stringContaining('WHERE') }),
    )
  })

  it('spills to scratch what is larger than its memory', async () => {
    const sql = 'SELECT count(*), max(x) FROM (SELECT DISTINCT md5(i::VARCHAR) AS x FROM range(1500000) t(i))'
    const { rows } = await queryCatalog({ config, sql, signal: GO_ON, memoryLimitMb: 80 })
    expect(rows[0]?.[0]).toBe(1500000)
  })
})

describe('a query of the catalog', () => {
  it('says that nothing is published yet, and what to do', async () => {
    const config = configOf(lakeFolder())
    await expect(ask(config, 'SELECT 1')).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-02', exitCode: 2, message: expect.stringContaining('etl3 run') }),
    )
    expect(existsSync(config.processing.scratch)).toBe(false)
  })

  it('reads the table in a folder whose name is a pattern, and not the one that the pattern would match', async () => {
    const beside = lakeFolder()
    const folder = join(beside, "l[a]k?e* 'x'")
    const other = await published(DIFFICULT.slice(0, 1), join(beside, "lakee 'x'"))
    const config = await published(DIFFICULT, folder)
    const { rows, filesScanned } = await ask(config, 'SELECT count(*) FROM fact_rate_enriched')
    expect({ rows, filesScanned }).toEqual({ rows: [[rowsOf(DIFFICULT)]], filesScanned: DIFFICULT.length })
    const outside = `SELECT count(*) FROM read_parquet(${literal(`${other.output.uri}/**`)})`
    await expect(ask(config, outside)).rejects.toThrow(/Permission Error/)
  })

  it('finds no rows in an empty table', async () => {
    const config = await published([])
    const { rows, filesScanned } = await ask(config, "SELECT code, tins FROM fact_rate_enriched WHERE state = 'TX'")
    expect({ rows, filesScanned }).toEqual({ rows: [], filesScanned: 0 })
  })

  it('finds a lake where it was moved to', async () => {
    const before = lakeFolder()
    await published(DIFFICULT, join(before, 'lake'))
    const after = join(lakeFolder(), "it's moved [here]")
    renameSync(join(before, 'lake'), after)
    for (const name of ['fact_rate_enriched', 'main.fact_rate_enriched']) {
      const { rows, filesScanned } = await ask(configOf(after), `SELECT count(*) FROM ${name} WHERE state = 'TX'`)
      expect({ name, rows, filesScanned }).toEqual({ name, rows: [[3]], filesScanned: 2 })
    }
  })

  it('lists the table once, also where its catalog is of a version that had the view in one schema only', async () => {
    const folder = lakeFolder()
    const config = await published(DIFFICULT.slice(0, 2), folder)
    const due = ['columns', 'fact_rate_enriched', 'figures', 'partitions', 'published'].map((name) => [name])
    expect((await ask(config, 'SHOW TABLES')).rows).toEqual(due)
    await inCatalog(folder, 'DROP VIEW main.fact_rate_enriched')
    await inCatalog(folder, 'ALTER TABLE etl3.published DROP COLUMN analytics_uri')
    expect((await ask(config, 'SHOW TABLES')).rows).toEqual(due)
    expect((await ask(config, 'SELECT count(*) FROM fact_rate_enriched')).rows).toEqual([[1 + 2]])
  })

  it('says which file is missing', async () => {
    const folder = lakeFolder()
    const config = await published(DIFFICULT, folder)
    const [, second] = DIFFICULT
    rmSync(join(folder, 'table', partitionKey(PARTITION_COLUMNS, second?.values ?? [])))
    const asked = ask(config, "SELECT count(code) FROM fact_rate_enriched WHERE month = '08'")
    await expect(asked).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-04', exitCode: 5, hint: expect.stringContaining('etl3 run') }),
    )
    await expect(asked).rejects.toThrow(/state=TX/)
    expect((await ask(config, "SELECT count(code) FROM fact_rate_enriched WHERE month = '07'")).rows).toEqual([[1]])
  })

  it('says which file is damaged', async () => {
    const folder = lakeFolder()
    const config = await published(DIFFICULT.slice(0, 2), folder)
    const [, second] = DIFFICULT
    writeFileSync(join(folder, 'table', partitionKey(PARTITION_COLUMNS, second?.values ?? [])), 'PAR1 but no more')
    const asked = ask(config, 'SELECT count(code) FROM fact_rate_enriched')
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'ETL3-QU-04' }))
    await expect(asked).rejects.toThrow(/month=08/)
  })

  it('says that another program has the catalog open for writing', async () => {
    const folder = lakeFolder()
    const config = await published(DIFFICULT.slice(0, 1), folder)
    await openForWriting(join(folder, 'etl3', 'catalog.duckdb'))
    await expect(ask(config, 'SELECT 1')).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-QU-03', exitCode: 5, hint: expect.stringContaining('readonly') }),
    )
  })
})
