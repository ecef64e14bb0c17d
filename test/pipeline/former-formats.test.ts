/** Runs over what an earlier version of ETL3 left: plans and manifests of the first format, which have no version. */
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readTree } from '../check-star/tree.js'
import { text } from '../oracle/sql.js'
import { NPI_B } from '../stars/good-star.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { withTable, writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'

/** Columns that version 1 of a plan had besides. */
const OF_FIRST_PLAN = ', NULL::BIGINT AS observed_bytes, NULL::BIGINT AS published_bytes'

let root: string
let lake: Lake
let firstRun: string
/** Where a run of today publishes the changed star over the table of today. */
let expected: ReturnType<typeof readTree>

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-former-formats-'))
  const star = severalFilesStar(Array.from({ length: 24 }, (_, i) => variedFact(i)))
  await writeStar(join(root, 'star'), star)
  const changed = withTable(star, 'xrefs/xref_pg_member_npi', ({ columns, rows }) => ({
    columns,
    rows: [...rows.slice(0, -1), { pg_uid: 'g2', npi: NPI_B }],
  }))
  await writeStar(join(root, 'changed'), changed)
  lake = new Lake(join(root, 'lake'))
  lake.configure({ star: join(root, 'star') })
  firstRun = (await lake.run()).runId
  lake.configure({ star: join(root, 'changed') })
  lake.keep()
  expect((await lake.run('second')).status).toBe('published')
  expected = readTree(lake.table)
})
beforeEach(() => lake.putBack())
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Writes a file as the first version did: without metadata, with the partition columns between the others. */
async function asFirstVersion(runId: string, name: string, more = ''): Promise<void> {
  const file = lake.recordPath(runId, name)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`COPY (SELECT key, * EXCLUDE (key) ${more} FROM read_parquet(${text(file)}, hive_partitioning = false))
    TO ${text(`${file}.first`)} (FORMAT parquet)`)
  const versions = await connection.runAndReadAll(
    `SELECT count(*) FROM parquet_kv_metadata(${text(`${file}.first`)}) WHERE decode(key) LIKE 'etl3%'`,
  )
  expect(Number(versions.getRows()[0]?.[0])).toBe(0)
  connection.closeSync()
  instance.closeSync()
  renameSync(`${file}.first`, file)
}

describe('over a manifest of the first format', () => {
  it('a run keeps what did not change, and publishes what a run over one of today publishes', async () => {
    await asFirstVersion(firstRun, 'manifest.parquet')
    const { status, partitions } = await lake.run('second')
    expect(status).toBe('published')
    expect(partitions.kept).toBeGreaterThan(0)
    expect(partitions.replaced + partitions.added).toBeGreaterThan(0)
    expect(readTree(lake.table)).toEqual(expected)
  })

  it('a run that finds nothing to do says so', async () => {
    await asFirstVersion(firstRun, 'manifest.parquet')
    lake.configure({ star: join(root, 'star') })
    expect((await lake.run('second')).status).toBe('unchanged')
  })
})

describe('a run that an earlier version planned', () => {
  it('is resumed by its plan, and publishes the same', async () => {
    const begun = await lake.open('second')
    await begun.until('checkQuality')
    await asFirstVersion(begun.run.runId, 'plan.parquet', OF_FIRST_PLAN)
    const resumed = await lake.open('second')
    expect(resumed.run.runId).toBe(begun.run.runId)
    expect((await resumed.toEnd()).status).toBe('published')
    expect(readTree(lake.table)).toEqual(expected)
  })
})
