/** An Iceberg table in Glue and on S3: as pyiceberg's own Glue catalog reads and writes it, and over lost answers. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { commitTable, type IcebergTable } from '../../src/iceberg/commit-table.js'
import type { DataFile } from '../../src/iceberg/data-file.js'
import { expireSnapshots } from '../../src/iceberg/expire-snapshots.js'
import { GlueTableCatalog } from '../../src/iceberg/glue-table-catalog.js'
import { GlueTables } from '../../src/lake/glue/tables.js'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { type Change, PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { row, run, START_MS, tableIn, writeRows } from '../unit/iceberg/small-table.js'
import { GO_ON } from '../unit/lake/folder/lake-folder.js'
import { awsServers, REGION } from './glue-place.js'
import { awsError } from './json-front.js'
import { makeBucket, settingsFor } from './support/servers.js'

const TABLE = 'fact_rate_enriched_iceberg'

const servers = awsServers()

interface GlueTable extends IcebergTable {
  readonly glue: GlueTables
  /** The same table in another process. */
  readonly again: () => IcebergTable
  readonly reader: PyIceberg
}

async function glueTable(): Promise<GlueTable> {
  const endpoint = servers.front.target
  const bucket = await makeBucket(endpoint)
  const database = `lake_${randomBytes(6).toString('hex')}`
  const glue = new GlueTables(database, REGION)
  const open = (): IcebergTable => {
    const store = new S3ObjectStore(`s3://${bucket}/analytics`, settingsFor(endpoint))
    return { store, catalog: new GlueTableCatalog({ glue, table: TABLE, store }) }
  }
  onTestFinished(() => {
    servers.front.faults = []
  })
  return {
    ...open(),
    glue,
    again: open,
    reader: new PyIceberg(`${database}.${TABLE}`, {
      glue: true,
      properties: {
        'glue.endpoint': servers.front.url,
        'glue.region': REGION,
        'glue.access-key-id': 'testing',
        'glue.secret-access-key': 'testing',
        's3.endpoint': endpoint,
        's3.region': REGION,
        's3.access-key-id': 'testing',
        's3.secret-access-key': 'testing',
      },
    }),
  }
}

async function twoFiles(table: IcebergTable): Promise<readonly [DataFile, DataFile]> {
  return [
    await writeRows(table, 'one', [row({ payer: 'acme', month: '01', text: 'a' })]),
    await writeRows(table, 'two', [row({ payer: null, month: '02', text: 'b', amount: 2, tags: ['x', null] })]),
  ]
}

