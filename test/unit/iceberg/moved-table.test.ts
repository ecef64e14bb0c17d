import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import { expireSnapshots } from '../../../src/iceberg/expire-snapshots.js'
import { unnamedFiles } from '../../../src/iceberg/unnamed-files.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'
import { PyIceberg } from './pyiceberg.js'
import { folderTable, row, run, START_MS, tableIn, writeRows } from './small-table.js'

/** A table of two snapshots that was moved to another folder, with all of its files. */
async function movedTable(): Promise<IcebergTable> {
  const old = folderTable()
  const one = await writeRows(old, 'one', [row({ payer: 'acme', month: '01', text: 'a' })])
  const two = await writeRows(old, 'two', [row({ payer: 'acme', month: '02', text: 'b' })])
  await commitTable(old, run(1, [one]), GO_ON)
  await commitTable(old, run(2, [one, two]), GO_ON)
  const place = join(lakeFolder(), 'elsewhere')
  cpSync(old.store.uri, place, { recursive: true })
  rmSync(old.store.uri, { recursive: true })
  return tableIn(new FolderStore(place))
}

describe('a table that was moved to another folder', () => {
  it('says what it set aside of others there, which cannot be read from here', async () => {
    const table = await movedTable()
    const file = await writeRows(table, 'three', [row({ payer: 'acme', month: '03', text: 'c' })])
    const committed = await commitTable(table, { ...run(1, [file]) }, GO_ON, { foreignCommits: 'setAside' })
    expect(committed.setAside).toEqual([{ kind: 'moved', what: expect.stringContaining('run run-2') }])
  })

  it('begins anew with the files of the next run, for every reader', async () => {
    const table = await movedTable()
    const file = await writeRows(table, 'three', [row({ payer: 'acme', month: '03', text: 'c' })])
    const committed = await commitTable(table, run(3, [file]), GO_ON)
    expect(committed).toMatchObject({ outcome: 'committed', change: { added: { files: 1 }, removed: { files: 0 } } })
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['three.parquet'])
    const { metadata, version } = (await table.catalog.load(GO_ON)) ?? {}
    expect(version).toBe(3)
    expect(metadata?.location).toBe(table.store.uri)
    expect(metadata?.snapshots).toHaveLength(1)
    expect(JSON.stringify(metadata, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
      'analytics',
    )
  })

  it('goes on from there: the next commit finds its snapshot, and nothing names the old files', async () => {
    const table = await movedTable()
    const three = await writeRows(table, 'three', [row({ payer: 'acme', month: '03', text: 'c' })])
    const four = await writeRows(table, 'four', [row({ payer: 'acme', month: '04', text: 'd' })])
    await commitTable(table, run(3, [three]), GO_ON)
    await commitTable(table, run(3, [three]), GO_ON)
    const next = await commitTable(table, run(4, [three, four]), GO_ON)
    expect(next.change).toMatchObject({ added: { files: 1 }, total: { files: 2 } })
    const rule = { keepSnapshots: 1, graceMs: 0, nowMs: START_MS * 2 }
    expect((await expireSnapshots(table, rule, 'delete', GO_ON)).snapshots).toHaveLength(1)
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['four.parquet', 'three.parquet'])
    const unnamed: string[] = []
    for await (const { key } of unnamedFiles(table, 'data', GO_ON)) unnamed.push(key)
    expect(unnamed.toSorted()).toEqual(['data/one.parquet', 'data/two.parquet'])
  })

  it('loses nothing to a vacuum before that', async () => {
    const table = await movedTable()
    const found = async (): Promise<number> => {
      let files = 0
      for await (const _ of unnamedFiles(table, 'data', GO_ON)) files++
      return files
    }
    await expect(found()).rejects.toMatchObject({ code: 'ETL3-IC-04' })
  })
})
