import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance, type Json } from '@duckdb/node-api'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PublishedTable } from '../../../../src/lake/catalog.js'
import { DuckDbCatalog } from '../../../../src/lake/duckdb/catalog.js'
import { FolderStore } from '../../../../src/lake/folder/store.js'
import { partitionKey } from '../../../../src/lake/keys.js'
import { catalogSuite } from '../catalog.suite.js'
import { countRows } from '../count-rows.js'
import { GO_ON, lakeFolder } from '../folder/lake-folder.js'
import { openForWriting } from '../open-for-writing.js'
import { COLUMNS, DIFFICULT, PARTITION_COLUMNS, type SmallPartition, writeSmallLake } from './small-lake.js'

function place(
  name = 'lake',
  database = 'healthcare_data_lake',
): { open: () => DuckDbCatalog; root: string; folder: string } {
  const folder = join(lakeFolder(), name)
  const options = { metadataFolder: join(folder, 'etl3'), database, scratch: lakeFolder() }
  return { open: () => new DuckDbCatalog(options), root: join(folder, 'table'), folder }
}

catalogSuite('a DuckDB file', async () => ({ ...place(), missingFile: 'error' }))

// What DuckDB takes for a pattern, for an address and for the end of a name; beside it a folder that the pattern would match.
catalogSuite('a DuckDB file in a folder with wildcards in its name', async () => {
  const odd = place("l[a]k?e*\\ 'x' [!b]")
  return { ...odd, missingFile: 'error' }
})

