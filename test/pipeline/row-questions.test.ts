import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import { writeDemoStar } from '../../src/demo/write-star.js'
import { FakeIo } from '../unit/cli/fake-io.js'
import { Lake } from './in-process-run.js'

let root: string
let star: string
let lake: Lake
let runId: string
/** Another reader of the same files, which knows nothing of catalog and records. */
let duckdb: DuckDBConnection

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-row-questions-'))
  const written = await writeDemoStar({ out: join(root, 'star'), facts: 600, seed: 5 })
  star = written.root
  lake = new Lake(join(root, 'lake'))
  lake.configure({
    star,
    tables: { fact_rate: written.factGlob },
    dataQuality: { rules: { rate_range: { max: 5000, max_share: 1 } } },
  })
  runId = (await lake.run()).runId
  duckdb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  await duckdb.run(`CREATE VIEW stored AS SELECT *, filename AS file
    FROM read_parquet('${lake.table}/**/*.parquet', filename = true, hive_partitioning = false)`)
  await duckdb.run(`CREATE VIEW given AS SELECT * FROM read_parquet('${written.factGlob}', union_by_name = true)`)
  await duckdb.run(`CREATE VIEW links AS SELECT * FROM read_parquet('${star}/xrefs/xref_pg_member_npi.parquet')`)
  await duckdb.run(`CREATE VIEW npis AS SELECT * FROM read_parquet('${star}/dims/dim_npi.parquet')`)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function ask(sql: string): Promise<readonly (readonly unknown[])[]> {
  const rows = await (await duckdb.run(sql)).getRowsJson()
  return rows.map((row) =>
    row.map((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value)),
  )
}

async function ids(sql: string): Promise<string[]> {
  const found = (await (await duckdb.run(sql)).getRowsJson()).map(([id]) => String(id))
  expect(found.length).toBeGreaterThan(0)
  return found
}

interface Ended {
  readonly code: number
  readonly text: string
  readonly err: string
}

async function etl3(...words: string[]): Promise<Ended> {
  const io = new FakeIo()
  const code = await main([...words, '-c', join(lake.root, 'c.yaml')], io)
  return { code, text: io.stdout.text, err: io.stderr.text }
}

async function why(...words: string[]): Promise<Ended> {
  return await etl3('why', ...words)
}

async function followed(id: string): Promise<Record<string, unknown>> {
  const { code, text } = await why(id, '-o', 'json')
  expect(code).toBe(0)
  const row: Record<string, unknown> = JSON.parse(text)
  return row
}

/** Rows by file of the table, as the other reader counts them. */
async function storedRows(condition: string): Promise<unknown> {
  const rows = await ask(
    `SELECT file, count(*)::INTEGER FROM stored WHERE ${condition} GROUP BY file ORDER BY encode(file)`,
  )
  return {
    rows: rows.reduce((sum, [, n]) => sum + Number(n), 0),
    partitions: rows.map(([file, n]) => ({ address: file, rows: n, writtenBy: runId })),
  }
}

