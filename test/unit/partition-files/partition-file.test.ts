import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withEngine } from '../../../src/engine/engine.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { MANIFEST_FORMAT, manifestRelation } from '../../../src/partition-files/manifest-file.js'
import { joinPartitionFile, partitionSelectList } from '../../../src/partition-files/partition-file.js'
import { PLAN_FORMAT, plannedPartitions, planRelation } from '../../../src/partition-files/plan-file.js'
import { fetchManifest } from '../../../src/records/manifest.js'
import { fetchPlan } from '../../../src/records/plan.js'
import { RunRecords } from '../../../src/records/records.js'
import { text } from '../../oracle/sql.js'
import { GO_ON } from '../lake/folder/lake-folder.js'

let root: string
let records: RunRecords

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-partition-files-'))
  records = new RunRecords(new FolderStore(root), 'r1')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Rows of a query, by the engine's own package: what is written is not judged by who wrote it. */
async function rowsOf(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRows()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Stores a file of one column that says of which version it is; one of the first says nothing. */
async function stored(name: string, version: string | undefined): Promise<string> {
  const local = join(root, 'local.parquet')
  const metadata = version === undefined ? '' : `, KV_METADATA {"etl3.formatVersion": ${text(version)}}`
  await rowsOf(`COPY (SELECT 'a' AS key) TO ${text(local)} (FORMAT parquet ${metadata})`)
  await records.putFile(name, local, GO_ON)
  return records.key(name)
}

const FETCHES = [
  ['plan.parquet', async (): Promise<string> => await fetchPlan({ records, scratch: root }, GO_ON)],
  [
    'manifest.parquet',
    async (): Promise<string> => await fetchManifest(records.store, records.key('manifest.parquet'), root, GO_ON),
  ],
] as const

describe.each(FETCHES)('%s', (name, fetch) => {
  it.each([undefined, '1', '2'])('is read where its version is %s', async (version) => {
    await stored(name, version)
    expect(await rowsOf(`SELECT key FROM read_parquet(${text(await fetch())})`)).toEqual([['a']])
  })

  it.each(['3', '0', '2.5', 'two', ''])(
    'is refused where its version is %j, with the address and the way out',
    async (version) => {
      await stored(name, version)
      await expect(fetch()).rejects.toMatchObject({
        code: 'ETL3-RN-04',
        kind: 'ConflictError',
        hint: 'A newer ETL3 wrote it. Use that version or a newer one for this table.',
      })
      await expect(fetch()).rejects.toThrow(join(root, 'runs', 'r1', name))
    },
  )
})

describe('a file of partitions', () => {
  it('has the columns of its format in their types, whatever those of the expressions, then the partition columns, and its version', async () => {
    const piece = join(root, 'piece.parquet')
    const file = join(root, 'joined.parquet')
    const columns = {
      key: "'k'",
      rows: '1::TINYINT',
      facts: '1',
      bytes: '2::HUGEINT',
      sha256: 'NULL',
      fingerprint: "'f'",
      etag: "'e'",
      run_id: "'r'",
    }
    const select = `SELECT ${partitionSelectList(MANIFEST_FORMAT, columns, `'x' AS "sta""te"`)}`
    await rowsOf(`COPY (${select}) TO ${text(piece)} (FORMAT parquet)`)
    await withEngine({ memoryLimitMb: 64, threads: 1, scratch: root }, GO_ON, (engine) =>
      joinPartitionFile(engine, MANIFEST_FORMAT, [piece, piece], file),
    )
    expect(await rowsOf(`SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet(${text(file)}))`)).toEqual([
      ['key', 'VARCHAR'],
      ['rows', 'BIGINT'],
      ['facts', 'BIGINT'],
      ['bytes', 'BIGINT'],
      ['sha256', 'VARCHAR'],
      ['fingerprint', 'VARCHAR'],
      ['etag', 'VARCHAR'],
      ['run_id', 'VARCHAR'],
      ['sta"te', 'VARCHAR'],
    ])
    expect(
      await rowsOf(
        `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${text(file)}) WHERE decode(key) LIKE 'etl3%'`,
      ),
    ).toEqual([['etl3.formatVersion', '2']])
  })

  it('is, where there is none, a relation without rows in the same types', async () => {
    const relations = [
      manifestRelation([], { columns: ['rows', 'key'], partitionColumns: ['state'] }),
      planRelation([], { columns: ['rows', 'key'], partitionColumns: ['state'] }),
    ]
    for (const relation of relations) {
      expect(await rowsOf(`SELECT count(*)::INTEGER FROM ${relation}`)).toEqual([[0]])
      expect(await rowsOf(`SELECT column_name, column_type FROM (DESCRIBE FROM ${relation})`)).toEqual([
        ['rows', 'BIGINT'],
        ['key', 'VARCHAR'],
        ['state', 'VARCHAR'],
      ])
    }
  })

  it('is read together with others that have other partition columns, in the order of the files', async () => {
    const [one, two] = [join(root, 'one.parquet'), join(root, 'two.parquet')]
    await rowsOf(`COPY (SELECT 'x' AS state, 'b' AS key) TO ${text(one)} (FORMAT parquet)`)
    await rowsOf(`COPY (SELECT 'a' AS key) TO ${text(two)} (FORMAT parquet)`)
    expect(await rowsOf(`SELECT key FROM ${planRelation([one, two], { columns: ['key'] })}`)).toEqual([['b'], ['a']])
  })

  it('of a plan has, as planned partitions, all but those that are removed', async () => {
    const plan = join(root, 'some-plan.parquet')
    await rowsOf(`COPY (SELECT * FROM (VALUES ('a', 'add', 1), ('r', 'remove', 2), ('k', 'keep', 3)) t(key, action, rows))
      TO ${text(plan)} (FORMAT parquet)`)
    expect(await rowsOf(`SELECT key, rows FROM ${plannedPartitions(plan, { columns: ['key', 'rows'] })}`)).toEqual([
      ['a', 1],
      ['k', 3],
    ])
    expect(PLAN_FORMAT.name).toBe('plan.parquet')
  })
})