describe('an Iceberg table in Glue', () => {
  it('is read by pyiceberg, with its partitions and its earlier snapshots', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    const first = await commitTable(table, run(1, [one]), GO_ON)
    const second = await commitTable(table, run(2, [one, two]), GO_ON)

    expect((await table.reader.rows()).files).toEqual(['one.parquet', 'two.parquet'])
    expect((await table.reader.rows(['IsNull', 'payer'])).files).toEqual(['two.parquet'])
    expect((await table.reader.rows(null, first.snapshotId)).files).toEqual(['one.parquet'])
    const found = await table.glue.find(TABLE, GO_ON)
    expect(found?.Parameters).toMatchObject({
      table_type: 'ICEBERG',
      metadata_location: second.metadataFile,
      previous_metadata_location: first.metadataFile,
    })
    expect(found?.StorageDescriptor?.Columns?.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual([
      'payer string',
      'month string',
      'text string',
      'amount double',
      'count int',
      'day date',
      'flag boolean',
      'tags array<string>',
    ])
  })

  it.each<readonly [string, Change]>([
    ['appends', { write: 'append' }],
    ['deletes a row', { write: 'delete', where: ['EqualTo', 'text', 'a'] }],
    ['renames a column', { write: 'rename', column: 'text' }],
  ])('is written by pyiceberg (it %s), which the next run notices and can set aside', async (_, change) => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    await table.reader.write(change)
    await expect(commitTable(table, run(2, [one, two]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    await commitTable(table, run(3, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    expect((await table.reader.rows(['EqualTo', 'text', 'a'])).files).toEqual(['one.parquet'])
    expect((await table.reader.rows()).rows).toHaveLength(2)
  })

  it('keeps what others have set on it', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    const found = await table.glue.find(TABLE, GO_ON)
    const { StorageDescriptor, TableType, Parameters } = found ?? {}
    const theirs = {
      Name: TABLE,
      Owner: 'somebody',
      StorageDescriptor,
      TableType,
      Parameters: { ...Parameters, mine: 'yes' },
    }
    expect(found && (await table.glue.update(theirs, found, GO_ON))).toBe(true)
    await commitTable(table, run(2, [one, two]), GO_ON)
    const now = await table.glue.find(TABLE, GO_ON)
    expect([now?.Owner, now?.Parameters?.['mine']]).toEqual(['somebody', 'yes'])
  })

  it('is committed to once, whichever answer is lost', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    const lost = new Set(['CreateTable', 'UpdateTable'])
    servers.front.faults = [
      async (call, next) => {
        const answer = await next(call)
        return lost.delete(call.operation) ? awsError('InternalServiceException', 'lost', 500) : answer
      },
    ]
    await commitTable(table, run(1, [one]), GO_ON)
    const second = await commitTable(table, run(2, [one, two]), GO_ON)
    expect(lost.size).toBe(0)
    const said = await table.reader.describe()
    expect(said.snapshots.map(([, , summary]) => summary['etl3.run-id'])).toEqual(['run-1', 'run-2'])
    expect(await commitTable(table.again(), run(2, [one, two]), GO_ON)).toEqual(second)
  })

  it('is committed to once by two attempts at the same time, and not by an older run', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    const outcomes = await Promise.all([1, 2, 3].map(() => commitTable(table.again(), run(3, [one, two]), GO_ON)))
    expect(new Set(outcomes.map(({ snapshotId }) => snapshotId)).size).toBe(1)
    expect((await table.reader.describe()).snapshots).toHaveLength(2)
    await expect(commitTable(table, run(2, [one]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-03' })
  })

  it('is not taken from somebody else who commits at the last moment', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    let theirs: Promise<unknown> | undefined
    servers.front.faults = [
      async (call, next) => {
        if (call.operation === 'UpdateTable' && !theirs) {
          theirs = Promise.resolve()
          theirs = table.reader.write({ write: 'append' })
          await theirs
        }
        return await next(call)
      },
    ]
    await expect(commitTable(table, run(2, [one, two]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
  })

  it('is left alone where the name is that of another table', async () => {
    const table = await glueTable()
    const [one] = await twoFiles(table)
    await table.glue.ensureDatabase('', GO_ON)
    await table.glue.create({ Name: TABLE, TableType: 'EXTERNAL_TABLE', Parameters: { EXTERNAL: 'TRUE' } }, [], GO_ON)
    await expect(commitTable(table, run(1, [one]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-01' })
  })

  it('expires snapshots with their files', async () => {
    const table = await glueTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    await commitTable(table, run(2, [two]), GO_ON)
    await expireSnapshots(table, { keepSnapshots: 1, graceMs: 0, nowMs: START_MS * 2 }, 'delete', GO_ON)
    expect((await table.reader.rows()).files).toEqual(['two.parquet'])
    const data: string[] = []
    for await (const { key } of table.store.list('data', GO_ON)) data.push(key)
    expect(data).toEqual(['data/two.parquet'])
  })
})

describe('an Iceberg table on S3 without a catalog', () => {
  it('is committed to by the names of its files', async () => {
    const { store } = await glueTable()
    const table = tableIn(store)
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    const outcomes = await Promise.all([1, 2].map(() => commitTable(tableIn(store), run(2, [one, two]), GO_ON)))
    expect(outcomes.map(({ change }) => change.total.files)).toEqual([2, 2])
    expect(outcomes[0]?.metadataFile).toMatch(/^s3:.*\/metadata\/v2\.metadata\.json$/)
  })
})