/** Opens the file as a user does, in DuckDB itself. */
async function inDuckDb(file: string): Promise<(sql: string) => Promise<Json[][]>> {
  const instance = await DuckDBInstance.create(file, file === ':memory:' ? {} : { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  onTestFinished(() => {
    connection.closeSync()
    instance.closeSync()
  })
  return async (sql) => (await connection.runAndReadAll(sql)).getRowsJson()
}

const VIEW = 'healthcare_data_lake.fact_rate_enriched'

/** "Scanning Files: n/m" of EXPLAIN ANALYZE, which says how many files a statement opened. */
async function filesOpened(ask: (sql: string) => Promise<Json[][]>, where: string): Promise<string> {
  const [row] = await ask(`EXPLAIN ANALYZE SELECT sum(rate) FROM ${VIEW} WHERE ${where}`)
  return /Scanning Files:\s*(?:│\s*│\s*)?(\d+\/\d+)/.exec(String(row?.[1]))?.[1] ?? 'all'
}

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`
const equals = (column: string, value: string | null): string =>
  value === null ? `${column} IS NULL` : `${column} = ${literal(value.split('\0')[0] ?? '')}`

describe('the view of the embedded catalog', () => {
  it('has the columns of the table in their order, with their types', async () => {
    const { open, root } = place()
    await open().register(await writeSmallLake(DIFFICULT, { root }), GO_ON)
    const ask = await inDuckDb(open().uri)
    const due = COLUMNS.map(({ name, type }) => [name, DUCKDB_TYPE[type]])
    expect((await ask(`DESCRIBE ${VIEW}`)).map(([name, type]) => [name, type])).toEqual(due)

    const empty = place()
    await empty.open().register(await writeSmallLake([], { root: empty.root }), GO_ON)
    const askEmpty = await inDuckDb(empty.open().uri)
    expect((await askEmpty(`DESCRIBE ${VIEW}`)).map(([name, type]) => [name, type])).toEqual(due)
    expect(await askEmpty(`SELECT * FROM ${VIEW}`)).toEqual([])
  })

  it('gives every partition its own values, whatever they hold', async () => {
    const { open, root } = place("it's a [lake]* with 100% {odd} names; état=1")
    await open().register(await writeSmallLake(DIFFICULT, { root }), GO_ON)
    const ask = await inDuckDb(open().uri)
    const rows = await ask(`SELECT ${PARTITION_COLUMNS.join(', ')}, count(*)::INTEGER FROM ${VIEW} GROUP BY ALL`)
    expect(rows.map((row) => JSON.stringify(row)).toSorted()).toEqual(
      DIFFICULT.map(({ values, rows }) => JSON.stringify([...values, rows])).toSorted(),
    )
  })

  it('opens the files of the partitions that a predicate allows, and no others', async () => {
    const { open, root } = place()
    await open().register(await writeSmallLake(DIFFICULT, { root }), GO_ON)
    const ask = await inDuckDb(open().uri)
    for (const [i, column] of PARTITION_COLUMNS.entries()) {
      for (const value of new Set(DIFFICULT.map(({ values }) => values[i] ?? null))) {
        // SQL text cannot hold NUL; that value is asked for by what stands before it.
        const where = value?.includes('\0')
          ? `starts_with(${column}, ${literal('tab\tline\nnull')})`
          : equals(column, value)
        const due = DIFFICULT.filter(({ values }) => values[i] === value)
        const rows = due.reduce((sum, partition) => sum + partition.rows, 0)
        expect(await ask(`SELECT count(*)::INTEGER FROM ${VIEW} WHERE ${where}`), where).toEqual([[rows]])
        expect(await filesOpened(ask, where), where).toBe(`${due.length}/${DIFFICULT.length}`)
      }
    }
    expect(await filesOpened(ask, "state IN ('TX', 'ID') AND month <> '07'")).toBe(`2/${DIFFICULT.length}`)
    expect(await filesOpened(ask, "stat_area_name LIKE 'Dallas%' AND rate > 0")).toBe(`2/${DIFFICULT.length}`)
    expect(await filesOpened(ask, 'rate > 0')).toBe('all')
  })

  it('does not see a file that nobody published', async () => {
    const { open, root } = place()
    const [kept, stray] = DIFFICULT.slice(0, 2) as [SmallPartition, SmallPartition]
    const state = await writeSmallLake([kept], { root })
    await writeSmallLake([stray], { root })
    await open().register(state, GO_ON)
    const ask = await inDuckDb(open().uri)
    expect(await ask(`SELECT count(*)::INTEGER FROM ${VIEW}`)).toEqual([[kept.rows]])
  })

  it('takes the columns that are no partition columns from the files', async () => {
    const { open, root } = place()
    const state = await writeSmallLake(DIFFICULT.slice(0, 1), { root })
    await open().register({ ...state, partitionColumns: PARTITION_COLUMNS.slice(0, 1) }, GO_ON)
    const ask = await inDuckDb(open().uri)
    expect(await ask(`SELECT payer_slug, state, month FROM ${VIEW}`)).toEqual([['aetna', 'TX', '07']])
  })
})

describe('the name of the table', () => {
  const rows = DIFFICULT.reduce((sum, partition) => sum + partition.rows, 0)
  const COUNT = 'SELECT count(*)::INTEGER FROM'

  it('is found without its schema, in the file itself and in a database to which it is attached', async () => {
    const { open, root } = place()
    await open().register(await writeSmallLake(DIFFICULT, { root }), GO_ON)
    const within = await inDuckDb(open().uri)
    expect(await within(`${COUNT} fact_rate_enriched`)).toEqual([[rows]])
    expect(await within(`${COUNT} ${VIEW}`)).toEqual([[rows]])
    expect(await within('SHOW TABLES')).toEqual([['fact_rate_enriched']])

    const beside = await inDuckDb(':memory:')
    await beside('CREATE TABLE fact_rate_enriched (here INTEGER)')
    await beside(`ATTACH ${literal(open().uri)} AS lake (READ_ONLY)`)
    expect(await beside(`${COUNT} lake.fact_rate_enriched`)).toEqual([[rows]])
    expect(await beside(`${COUNT} fact_rate_enriched`)).toEqual([[0]])
    await beside('USE lake')
    expect(await beside(`${COUNT} fact_rate_enriched`)).toEqual([[rows]])
  })

  it('stands for the analytics table where there is one, and that of the partitions is found likewise', async () => {
    const { open, root } = place()
    const state = await writeSmallLake(DIFFICULT, { root })
    const files = DIFFICULT.slice(0, 3).map(({ values, rows }) => ({
      key: partitionKey(PARTITION_COLUMNS, values),
      rows,
      bytes: 1,
    }))
    await open().register({ ...state, analytics: { uri: root, snapshotId: '1', timestampMs: 1, files } }, GO_ON)
    const ask = await inDuckDb(open().uri)
    expect(await ask(`${COUNT} fact_rate_enriched`)).toEqual([[1 + 2 + 3]])
    expect(await ask(`${COUNT} fact_rate_enriched_partitioned`)).toEqual([[rows]])
    expect(await ask('SHOW TABLES')).toEqual([['fact_rate_enriched'], ['fact_rate_enriched_partitioned']])
  })

  it.each([
    ['main', 'fact_rate_enriched'],
    ['main', 'main'],
    ['prices', 'prices'],
    // Of DuckDB itself.
    ['healthcare_data_lake', 'duckdb_tables'],
    ['healthcare_data_lake', 'sqlite_master'],
    ['healthcare_data_lake', 'select'],
  ])('is found with and without its schema where they are called %s.%s', async (database, table) => {
    const { open, root } = place('lake', database)
    await open().register({ ...(await writeSmallLake(DIFFICULT, { root })), table }, GO_ON)
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
    const ask = await inDuckDb(open().uri)
    expect(await ask(`${COUNT} "${table}"`)).toEqual([[rows]])
    expect(await ask(`${COUNT} "${database}"."${table}"`)).toEqual([[rows]])
  })
})

const DUCKDB_TYPE: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  double: 'DOUBLE',
  'array<string>': 'VARCHAR[]',
  date: 'DATE',
  boolean: 'BOOLEAN',
  int: 'INTEGER',
}

describe('the embedded catalog', () => {
  it('lists the published files, and the view takes them from there, also in a database that has such a list of its own', async () => {
    const { open, root } = place()
    const state = await writeSmallLake(DIFFICULT, { root })
    await open().register(state, GO_ON)
    const ask = await inDuckDb(':memory:')
    await ask('CREATE SCHEMA etl3')
    await ask("CREATE MACRO etl3.files() AS ['/nowhere.parquet']")
    await ask(`ATTACH ${literal(open().uri)} AS lake (READ_ONLY)`)
    expect(await ask(`SELECT count(*)::INTEGER FROM lake.${VIEW}`)).toEqual([
      [DIFFICULT.reduce((sum, { rows }) => sum + rows, 0)],
    ])
    expect(await ask('SELECT list_sort(lake.etl3.files())')).toEqual(
      await ask(`SELECT list(${literal(root)} || '/' || key ORDER BY key) FROM lake.etl3.partitions`),
    )
  })

  it('lists the partitions, the columns with their meaning, and the figures of the run', async () => {
    const { open, root } = place()
    await open().register(await writeSmallLake(DIFFICULT, { root }), GO_ON)
    const ask = await inDuckDb(open().uri)
    const partitions = await ask(`SELECT ${PARTITION_COLUMNS.join(', ')}, rows::INTEGER FROM etl3.partitions`)
    expect(new Set(partitions.map((row) => JSON.stringify(row)))).toEqual(
      new Set(DIFFICULT.map(({ values, rows }) => JSON.stringify([...values, rows]))),
    )
    expect(await ask('SELECT DISTINCT facts::INTEGER, bytes::INTEGER, fingerprint FROM etl3.partitions')).toEqual([
      [1, 1, 'fingerprint'],
    ])
    expect(await ask('SELECT name, comment FROM etl3.columns ORDER BY position')).toEqual(
      COLUMNS.map(({ name, comment }) => [name, comment]),
    )
    expect(await ask('FROM etl3.figures ORDER BY name')).toEqual([
      ['note', "it's fine"],
      ['rows', '136'],
    ])
    expect(await ask('SELECT run_id, table_uri, analytics_uri FROM etl3.published')).toEqual([['run 1', root, null]])
  })

  it('has the facts that the run has set aside, with the rule that each breaks', async () => {
    const { open, root } = place()
    const quarantinePath = join(lakeFolder(), "quarantine of 'a'.parquet")
    const due = [
      ['rate_range', '-1.0', 'f1'],
      ["it's; --", null, 'f2'],
    ]
    const ask = await inDuckDb(':memory:')
    await ask(`COPY (SELECT * FROM (VALUES ('rate_range', '-1.0', 'f1'), ('it''s; --', NULL, 'f2')) q(rule, found, fact_uid))
      TO ${literal(quarantinePath)} (FORMAT parquet)`)
    await open().register({ ...(await writeSmallLake(DIFFICULT, { root })), quarantinePath }, GO_ON)
    expect(await (await inDuckDb(open().uri))('FROM etl3.quarantine ORDER BY fact_uid')).toEqual(due)
  })

  it('has the rates of the run, and shows them beside the table under its name', async () => {
    const { open, root } = place()
    const folder = lakeFolder()
    const rates = { byState: join(folder, "rates of 'a'.parquet"), byPayer: join(folder, 'by payer.parquet') }
    const ask = await inDuckDb(':memory:')
    await ask(
      `COPY (SELECT 'TX' AS state, 'it''s; --' AS code, 1.5 AS rate_median) TO ${literal(rates.byState)} (FORMAT parquet)`,
    )
    await ask(`COPY (SELECT 'it''s; --' AS code, 2.5 AS rate_median) TO ${literal(rates.byPayer)} (FORMAT parquet)`)
    const state = await writeSmallLake(DIFFICULT, { root })
    await open().register({ ...state, rates }, GO_ON)
    await ask(`ATTACH ${literal(open().uri)} AS lake (READ_ONLY)`)
    const names = (name: string): string[] => [
      `lake.etl3.${name}`,
      `lake.${state.table}_${name}`,
      `lake.${VIEW}_${name}`,
    ]
    for (const name of names('rates'))
      expect(await ask(`SELECT state, code, rate_median::DOUBLE FROM ${name}`)).toEqual([['TX', "it's; --", 1.5]])
    for (const name of names('rates_by_payer'))
      expect(await ask(`SELECT code, rate_median::DOUBLE FROM ${name}`)).toEqual([["it's; --", 2.5]])
  })

  it('is replaced while readers have it open, who go on with what they saw', async () => {
    const { open, root } = place()
    await open().register(await writeSmallLake(DIFFICULT.slice(0, 1), { root }), GO_ON)
    const ask = await inDuckDb(open().uri)
    expect(await ask(`SELECT count(*)::INTEGER FROM ${VIEW}`)).toEqual([[1]])
    await open().register(await writeSmallLake(DIFFICULT.slice(0, 2), { root, runId: 'run 2' }), GO_ON)
    expect(await ask(`SELECT count(*)::INTEGER FROM ${VIEW}`)).toEqual([[1]])
    expect(await open().registeredRun(GO_ON)).toBe('run 2')
  })

  it('is replaced, and read, while somebody has it open for writing in DuckDB', async () => {
    const { open, root } = place()
    const state = await writeSmallLake(DIFFICULT.slice(0, 1), { root })
    await open().register(state, GO_ON)
    await openForWriting(open().uri)
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
    expect(await open().register({ ...state, runId: 'run 2' }, GO_ON)).toMatchObject({ created: 0, deleted: 0 })
    expect(await open().registeredRun(GO_ON)).toBe('run 2')
  })

  it('is written anew where what stands there is no catalog', async () => {
    const { open, root, folder } = place()
    const state = await writeSmallLake(DIFFICULT.slice(0, 2), { root })
    await open().register(state, GO_ON)
    writeFileSync(open().uri, 'not a database')
    expect(await open().registeredRun(GO_ON)).toBeUndefined()
    expect(await open().register(state, GO_ON)).toMatchObject({ created: 2 })
    expect(await open().registeredRun(GO_ON)).toBe('run 1')
    expect(readdirSync(join(folder, 'etl3', '.etl3-unfinished'))).toEqual([])
  })

  it('stays as it was when the new state cannot be registered', async () => {
    const { open, root, folder } = place()
    const state = await writeSmallLake(DIFFICULT.slice(0, 2), { root })
    await open().register(state, GO_ON)
    const before = readFileSync(open().uri)
    const broken: PublishedTable = { ...state, columns: [...COLUMNS, { name: 'gone', type: 'string', comment: '' }] }
    await expect(open().register(broken, GO_ON)).rejects.toThrow(/gone/)
    expect(readFileSync(open().uri).equals(before)).toBe(true)
    expect(readdirSync(join(folder, 'etl3', '.etl3-unfinished'))).toEqual([])
  })

  it('reads a sample of a large table and takes the catalog’s word for the rest', async () => {
    const { open, root } = place()
    const partitions = Array.from({ length: 600 }, (_, i) => ({
      values: ['p', `s${i % 3}`, `area ${i}`, '01'],
      rows: 2,
    }))
    await open().register(await writeSmallLake(partitions, { root }), GO_ON)
    const counts = await countRows(open(), ['state'])
    expect(counts.toSorted((a, b) => String(a.values).localeCompare(String(b.values)))).toEqual([
      { values: ['s0'], rows: 400 },
      { values: ['s1'], rows: 400 },
      { values: ['s2'], rows: 400 },
    ])
  })

  it('keeps its unfinished files where the store does not list them', async () => {
    const { open, root, folder } = place()
    await open().register(await writeSmallLake(DIFFICULT.slice(0, 1), { root }), GO_ON)
    const keys: string[] = []
    for await (const { key } of new FolderStore(join(folder, 'etl3')).list('', GO_ON)) keys.push(key)
    expect(keys.toSorted()).toEqual(['catalog.duckdb', 'catalog.duckdb.versions/0000000001'])
    expect(existsSync(`${open().uri}.wal`)).toBe(false)
  })

  it('never goes back: a worker of an older run that is late changes nothing for readers', async () => {
    const { open, root, folder } = place()
    const state = await writeSmallLake(DIFFICULT.slice(0, 1), { root })
    await open().register({ ...state, runId: 'older', lockNumber: 11 }, GO_ON)
    await open().register({ ...state, runId: 'newer', lockNumber: 12 }, GO_ON)
    const shown = statSync(open().uri)
    const late = open().register({ ...state, runId: 'older', lockNumber: 11 }, GO_ON)
    await expect(late).rejects.toMatchObject({ code: 'ETL3-CA-04', kind: 'ConflictError' })
    expect(await open().registeredRun(GO_ON)).toBe('newer')
    expect(statSync(open().uri)).toMatchObject({ ino: shown.ino, mtimeMs: shown.mtimeMs })
    // Whoever holds the lock may register again.
    await open().register({ ...state, runId: 'newer', lockNumber: 12 }, GO_ON)
    expect(readdirSync(join(folder, 'etl3', 'catalog.duckdb.versions'))).toEqual(['0000000012'])
  })
})
