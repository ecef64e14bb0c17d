import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AnalyticsUnit } from '../../src/records/analytics.js'
import { DEFAULT_OPTIONS, ENRICHED_COLUMNS } from '../oracle/oracle-table.js'
import { quoted, text } from '../oracle/sql.js'
import { severalFilesStar } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { type InProcessRun, Lake } from './in-process-run.js'

/** What is written as one file. */
type Select = (source: string) => string

let root: string
let lake: Lake
let run: InProcessRun
let record: string
let written: AnalyticsUnit
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-audit-'))
  await writeStar(join(root, 'star'), severalFilesStar())
  lake = new Lake(join(root, 'lake'))
  lake.configure({ star: join(root, 'star'), analytics: { enabled: true, target_file_rows: 60 } })
  run = await lake.open()
  await run.until('auditAnalytics')
  record = lake.recordPath(run.run.runId, 'analytics/0.json')
  written = JSON.parse(readFileSync(record, 'utf8'))
  for (const { file } of written.files) copyFileSync(file.path, keptCopy(file.path))
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})
afterEach(asWritten)
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(root, { recursive: true, force: true })
})

/** Puts all back as the run wrote it. */
function asWritten(): void {
  for (const { file } of written.files) copyFileSync(keptCopy(file.path), file.path)
  writeFileSync(record, JSON.stringify(written))
  rmSync(lake.recordPath(run.run.runId, 'analytics/audited-0.json'), { force: true })
}

function keptCopy(path: string): string {
  return join(root, basename(path))
}

function pathOf(place: number): string {
  const found = written.files[place]?.file.path
  if (found === undefined) throw new Error(`there is no file ${place}`)
  return found
}

/** Writes files anew, by their place in the record, and has the record say of them what is there now. */
async function rewritten(selects: ReadonlyMap<number, Select>): Promise<void> {
  for (const [place, select] of selects) {
    const source = `(SELECT *, row_number() OVER () AS place FROM read_parquet(${text(keptCopy(pathOf(place)))}, hive_partitioning = false))`
    await connection.run(
      `COPY (SELECT * EXCLUDE place FROM (${select(source)})) TO ${text(pathOf(place))} (FORMAT parquet)`,
    )
  }
  recorded()
}

/** Has the record say the bytes of all files that are there now, and of rows and partitions what was planned. */
function recorded(): void {
  const files = written.files.map((known) => {
    const { path } = known.file
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
    return { ...known, sha256, file: { ...known.file, bytes: statSync(path).size } }
  })
  writeFileSync(record, JSON.stringify({ ...written, files }))
}

async function expectNoticed(): Promise<void> {
  await expect(run.audit(0)).rejects.toMatchObject({ code: 'ETL3-AU-07' })
}

/** First place of a file that has another one of the same partition, and that one; and one of another partition. */
function neighbors(): { readonly first: number; readonly same: number; readonly other: number } {
  const partitionOf = (i: number): string => JSON.stringify(written.files[i]?.file.partition)
  const places = written.files.map((_, i) => i)
  const first = places.find((i) => partitionOf(i) === partitionOf(i + 1)) ?? 0
  return { first, same: first + 1, other: places.find((i) => partitionOf(i) !== partitionOf(first)) ?? 0 }
}

