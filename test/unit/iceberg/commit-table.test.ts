import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import type { DataFile } from '../../../src/iceberg/data-file.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { GO_ON } from '../lake/folder/lake-folder.js'
import type { Row } from '../parquet/partition.js'
import { exactRows } from '../parquet/readers.js'
import { PyIceberg } from './pyiceberg.js'
import { COLUMNS, folderTable, LAYOUT, row, run, START_MS, tableIn, writeRows } from './small-table.js'

const JANUARY = [
  row({ payer: 'acme', month: '01', text: 'ä', amount: -0, count: 3, day: 0, flag: true, tags: ['a', null] }),
  row({ payer: 'acme', month: '01', text: null, amount: Number.NaN, count: -3, day: 20_000, flag: false, tags: [] }),
]
const NAMELESS = [row({ payer: null, month: '01', text: '\u{1F600}'.repeat(20), amount: 1.5 })]
const FEBRUARY = [row({ payer: 'acme', month: '02', text: 'z', amount: Number.POSITIVE_INFINITY, count: 2 ** 31 - 1 })]

/** The metadata files of a table, by name. */
function metadataOf(table: IcebergTable): string[] {
  return readdirSync(join(table.store.uri, 'metadata')).toSorted()
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map((cells) => JSON.stringify(cells)).toSorted()
}

async function threeFiles(table: IcebergTable): Promise<readonly [DataFile, DataFile, DataFile]> {
  return [
    await writeRows(table, 'january', JANUARY),
    await writeRows(table, 'nameless', NAMELESS),
    await writeRows(table, 'february', FEBRUARY),
  ]
}

describe('a committed table, as pyiceberg reads it', () => {
  it('has the rows of its files, value for value, and reads only the files of a partition', async () => {
    const table = folderTable()
    await commitTable(table, run(1, await threeFiles(table)), GO_ON)

    const reader = new PyIceberg(table.store.uri)
    const all = await reader.rows()
    expect(sorted(all.rows)).toEqual(sorted(exactRows([...JANUARY, ...NAMELESS, ...FEBRUARY])))
    expect((await reader.rows(['EqualTo', 'month', '02'])).files).toEqual(['february.parquet'])
    expect((await reader.rows(['IsNull', 'payer'])).files).toEqual(['nameless.parquet'])
    expect((await reader.rows(['EqualTo', 'text', 'z'])).files).toEqual(['february.parquet'])
    expect((await reader.rows(['GreaterThan', 'count', 3])).files).toEqual(['february.parquet'])
  })

  it('says its partitions, its order, its totals and the run', async () => {
    const table = folderTable()
    const files = await threeFiles(table)
    const { snapshotId, change } = await commitTable(table, run(1, files), GO_ON)

    const said = await new PyIceberg(table.store.uri).describe()
    expect(said.current).toBe(Number(snapshotId))
    expect(said.identity).toEqual(LAYOUT.partitionColumns)
    expect(said.order).toEqual([3])
    expect(sorted(said.partitions)).toEqual(
      sorted([
        { payer: 'acme', month: '01' },
        { payer: null, month: '01' },
        { payer: 'acme', month: '02' },
      ]),
    )
    const [, timestampMs, summary] = said.snapshots[0]!
    expect(timestampMs).toBe(START_MS + 3_600_000)
    expect(summary).toMatchObject({ 'etl3.run-id': 'run-1', 'total-records': '4', 'total-data-files': '3' })
    expect(change.total).toEqual({ files: 3, rows: 4, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) })
  })

  it('keeps the files that stay, and shows each run as it was', async () => {
    const table = folderTable()
    const [january, nameless, february] = await threeFiles(table)
    const first = await commitTable(table, run(1, [january, nameless]), GO_ON)
    const before = new Set(metadataOf(table))
    const second = await commitTable(table, run(2, [january, february]), GO_ON)

    expect(second.change).toMatchObject({
      added: { files: 1, rows: 1 },
      removed: { files: 1, rows: 1 },
      total: { rows: 3 },
    })
    const written = metadataOf(table).filter((name) => !before.has(name))
    expect(written.filter((name) => name.endsWith('-m0.avro'))).toHaveLength(1)
    const reader = new PyIceberg(table.store.uri)
    expect((await reader.rows()).files).toEqual(['february.parquet', 'january.parquet'])
    expect((await reader.rows(null, first.snapshotId)).files).toEqual(['january.parquet', 'nameless.parquet'])
    // Iceberg's own words: 0 existing, 1 added, 2 deleted; the file that stays keeps the number of its first snapshot.
    expect(sorted((await reader.describe()).entries.map((entry) => ({ entry: entry.map(String) })))).toEqual(
      sorted(
        [
          [0, 1, 'january.parquet'],
          [1, 2, 'february.parquet'],
          [2, 1, 'nameless.parquet'],
        ].map((entry) => ({
          entry: entry.map(String),
        })),
      ),
    )
  })

  it('leaves a manifest alone whose files all stay', async () => {
    const table = folderTable()
    const [january, nameless, february] = await threeFiles(table)
    await commitTable(table, run(1, [january, nameless]), GO_ON)
    await commitTable(table, run(2, [january, nameless, february]), GO_ON)
    expect(metadataOf(table).filter((name) => name.endsWith('-m0.avro'))).toHaveLength(2)
    expect((await new PyIceberg(table.store.uri).describe()).manifests).toBe(2)
  })

  it('opens few manifests after many small commits', async () => {
    const table = folderTable()
    const files: DataFile[] = []
    for (let n = 1; n <= 20; n++) {
      files.push(await writeRows(table, `file-${n}`, FEBRUARY))
      await commitTable(table, run(n, files), GO_ON)
    }
    const said = await new PyIceberg(table.store.uri).describe()
    expect(said.manifests).toBeLessThan(10)
    expect((await new PyIceberg(table.store.uri).rows()).rows).toHaveLength(20)
  })

  it('takes new columns and other partition columns, and reads old files by the ids of their columns', async () => {
    const table = folderTable()
    const [january, nameless] = await threeFiles(table)
    const older = { ...LAYOUT, columns: COLUMNS.slice(0, 7) }
    await commitTable(table, run(1, [january], older), GO_ON)
    await commitTable(table, run(2, [january, nameless]), GO_ON)
    expect((await new PyIceberg(table.store.uri).rows()).rows).toHaveLength(3)

    const byMonth = { ...LAYOUT, partitionColumns: ['month'] }
    const again = await writeRows(table, 'again', JANUARY)
    await commitTable(table, run(3, [{ ...again, partition: ['01'] }], byMonth), GO_ON)
    const reader = new PyIceberg(table.store.uri)
    expect((await reader.describe()).identity).toEqual(['month'])
    expect((await reader.rows(['EqualTo', 'month', '01'])).files).toEqual(['again.parquet'])
    expect((await reader.rows(['EqualTo', 'month', '02'])).files).toEqual([])
  })
})

