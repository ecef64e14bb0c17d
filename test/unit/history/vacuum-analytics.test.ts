import { randomUUID } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import type { Config } from '../../../src/config/schema.js'
import { type VacuumResult, vacuum } from '../../../src/history/vacuum.js'
import { type CommitOutcome, commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import type { DataFile } from '../../../src/iceberg/data-file.js'
import type { TableCatalog } from '../../../src/iceberg/table-catalog.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import type { ObjectStore } from '../../../src/lake/object-store.js'
import { openMetadata } from '../../../src/lake/stores.js'
import { PyIceberg } from '../iceberg/pyiceberg.js'
import { row, run, tableIn, writeRows } from '../iceberg/small-table.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const DAY_MS = 24 * 60 * 60 * 1000
/** Long after everything that the tests write. */
const LATER_MS = Date.now() + 10 * DAY_MS

/** Ids of runs. */
const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(16)) as [string, string, string]

interface Place {
  readonly config: Config
  readonly metadata: ObjectStore
  readonly table: IcebergTable
}

function place(keepSnapshots = 10): Place {
  const folder = lakeFolder()
  const { config: builtIn } = loadConfig({ env: {} })
  const uri = join(folder, 'rates')
  const config: Config = {
    ...builtIn,
    output: {
      ...builtIn.output,
      uri: join(folder, 'table'),
      metadata_uri: join(folder, 'etl3'),
      analytics: { ...builtIn.output.analytics, enabled: true, uri, keep_snapshots: keepSnapshots },
    },
    processing: { ...builtIn.processing, scratch: join(folder, 'scratch') },
  }
  return { config, metadata: openMetadata(config), table: tableIn(new FolderStore(uri)) }
}

async function clean({ config }: Place, more: { delete?: boolean; now?: number } = {}): Promise<VacuumResult> {
  return await vacuum({ config, delete: true, olderThanHours: 24, signal: GO_ON, now: LATER_MS, ...more })
}

/** Stores a file of a run that has one row. */
async function fileOf({ table }: Place, runId: string, ordinal = 0): Promise<DataFile> {
  return await writeRows(table, `${runId}/${ordinal}`, [row({ payer: 'acme', month: '01', text: runId })])
}

async function commit({ table }: Place, n: number, files: readonly DataFile[]): Promise<CommitOutcome> {
  return await commitTable(table, run(n, files), GO_ON)
}

async function dataOf({ table }: Place): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of table.store.list('data', GO_ON)) keys.push(key)
  return keys.toSorted()
}

async function metadataOf({ table }: Place): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of table.store.list('metadata', GO_ON)) keys.push(key)
  return keys.toSorted()
}

/** The record of a run that did not come to its end. @param replaces the run that the table showed when it began */
async function unfinished({ metadata, config }: Place, id: string, startedMs: number, replaces: string | null) {
  const record = {
    formatVersion: 1,
    runId: id,
    work: id,
    replaces,
    engine: 'x',
    startedAt: new Date(startedMs).toISOString(),
    config,
    inputs: [],
  }
  await metadata.put(`runs/${id}/run.json`, Buffer.from(JSON.stringify(record)), GO_ON)
}

/** Makes a run the one that the table shows. */
async function published(at: Place, id: string, snapshotId: string): Promise<void> {
  const counts = { total: 0, added: 0, replaced: 0, kept: 0, removed: 0 }
  const texts = { outputUri: '', table: '', catalogUri: '', reportUri: '', receiptUri: '', workflowId: '' }
  const numbers = { facts: 0, quarantined: 0, rows: 0, bytes: 0, peakMemoryMb: 0, memoryLimitMb: 0, warnings: 0 }
  const result = {
    formatVersion: 1,
    runId: id,
    status: 'published',
    partitions: counts,
    seconds: {},
    ...texts,
    ...numbers,
  }
  const current = {
    formatVersion: 1,
    runId: id,
    work: id,
    manifest: '',
    publishedAt: '',
    lockNumber: 1,
    published: result,
  }
  await at.metadata.put('current.json', Buffer.from(JSON.stringify(current)), GO_ON)
  const committed = {
    formatVersion: 1,
    uri: at.table.store.uri,
    snapshotId,
    timestampMs: 1,
    metadataFile: '',
    rows: 0,
    bytes: 0,
    added: 0,
    removed: 0,
    files: [],
  }
  await at.metadata.put(`runs/${id}/analytics.json`, Buffer.from(JSON.stringify(committed)), GO_ON)
}

