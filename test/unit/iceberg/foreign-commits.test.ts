import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toldSetAside } from '../../../src/analytics/told-set-aside.js'
import { commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import type { DataFile } from '../../../src/iceberg/data-file.js'
import { expireSnapshots } from '../../../src/iceberg/expire-snapshots.js'
import { openSnapshot } from '../../../src/iceberg/open-snapshot.js'
import { readSnapshotFiles } from '../../../src/iceberg/table-files.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'
import { installIceberg, runProgram } from './duckdb-iceberg.js'
import { type Change, PyIceberg } from './pyiceberg.js'
import { folderTable, row, run, START_MS, tableIn, writeRows } from './small-table.js'

async function twoFiles(table: IcebergTable): Promise<readonly [DataFile, DataFile]> {
  return [
    await writeRows(table, 'one', [
      row({ payer: 'acme', month: '01', text: 'a' }),
      row({ payer: 'acme', month: '01', text: 'b' }),
    ]),
    await writeRows(table, 'two', [row({ payer: 'acme', month: '02', text: 'c' })]),
  ]
}

/** Has pyiceberg change the table, and puts what it wrote where the next version belongs, as Spark's Hadoop tables do. */
async function changedInPlace(table: IcebergTable, change: Change, version: number): Promise<void> {
  const written = await new PyIceberg(table.store.uri).write(change)
  copyFileSync(written, join(table.store.uri, 'metadata', `v${version}.metadata.json`))
  await table.store.delete([`metadata/${basename(written)}`], GO_ON)
  await table.catalog.refresh(GO_ON)
}

const CHANGES: readonly (readonly [string, Change])[] = [
  ['appends rows', { write: 'append' }],
  ['deletes a partition', { write: 'delete', where: ['EqualTo', 'month', '02'] }],
  ['deletes a row, which rewrites a file', { write: 'delete', where: ['EqualTo', 'text', 'a'] }],
  ['renames a column', { write: 'rename', column: 'text' }],
]

describe('somebody else', () => {
  it.each(CHANGES)('%s: the next run stops, and says so', async (_, change) => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one, two]), GO_ON)
    await changedInPlace(table, change, 2)

    await expect(commitTable(table, run(2, [one, two]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    await expect(commitTable(table, run(3, [one]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
  })

  it.each(CHANGES)('%s: a run that sets it aside takes the table back', async (_, change) => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one, two]), GO_ON)
    await changedInPlace(table, change, 2)

    const back = await commitTable(table, run(2, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    expect(back).toMatchObject({ outcome: 'committed', runId: 'run-2', change: { total: { files: 2, rows: 3 } } })
    const reader = new PyIceberg(table.store.uri)
    expect((await reader.rows()).rows).toHaveLength(3)
    expect((await reader.rows(['EqualTo', 'text', 'a'])).rows).toHaveLength(1)
    expect(await commitTable(table, run(3, [one, two]), GO_ON)).toMatchObject({ outcome: 'unchanged' })
  })

  it('is set aside in words that stay: its snapshots by id, operation and instant, also to a commit that is repeated', async () => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one, two]), GO_ON)
    await changedInPlace(table, { write: 'append' }, 2)
    await changedInPlace(table, { write: 'delete', where: ['EqualTo', 'month', '02'] }, 3)
    await changedInPlace(table, { write: 'rename', column: 'text' }, 4)
    const { metadata } = (await table.catalog.load(GO_ON)) ?? {}
    const due = (metadata?.snapshots ?? [])
      .slice(1)
      .map((snapshot) => [String(snapshot['snapshot-id']), snapshot.summary['operation'], snapshot['timestamp-ms']])

    const back = await commitTable(table, run(2, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    expect(due.length).toBeGreaterThan(1)
    const told = back.setAside.filter(({ kind }) => kind === 'snapshot')
    expect(told.map((change) => [change.snapshotId, change.operation, change.timestampMs])).toEqual(due.toReversed())
    for (const { what, snapshotId = '?', timestampMs = 0 } of told) {
      expect(what).toContain(snapshotId)
      expect(what).toContain(new Date(timestampMs).toISOString())
    }
    expect(back.setAside.at(-1)).toMatchObject({ kind: 'columns', what: expect.stringContaining('column') })
    expect((await commitTable(table, run(2, [one, two]), GO_ON)).setAside).toEqual(back.setAside)
    expect((await commitTable(table, run(3, [one, two]), GO_ON)).setAside).toEqual([])
    expect((await commitTable(table, run(4, [one]), GO_ON)).setAside).toEqual([])
  })

  it('is told with the statement that reads what was set aside, which DuckDB runs as it is printed', async () => {
    const store = new FolderStore(join(lakeFolder(), "o'hare", 'analytics'))
    const table = tableIn(store)
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one, two]), GO_ON)
    await changedInPlace(table, { write: 'delete', where: ['EqualTo', 'month', '02'] }, 2)
    const { setAside } = await commitTable(table, run(2, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    const [told] = toldSetAside(setAside, { table: 'rates', uri: store.uri, inGlue: false })
    const printed = /FROM iceberg_scan\(.*?\) in DuckDB/.exec(told?.wayBack ?? '')?.[0].replace(/ in DuckDB$/, '')

    const home = lakeFolder()
    installIceberg({ home })
    const ask = (from: string): unknown =>
      JSON.parse(runProgram('duckdb', ['-json', '-c', `LOAD iceberg; SELECT text ${from} ORDER BY text`], { home }))
    expect(ask(printed ?? '')).toEqual([{ text: 'a' }, { text: 'b' }])
    expect(ask(`FROM iceberg_scan('${store.uri.replaceAll("'", "''")}')`)).toHaveLength(3)
  })

  it('can be brought back for as long as the snapshot that set it aside is kept, and goes with it', async () => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one, two]), GO_ON)
    await changedInPlace(table, { write: 'delete', where: ['EqualTo', 'text', 'a'] }, 2)
    const { setAside } = await commitTable(table, run(2, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    await commitTable(table, run(3, [one]), GO_ON)

    const ids = setAside.map(({ snapshotId = '' }) => snapshotId)
    const expire = async (keepSnapshots: number): Promise<readonly string[]> =>
      (await expireSnapshots(table, { keepSnapshots, graceMs: 0, nowMs: START_MS * 2 }, 'delete', GO_ON)).snapshots
    expect(ids).not.toEqual([])
    expect(await expire(2)).not.toEqual(expect.arrayContaining(ids))
    const theirs = (await table.catalog.load(GO_ON))?.metadata.snapshots.find((it) =>
      ids.includes(String(it['snapshot-id'])),
    )
    expect(await readSnapshotFiles(table.store, theirs!, 'all', GO_ON)).not.toContain(one.path)
    expect(await expire(1)).toEqual(expect.arrayContaining(ids))
  })

  it('has committed through another catalog: its metadata file is seen, and can be set aside', async () => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    const theirs = await new PyIceberg(table.store.uri).write({ write: 'append' })

    await expect(commitTable(table, run(2, [one, two]), GO_ON)).rejects.toThrow(basename(theirs))
    const { setAside } = await commitTable(table, run(3, [one, two]), GO_ON, { foreignCommits: 'setAside' })
    expect(setAside).toMatchObject([{ kind: 'catalog', file: basename(theirs), operation: 'append' }])
    expect(setAside[0]?.what).toContain(basename(theirs))
    expect(await commitTable(table, run(4, [one]), GO_ON)).toMatchObject({
      outcome: 'committed',
      change: { total: { files: 1 } },
    })
  })

  it('rolls the table back to a snapshot of ours: the next run goes on from there', async () => {
    const table = folderTable()
    const [one, two] = await twoFiles(table)
    const first = await commitTable(table, run(1, [one]), GO_ON)
    await commitTable(table, run(2, [one, two]), GO_ON)
    await changedInPlace(table, { write: 'rollback', snapshot: Number(first.snapshotId) }, 3)
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['one.parquet'])

    expect(await commitTable(table, run(3, [one, two]), GO_ON)).toMatchObject({ change: { added: { files: 1 } } })
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['one.parquet', 'two.parquet'])
  })

  it('has made the current snapshot: it is neither read as ours nor expired from', async () => {
    const table = folderTable()
    const [one] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    await changedInPlace(table, { write: 'append' }, 2)
    await expect(openSnapshot(table, 'now', GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    expect(await openSnapshot(table, { runId: 'run-1' }, GO_ON)).toMatchObject({ files: [{ path: one.path }] })
    const rule = { keepSnapshots: 1, graceMs: 0, nowMs: START_MS * 2 }
    await expect(expireSnapshots(table, rule, 'delete', GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
  })

  it('has a table of its own in that place: it is left alone', async () => {
    const table = folderTable()
    const [one] = await twoFiles(table)
    await commitTable(table, run(1, [one]), GO_ON)
    const metadata = Buffer.from(await table.store.get('metadata/v1.metadata.json', GO_ON)).toString('utf8')
    await table.store.put('metadata/v2.metadata.json', Buffer.from(metadata.replaceAll('etl3.', 'other.')), GO_ON)
    await expect(commitTable(table, run(2, [one]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-01' })
  })
})