describe('etl3 why', () => {
  it('says of a fact where it is in the input, what its group has, and which files have its rows', async () => {
    const facts = [
      ...(await ids('SELECT fact_uid FROM stored GROUP BY 1 ORDER BY count(DISTINCT file) DESC, 1 LIMIT 2')),
      ...(await ids('SELECT fact_uid FROM stored WHERE npi IS NULL ORDER BY 1 LIMIT 1')),
      ...(await ids(`SELECT fact_uid FROM stored WHERE npi IS NOT NULL
        AND pg_uid IN (SELECT pg_uid FROM links WHERE npi IS NULL OR trim(npi, '0') = '') ORDER BY 1 LIMIT 1`)),
    ]
    for (const id of facts) {
      const [group] = await ids(`SELECT DISTINCT pg_uid FROM given WHERE fact_uid = '${id}'`)
      const members = `SELECT DISTINCT npi FROM links WHERE pg_uid = '${group}' AND npi IS NOT NULL AND trim(npi, '0') <> ''`
      const [counts] = await ask(`SELECT (SELECT count(*) FROM (${members}))::INTEGER,
        (SELECT count(*) FROM (${members}) WHERE npi IN (SELECT npi FROM npis WHERE npi IS NOT NULL))::INTEGER`)
      const stored = await storedRows(`fact_uid = '${id}'`)
      const row = await followed(id)
      expect(row).toMatchObject({
        kind: 'fact',
        id,
        published: { runId },
        input: { looked: true, rows: 1, examples: [{ pgUid: group, fileState: 'as read' }] },
        screen: { setAside: [] },
        groups: { groups: [{ pgUid: group, providers: counts?.[0], described: counts?.[1] }] },
        inputChanged: false,
        table: stored,
      })
      expect(row['rowsDue']).toBe(Object(row['table']).rows)
    }
  })

  it('says which rule set a fact aside, and that it has no row therefore', async () => {
    const [id = ''] = await ids('SELECT fact_uid FROM given WHERE negotiated_rate > 5000 ORDER BY 1 LIMIT 1')
    expect(await storedRows(`fact_uid = '${id}'`)).toMatchObject({ rows: 0 })
    expect(await followed(id)).toMatchObject({
      screen: { setAside: [{ rule: 'rate_range' }] },
      rowsDue: 0,
      table: { rows: 0, partitions: [] },
    })
    const { text } = await why(id)
    expect(text).toContain('set it aside by rule rate_range')
    expect(text).toContain('It has no row because the screen set it aside.')
  })

  it('says of a provider whether dim_npi has it, which groups link to it, and which files have its rows', async () => {
    const known = await ids('SELECT npi FROM stored WHERE npi IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2')
    const notInDimension = await ids(
      'SELECT npi FROM stored WHERE npi IS NOT NULL AND npi NOT IN (SELECT npi FROM npis WHERE npi IS NOT NULL) ORDER BY 1 LIMIT 1',
    )
    const withoutGroup = await ids(
      'SELECT npi FROM npis WHERE npi IS NOT NULL AND npi NOT IN (SELECT npi FROM links WHERE npi IS NOT NULL) ORDER BY 1 LIMIT 1',
    )
    for (const id of [...known, ...notInDimension, ...withoutGroup]) {
      const [counts] = await ask(`SELECT (SELECT count(*) FROM npis WHERE npi = '${id}')::INTEGER,
        (SELECT count(DISTINCT pg_uid) FROM links WHERE npi = '${id}')::INTEGER,
        (SELECT count(*) FROM given WHERE pg_uid IN (SELECT pg_uid FROM links WHERE npi = '${id}'))::INTEGER`)
      const row = await followed(id)
      expect(row).toMatchObject({
        kind: 'npi',
        id,
        groups: { groups: counts?.[1] },
        facts: { facts: counts?.[2] },
        table: await storedRows(`npi = '${id}'`),
      })
      expect(Object(row['dimension']).rows.length > 0).toBe(Number(counts?.[0]) > 0)
      expect(row['rowsDue']).toBe(Object(row['table']).rows)
    }
  })

  it('says that the input has changed since the run, and that the table still has the rows', async () => {
    const [id = ''] = await ids('SELECT fact_uid FROM stored ORDER BY 1 LIMIT 1')
    const { file } = Object(Object(await followed(id))['input']).examples[0]
    const before = readFileSync(file)
    utimesSync(file, new Date(0), new Date(0))
    const { text } = await why(id)
    expect(text).toContain(`This file has changed since run ${runId} read it.`)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('answers from input or table alone where the other is not there, and says with a code what it could not see', async () => {
    const [id = ''] = await ids('SELECT fact_uid FROM given WHERE negotiated_rate < 5000 ORDER BY 1 LIMIT 1')
    const [npi = ''] = await ids('SELECT npi FROM stored WHERE npi IS NOT NULL ORDER BY 1 LIMIT 1')
    const asked = async (row: string, config: object): Promise<Record<string, unknown>> => {
      const file = join(root, 'other.yaml')
      writeFileSync(file, JSON.stringify({ processing: { scratch: join(root, 'scratch') }, ...config }))
      const io = new FakeIo()
      expect(await main(['why', row, '-o', 'json', '-c', file], io)).toBe(0)
      const answer: Record<string, unknown> = JSON.parse(io.stdout.text)
      return answer
    }
    const output = { uri: lake.table, metadata_uri: lake.metadata }
    const nowhere = { uri: join(root, 'none'), metadata_uri: join(root, 'none-etl3') }
    expect(await asked(id, { input: { root: star }, output: nowhere })).toMatchObject({
      input: { rows: 1, examples: [{ fileState: 'unknown' }] },
      published: null,
      screen: null,
      table: null,
    })
    const emptyFolder = join(root, 'empty-star')
    mkdirSync(emptyFolder)
    for (const [place, code] of [
      ['s3://bucket/star', 'ETL3-WH-02'],
      [emptyFolder, 'ETL3-IN-01'],
    ] as const) {
      const fact = await asked(id, { input: { root: place }, output })
      expect(fact).toMatchObject({
        input: { looked: false, code },
        rowsDue: null,
        table: await storedRows(`fact_uid = '${id}'`),
      })
      const provider = await asked(npi, { input: { root: place }, output })
      expect(provider).toMatchObject({
        groups: { looked: false, code },
        rowsDue: null,
        table: await storedRows(`npi = '${npi}'`),
      })
    }
    // As after `npm start`, which tells the run by variables where its star is.
    const missing = join(root, 'no-such-star')
    expect(await asked(id, { input: { root: missing }, output })).toMatchObject({
      missingRoot: missing,
      input: { looked: true, rows: 1 },
      steps: expect.arrayContaining([
        {
          step: 'input',
          says: expect.stringContaining(`There is no folder ${missing} (input.root), so the input of run`),
        },
      ]),
    })
    expect(await asked(npi, { input: { root: missing }, output })).toMatchObject({
      missingRoot: missing,
      groups: { looked: true },
      facts: { looked: true },
    })
    const quarantine = lake.recordPath(runId, 'quarantine/facts.parquet')
    renameSync(quarantine, `${quarantine}.away`)
    try {
      expect(await followed(id)).toMatchObject({
        screen: { looked: false, code: 'ETL3-WH-04' },
        table: { rows: expect.any(Number) },
      })
    } finally {
      renameSync(`${quarantine}.away`, quarantine)
    }
  })

  it('finds an id in columns that are spelled and typed in another way, and in a file whose name looks like a pattern', async () => {
    const other = join(root, 'other-star')
    cpSync(star, other, { recursive: true })
    rmSync(join(other, 'gold'), { recursive: true })
    mkdirSync(join(other, 'gold'))
    const [, npi = ''] = await ids(
      'SELECT npi FROM stored WHERE npi IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2',
    )
    await duckdb.run(`COPY (SELECT 17::BIGINT AS "FACT_UID ", 'x' AS filename, * EXCLUDE (fact_uid) FROM given LIMIT 1)
      TO '${join(other, 'gold', 'fact.parquet')}' (FORMAT parquet)`)
    renameSync(join(other, 'gold', 'fact.parquet'), join(other, 'gold', 'fact_rate[1].parquet'))
    await duckdb.run(`COPY (SELECT try_cast(npi AS BIGINT) AS "NPI", pg_uid AS "Pg_Uid" FROM links)
      TO '${join(other, 'xrefs', 'xref_pg_member_npi.parquet')}' (FORMAT parquet)`)
    const lake = new Lake(join(root, 'other-lake'))
    lake.configure({ star: other, tables: { fact_rate: join(other, 'gold') } })
    for (const [id, seen] of [
      ['17', { kind: 'fact', input: { rows: 1, examples: [{ file: join(other, 'gold', 'fact_rate[1].parquet') }] } }],
      [npi, { kind: 'npi', groups: { looked: true }, facts: { looked: true } }],
    ] as const) {
      const io = new FakeIo()
      expect(await main(['why', id, '-o', 'json', '-c', join(lake.root, 'c.yaml')], io)).toBe(0)
      expect(JSON.parse(io.stdout.text)).toMatchObject(seen)
    }
  })

  it('ends with 2 and a code where nothing is known of an id, whatever the id holds', async () => {
    for (const id of ['0000000017', "x' OR true --", '\u001b[2J']) {
      const { code, text, err } = await why(id)
      expect({ code, text }).toEqual({ code: 2, text: '' })
      expect(err).toContain('ETL3-WH-01')
      expect(err).not.toContain('\u001b')
    }
  })
})

describe('etl3 show', () => {
  const shown = async (...words: string[]): Promise<unknown[]> => {
    const { code, text } = await etl3('show', '-o', 'json', '--limit', '1000', ...words)
    expect(code).toBe(0)
    const answer: { rows: unknown[] } = JSON.parse(text)
    return answer.rows
  }
  /** What another reader finds, in any order. */
  const due = async (condition: string, ...values: (string | number)[]): Promise<unknown[]> =>
    await (
      await duckdb.run(`SELECT fact_uid, npi, negotiated_rate FROM stored WHERE ${condition} LIMIT 1000`, values)
    ).getRowObjectsJson()
  const asKept = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()

  it('gives the rows that hold every condition, as another reader finds them', async () => {
    const [[state, code, rate] = []] = await (
      await duckdb.run(`SELECT state, code, negotiated_rate FROM stored WHERE state IS NOT NULL AND state <> ''
        ORDER BY fact_uid, npi LIMIT 1`)
    ).getRowsJson()
    const [pos] = await ids('SELECT pos_members[1] FROM stored WHERE len(pos_members) > 1 ORDER BY 1 LIMIT 1')
    const questions: readonly (readonly [string[], string, (string | number)[]])[] = [
      [[`state=${state}`, `code=${code}`], 'state = $1 AND code = $2', [String(state), String(code)]],
      [[`negotiated_rate=${rate}`], 'negotiated_rate = $1', [Number(rate)]],
      [['npi='], "npi IS NULL OR npi = ''", []],
      [['state=', 'code_type=CPT'], "(state IS NULL OR state = '') AND code_type = 'CPT'", []],
      [
        [`pos_members=${pos}`, `code=${code}`],
        'list_contains(pos_members, $1) AND code = $2',
        [String(pos), String(code)],
      ],
      [['is_above_medicare=true', `state=${state}`], 'is_above_medicare AND state = $1', [String(state)]],
    ]
    for (const [pairs, condition, values] of questions) {
      const rows = await shown(
        '--columns',
        'fact_uid,npi,negotiated_rate',
        ...pairs.flatMap((pair) => ['--where', pair]),
      )
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.length).toBeLessThan(1000)
      expect(asKept(rows)).toEqual(asKept(await due(condition, ...values)))
    }
  })

  it('takes a value for a value, whatever it holds', async () => {
    for (const value of ["' OR true --", "MN' OR '1'='1", '"; DROP VIEW x', '%', '\\', '=', '\u001b[2J'])
      expect(await shown('--where', `state=${value}`)).toEqual([])
  })

  it('gives ten rows with all columns of the file where nothing is said', async () => {
    const { code, text } = await etl3('show', '-o', 'json')
    const { columns, rows }: { columns: { name: string }[]; rows: unknown[] } = JSON.parse(text)
    const described = await (await duckdb.run('DESCRIBE SELECT * EXCLUDE (file, filename) FROM stored')).getRowsJson()
    expect({ code, rows: rows.length }).toEqual({ code: 0, rows: 10 })
    expect(columns.map(({ name }) => name)).toEqual(described.map(([name]) => name))
  })
})