describe('the audit of the analytics table', () => {
  it('agrees with what was written, and with the same rows in other bytes and another order', async () => {
    expect(written.files.length).toBeGreaterThan(8)
    await run.audit(0)
    asWritten()
    await rewritten(new Map([[0, (source) => `FROM ${source} ORDER BY place DESC`]]))
    await run.audit(0)
  })

  it('notices another value in one row, in whatever column', async () => {
    // As many columns at once as there are files: each has a change in one of them.
    const atOnce = written.files.length
    for (let from = 0; from < ENRICHED_COLUMNS.length; from += atOnce) {
      asWritten()
      const columns = ENRICHED_COLUMNS.slice(from, from + atOnce)
      await rewritten(new Map(columns.map(([column, type], place) => [place, changedAt(3, quoted(column), type)])))
      await expect(run.audit(0)).rejects.toMatchObject({
        code: 'ETL3-AU-07',
        message: expect.stringContaining(`${columns.length} files do not hold the rows`),
      })
    }
  })

  it('notices a value that has gone, and an empty text in place of none', async () => {
    await rewritten(
      new Map([
        [
          1,
          (source) =>
            `SELECT * REPLACE (CASE WHEN place > 1 THEN medicare_state_rate END AS medicare_state_rate) FROM ${source}`,
        ],
      ]),
    )
    await expectNoticed()
    await rewritten(
      new Map([
        [
          1,
          (source) =>
            `SELECT * REPLACE (coalesce(address_2, CASE WHEN place = 1 THEN '' END) AS address_2) FROM ${source}`,
        ],
      ]),
    )
    await expectNoticed()
  })

  it.each([
    ['the names', ['first_name']],
    ['all that is known of them', ['npi', 'first_name', 'city', 'organization_name']],
  ])('notices two providers of one partition that were exchanged: %s', async (_, columns) => {
    const swapped = columns.map(
      (column) =>
        `CASE place WHEN a THEN max(${column}) FILTER (place = b) OVER () WHEN b THEN max(${column}) FILTER (place = a) OVER () ELSE ${column} END AS ${column}`,
    )
    const keys = DEFAULT_OPTIONS.partitionColumns.map((key) => `x.${key} IS NOT DISTINCT FROM y.${key}`).join(' AND ')
    const pair = (source: string): string =>
      `SELECT x.place AS a, y.place AS b FROM ${source} x JOIN ${source} y ON ${keys} AND x.first_name < y.first_name AND x.fact_uid <> y.fact_uid ORDER BY ALL LIMIT 1`
    const found = await connection.runAndReadAll(
      pair(`(SELECT *, row_number() OVER () AS place FROM read_parquet(${text(keptCopy(pathOf(0)))}))`),
    )
    expect(found.getRowsJson()).toHaveLength(1)
    await rewritten(
      new Map([
        [
          0,
          (source) => `SELECT * EXCLUDE (a, b) REPLACE (${swapped.join(', ')}) FROM ${source}, (${pair(source)}) pair`,
        ],
      ]),
    )
    await expectNoticed()
  })

  it.each<[string, Select]>([
    ['is missing', (source) => `FROM ${source} WHERE place <> 5`],
    ['is there twice', (source) => `FROM ${source} UNION ALL FROM ${source} WHERE place = 5`],
    [
      'is there twice in place of another one',
      (source) => `FROM ${source} WHERE place <> 6 UNION ALL FROM ${source} WHERE place = 5`,
    ],
    [
      'is there four times in place of others',
      (source) =>
        `FROM ${source} WHERE place NOT IN (6, 7, 8) UNION ALL SELECT s.* FROM ${source} s, range(3) WHERE place = 5`,
    ],
  ])('notices a row that %s', async (_, select) => {
    await rewritten(new Map([[3, select]]))
    await expectNoticed()
  })

  it('notices a file without any row', async () => {
    await rewritten(new Map([[3, (source) => `FROM ${source} WHERE false`]]))
    await expectNoticed()
  })

  it.each(['same', 'other'] as const)(
    'notices a row that was moved to another file, of the %s partition',
    async (which) => {
      const places = neighbors()
      const from = text(keptCopy(pathOf(places.first)))
      const row = `SELECT *, 0 FROM (SELECT * FROM read_parquet(${from}) LIMIT 1)`
      await rewritten(
        new Map<number, Select>([
          [places.first, (source) => `FROM ${source} WHERE place <> 1`],
          [places[which], (source) => `FROM ${source} UNION ALL ${row}`],
        ]),
      )
      await expectNoticed()
    },
  )

  it.each(['same', 'other'] as const)('notices two files that were exchanged, of the %s partition', async (which) => {
    const places = neighbors()
    copyFileSync(keptCopy(pathOf(places.first)), pathOf(places[which]))
    copyFileSync(keptCopy(pathOf(places[which])), pathOf(places.first))
    recorded()
    await expectNoticed()
  })

  it('notices a file that is said to be of another partition than its rows are', async () => {
    const [first, ...others] = written.files
    if (!first) throw new Error('there are no files')
    const partition = first.file.partition.with(2, '12')
    writeFileSync(
      record,
      JSON.stringify({ ...written, files: [{ ...first, file: { ...first.file, partition } }, ...others] }),
    )
    await expectNoticed()
  })

  it('notices a file that the record leaves out, names twice, or counts wrongly', async () => {
    const [first, ...others] = written.files
    if (!first) throw new Error('there are no files')
    const miscounted = { ...first, file: { ...first.file, rows: first.file.rows + 1 } }
    for (const files of [
      others,
      [first, first, ...others],
      [miscounted, ...others],
      [...others, { ...first, ordinal: 999 }],
    ]) {
      writeFileSync(record, JSON.stringify({ ...written, files }))
      await expectNoticed()
    }
  })

  it('notices bytes that are not those that were written, also where the rows are right', async () => {
    const path = pathOf(4)
    await connection.run(`COPY (FROM read_parquet(${text(keptCopy(path))})) TO ${text(path)} (FORMAT parquet)`)
    await expectNoticed()
    rmSync(path)
    await expectNoticed()
  })
})

function changedAt(place: number, column: string, type: string): Select {
  return (source) =>
    `SELECT * REPLACE (CASE WHEN place = ${place} THEN ${otherThan(column, type)} ELSE ${column} END AS ${column}) FROM ${source}`
}

/** Another value of the type than a column has. */
function otherThan(column: string, type: string): string {
  if (type === 'VARCHAR') return `coalesce(${column}, '') || 'x'`
  if (type === 'VARCHAR[]') return `coalesce(${column}, []) || ['x']`
  if (type === 'BOOLEAN') return `NOT coalesce(${column}, false)`
  if (type === 'DATE') return `coalesce(${column}, DATE '2000-01-01') + 1`
  return `(coalesce(${column}, 0) + 1)::${type}`
}