describe('a vacuum of the analytics table', () => {
  it('names what is too young where it finds nothing else, and leaves it alone', async () => {
    const at = place()
    await commit(at, 1, [await fileOf(at, A)])
    await fileOf(at, B)
    const before = await dataOf(at)
    for (const deletes of [false, true]) {
      const { items, tooYoung } = await clean(at, { delete: deletes, now: Date.now() + 1_000 })
      expect(items).toEqual([])
      expect(tooYoung).toEqual([expect.objectContaining({ reason: 'unused data', objects: 1 })])
    }
    expect(await dataOf(at)).toEqual(before)
    expect((await clean(at)).tooYoung).toEqual([])
  })

  it('lets old snapshots go with what only they name, and shows that before', async () => {
    const at = place(1)
    await commit(at, 1, [await fileOf(at, A)])
    await commit(at, 2, [await fileOf(at, B)])
    const shown = await clean(at, { delete: false })
    expect(shown.items).toMatchObject([{ reason: 'old snapshots', what: `1 of ${at.table.store.uri}` }])
    expect(await dataOf(at)).toEqual([`data/${A}/0.parquet`, `data/${B}/0.parquet`])
    expect(await clean(at)).toEqual({ ...shown, deleted: true })
    expect(await dataOf(at)).toEqual([`data/${B}/0.parquet`])
    expect((await new PyIceberg(at.table.store.uri).rows()).rows.map(({ text }) => text)).toEqual([B])
    expect((await clean(at)).items).toEqual([])
  })

  it('keeps the snapshot of the run that the partitions show, also where a newer one was committed', async () => {
    const at = place(1)
    const first = await commit(at, 1, [await fileOf(at, A)])
    await published(at, A, first.snapshotId)
    await commit(at, 2, [await fileOf(at, B)])
    await clean(at)
    expect(await dataOf(at)).toEqual([`data/${A}/0.parquet`, `data/${B}/0.parquet`])
    expect((await new PyIceberg(at.table.store.uri).rows(null, first.snapshotId)).rows).toHaveLength(1)
  })

  it('takes data that no snapshot names, once it is old and nobody can go on with its run', async () => {
    const at = place()
    const first = await commit(at, 1, [await fileOf(at, A)])
    await published(at, A, first.snapshotId)
    await fileOf(at, A, 1)
    await fileOf(at, B)
    await fileOf(at, C)
    // This one began late enough to be taken up; the other one replaces a state that is gone.
    await unfinished(at, B, LATER_MS, A)
    await unfinished(at, C, LATER_MS, null)
    expect((await clean(at, { now: Date.now() })).items).toEqual([])
    expect(await dataOf(at)).toHaveLength(4)
    const { items } = await clean(at)
    expect(
      items.map(({ reason, what, objects }) => `${reason} ${what.slice(-A.length)} ${objects}`).toSorted(),
    ).toEqual([`unused data ${A} 1`, `unused data ${C} 1`])
    expect(await dataOf(at)).toEqual([`data/${A}/0.parquet`, `data/${B}/0.parquet`])
  })

  it('takes the metadata of the place where a table lay before, once it is old, and nothing that is named now', async () => {
    const old = place()
    await commit(old, 1, [await fileOf(old, A)])
    await commit(old, 2, [await fileOf(old, A), await fileOf(old, B)])
    const at = place()
    cpSync(old.table.store.uri, at.table.store.uri, { recursive: true })
    const before = await metadataOf(at)
    await commit(at, 3, [await fileOf(at, C)])
    await commit(at, 4, [await fileOf(at, C), await fileOf(at, C, 1)])
    expect((await clean(at, { now: Date.now() })).items).toEqual([])

    const { items } = await clean(at)
    expect(items.map(({ reason, what, objects }) => [reason, what, objects])).toContainEqual([
      'unused metadata',
      at.table.store.locate('metadata'),
      before.length - 1,
    ])
    const left = await metadataOf(at)
    expect(left.filter((key) => before.includes(key))).toEqual(['metadata/version-hint.text'])
    expect(left).toEqual(expect.arrayContaining(['metadata/v3.metadata.json', 'metadata/v4.metadata.json']))
    const reader = new PyIceberg(at.table.store.uri)
    const { snapshots } = await reader.describe()
    expect(snapshots).toHaveLength(2)
    for (const [i, [id]] of snapshots.entries()) expect((await reader.rows(null, String(id))).rows).toHaveLength(i + 1)
    expect((await clean(at)).items).toEqual([])
    expect((await commit(at, 5, [await fileOf(at, C)])).outcome).toBe('committed')
  })

  it('takes the metadata of a first commit that was killed, and none whose name another writer could give', async () => {
    const at = place()
    const { store, catalog } = at.table
    const killed: TableCatalog = {
      name: catalog.name,
      findsByPlace: true,
      load: async (signal) => await catalog.load(signal),
      refresh: async (signal) => await catalog.refresh(signal),
      replace: async () => await Promise.reject(new Error('killed')),
    }
    await expect(commitTable({ store, catalog: killed }, run(1, [await fileOf(at, A)]), GO_ON)).rejects.toThrow(
      'killed',
    )
    const left = await metadataOf(at)
    expect(left).toHaveLength(2)
    await commit(at, 2, [await fileOf(at, B)])
    const random = randomUUID()
    const foreign = [
      `${random}-m0.avro`,
      `snap-17-1-${random}.avro`,
      'v1.metadata.json.bak',
      'notes.avro',
      'stats.puffin',
    ]
    for (const name of foreign) await store.put(`metadata/${name}`, Buffer.from('x'), GO_ON)

    const { items } = await clean(at)
    expect(items.find(({ reason }) => reason === 'unused metadata')?.objects).toBe(left.length)
    const now = await metadataOf(at)
    expect(now.filter((key) => left.includes(key))).toEqual([])
    expect(now).toEqual(expect.arrayContaining(foreign.map((name) => `metadata/${name}`)))
  })

  it('stops where another catalog has committed: its metadata may name what is to go', async () => {
    const at = place(1)
    await commit(at, 1, [await fileOf(at, A)])
    await commit(at, 2, [await fileOf(at, B)])
    await new PyIceberg(at.table.store.uri).write({ write: 'append' })
    const before = await metadataOf(at)
    await expect(clean(at)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    expect(await metadataOf(at)).toEqual(before)
  })

  it('takes the data of a failed run with its records', async () => {
    const at = place()
    await fileOf(at, B)
    await unfinished(at, B, Date.now(), null)
    const { items } = await clean(at)
    expect(items.map(({ reason }) => reason)).toEqual(['failed run', 'unused data'])
    expect(await dataOf(at)).toEqual([])
  })

  it('touches nothing where the table is gone and its metadata is not: somebody may register it again', async () => {
    const at = place()
    await commit(at, 1, [await fileOf(at, A)])
    const metadata = await at.table.store.get('metadata/v1.metadata.json', GO_ON)
    // As in Glue, whose names of metadata files do not say which one is the current one.
    await at.table.store.put('metadata/00000-x.metadata.json', metadata, GO_ON)
    await at.table.store.delete(['metadata/v1.metadata.json'], GO_ON)
    expect((await clean(at)).items).toEqual([])
  })

  it('touches nothing that is not named as ETL3 names its data', async () => {
    const at = place()
    const theirs = [
      `data/${B}/notes.txt`,
      `data/${B}/0.parquet.bak`,
      'data/payer=acme/0.parquet',
      'data/0.parquet',
      'notes/0.parquet',
    ]
    for (const key of theirs) await at.table.store.put(key, Buffer.from('x'), GO_ON)
    expect((await clean(at)).items).toEqual([])
  })

  it('changes nothing where somebody else has committed', async () => {
    const at = place(1)
    await commit(at, 1, [await fileOf(at, A)])
    const [newest] = [await commit(at, 2, [await fileOf(at, B)])]
    await fileOf(at, C)
    const metadata = await at.table.store.get('metadata/v2.metadata.json', GO_ON)
    const theirs = Buffer.from(Buffer.from(metadata).toString('utf8').replaceAll('etl3.run-id', 'other.run-id'))
    await at.table.store.put('metadata/v3.metadata.json', theirs, GO_ON)
    await expect(clean(at)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    expect(newest.outcome).toBe('committed')
    expect(await dataOf(at)).toHaveLength(3)
  })

  it('leaves alone what a configuration without it has beside the table', async () => {
    const at = place(1)
    await fileOf(at, A)
    const { output } = at.config
    const without = { ...at.config, output: { ...output, analytics: { ...output.analytics, enabled: false } } }
    expect((await clean({ ...at, config: without })).items).toEqual([])
  })
})