describe('a commit', () => {
  it('changes nothing where the table is as the run says', async () => {
    const table = folderTable()
    const files = await threeFiles(table)
    await commitTable(table, run(1, files), GO_ON)
    const before = metadataOf(table)
    expect(await commitTable(table, run(2, files.toReversed()), GO_ON)).toMatchObject({
      outcome: 'unchanged',
      runId: 'run-1',
    })
    expect(metadataOf(table)).toEqual(before)
  })

  it('that is made again is the same, and no second snapshot', async () => {
    const table = folderTable()
    const files = await threeFiles(table)
    const first = await commitTable(table, run(1, files), GO_ON)
    const before = metadataOf(table)
    expect(await commitTable(table, run(1, files), GO_ON)).toEqual(first)
    expect(await commitTable(table, { ...run(1, files), run: { ...run(1, files).run, nowMs: 5 } }, GO_ON)).toEqual(
      first,
    )
    expect(metadataOf(table)).toEqual(before)
  })

  it('gives the same bytes and names for the same files and run', async () => {
    const root = folderTable().store.uri
    const contents = []
    for (const _ of [1, 2]) {
      const table = emptied(root)
      const files = await threeFiles(table)
      await commitTable(table, run(1, files.slice(1)), GO_ON)
      await commitTable(table, run(2, files), GO_ON)
      contents.push(contentOf(root))
    }
    expect(contents[0]).toEqual(contents[1])
  })

  it('is made once by two attempts at the same time', async () => {
    const table = folderTable()
    const files = await threeFiles(table)
    const outcomes = await Promise.all(
      [1, 2, 3].map(() => commitTable(tableIn(new FolderStore(table.store.uri)), run(1, files), GO_ON)),
    )
    expect(new Set(outcomes.map(({ snapshotId }) => snapshotId)).size).toBe(1)
    expect((await new PyIceberg(table.store.uri).describe()).snapshots).toHaveLength(1)
  })

  it('of an older run is refused, whenever it wakes up', async () => {
    const table = folderTable()
    const [january, nameless] = await threeFiles(table)
    await commitTable(table, run(1, [january]), GO_ON)
    await commitTable(table, run(3, [january, nameless]), GO_ON)
    await expect(commitTable(table, run(2, [january]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-03' })
    await expect(commitTable(table, run(1, [january]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-03' })
  })

  it('goes on where lock numbers began anew, when it is told to set aside what is there', async () => {
    const table = folderTable()
    const [january, nameless] = await threeFiles(table)
    await commitTable(table, run(7, [january]), GO_ON)
    await expect(commitTable(table, run(1, [nameless]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-03' })
    const back = await commitTable(table, run(1, [nameless]), GO_ON, { foreignCommits: 'setAside' })
    expect(back).toMatchObject({ runId: 'run-1', timestampMs: START_MS + 7 * 3_600_000 + 1 })
    expect(back.setAside).toMatchObject([{ kind: 'snapshot', what: expect.stringContaining('run run-7') }])
    expect(await commitTable(table, run(2, [nameless, january]), GO_ON)).toMatchObject({ outcome: 'committed' })
  })

  it('is refused for a file that is not there, or not as it should be', async () => {
    const table = folderTable()
    const [january] = await threeFiles(table)
    const gone = { ...january, path: table.store.locate('data/gone.parquet') }
    await expect(commitTable(table, run(1, [gone]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-05' })
    const longer = { ...january, bytes: january.bytes + 1 }
    await expect(commitTable(table, run(1, [longer]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-05' })
    await expect(commitTable(table, run(1, [january, january]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-05' })
    const elsewhere = { ...january, path: '/elsewhere/january.parquet' }
    await expect(commitTable(table, run(1, [elsewhere]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-05' })
  })

  it('is refused for a file that has other content under the same name', async () => {
    const table = folderTable()
    const [january] = await threeFiles(table)
    await commitTable(table, run(1, [january]), GO_ON)
    const changed = await writeRows(table, 'january', [...JANUARY, ...JANUARY])
    await expect(commitTable(table, run(2, [changed]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-05' })
  })

  it('says so where metadata is damaged', async () => {
    const table = folderTable()
    const [january, nameless] = await threeFiles(table)
    await commitTable(table, run(1, [january]), GO_ON)
    const manifest = metadataOf(table).find((name) => name.endsWith('-m0.avro'))
    const bytes = readFileSync(join(table.store.uri, 'metadata', manifest ?? ''))
    await table.store.put(`metadata/${manifest}`, bytes.subarray(0, bytes.length - 100), GO_ON)
    await expect(commitTable(table, run(2, [nameless]), GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-04' })
  })

  it('brings up to date what a killed run left behind for readers', async () => {
    const table = folderTable()
    const [january, nameless] = await threeFiles(table)
    await commitTable(table, run(1, [january]), GO_ON)
    await commitTable(table, run(2, [january, nameless]), GO_ON)
    await table.store.put('metadata/version-hint.text', Buffer.from('1'), GO_ON)
    await commitTable(table, run(2, [january, nameless]), GO_ON)
    expect((await new PyIceberg(table.store.uri).rows()).rows).toHaveLength(3)
  })
})

describe('a commit that is killed', () => {
  it('at any write, before or after it, ends with the same files when it is made again', async () => {
    const root = folderTable().store.uri
    /** The second commit, by a store that may die; then again by one that does not. */
    const commitTwice = async (store: FolderStore | undefined): Promise<boolean> => {
      const table = emptied(root)
      const [january, nameless, february] = await threeFiles(table)
      await commitTable(table, run(1, [january, nameless]), GO_ON)
      const second = run(2, [january, february])
      const failure = store && (await commitTable(tableIn(store), second, GO_ON).catch((error: unknown) => error))
      await commitTable(table, second, GO_ON)
      return failure instanceof Error && failure.message === 'killed'
    }
    await commitTwice(undefined)
    const undisturbed = contentOf(root)
    const deaths = new Set<number>()
    for (let write = 1; write <= 6; write++) {
      for (const when of ['before', 'after'] as const) {
        if (await commitTwice(new DyingStore(root, write, when))) deaths.add(write)
        expect(contentOf(root)).toEqual(undisturbed)
      }
    }
    // Manifest, manifest list, metadata and hint.
    expect([...deaths]).toEqual([1, 2, 3, 4])
  })
})

/** The table of a folder in which nothing lies. */
function emptied(root: string): IcebergTable {
  rmSync(root, { recursive: true, force: true })
  return tableIn(new FolderStore(root))
}

/** A folder whose process dies at its nth write. */
class DyingStore extends FolderStore {
  #writes = 0

  constructor(
    root: string,
    readonly death: number,
    readonly when: 'before' | 'after',
  ) {
    super(root)
  }

  override async put(...args: Parameters<FolderStore['put']>): ReturnType<FolderStore['put']> {
    return await this.#write(() => super.put(...args))
  }

  override async putIfAbsent(...args: Parameters<FolderStore['putIfAbsent']>): ReturnType<FolderStore['putIfAbsent']> {
    return await this.#write(() => super.putIfAbsent(...args))
  }

  async #write<T>(write: () => Promise<T>): Promise<T> {
    const isLast = ++this.#writes === this.death
    if (isLast && this.when === 'before') throw new Error('killed')
    const result = await write()
    if (isLast) throw new Error('killed')
    return result
  }
}

/** Digest of every file below a folder. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
  return Object.fromEntries(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  )
}
