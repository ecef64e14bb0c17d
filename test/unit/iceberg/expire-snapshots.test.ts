import { describe, expect, it } from 'vitest'
import { commitTable, type IcebergTable } from '../../../src/iceberg/commit-table.js'
import type { DataFile } from '../../../src/iceberg/data-file.js'
import { type ExpiryRule, expireSnapshots } from '../../../src/iceberg/expire-snapshots.js'
import { openSnapshot } from '../../../src/iceberg/open-snapshot.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import type { ObjectKey } from '../../../src/lake/object-store.js'
import { GO_ON } from '../lake/folder/lake-folder.js'
import { PyIceberg } from './pyiceberg.js'
import { folderTable, row, run, START_MS, tableIn, writeRows } from './small-table.js'

const HOUR_MS = 3_600_000
/** Of the tenth run; see `run`. */
const NOW_MS = START_MS + 10 * HOUR_MS

function keeping(keepSnapshots: number, graceMs = 0): ExpiryRule {
  return { keepSnapshots, graceMs, nowMs: NOW_MS }
}

/** Five runs: each has the file `base`, and one of its own. */
async function fiveRuns(table: IcebergTable): Promise<readonly DataFile[]> {
  const base = await writeRows(table, 'base', [row({ payer: 'acme', month: '01', text: 'base' })])
  const own: DataFile[] = []
  for (let n = 1; n <= 5; n++) {
    own.push(await writeRows(table, `run-${n}`, [row({ payer: 'acme', month: '02', text: `run ${n}` })]))
    await commitTable(table, run(n, [base, own[n - 1]!]), GO_ON)
  }
  return own
}

async function keys(table: IcebergTable, prefix: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { key } of table.store.list(prefix, GO_ON)) found.push(key)
  return found.toSorted()
}

describe('expiry', () => {
  it('keeps the last snapshots readable, and deletes what only others name', async () => {
    const table = folderTable()
    await fiveRuns(table)
    const expiry = await expireSnapshots(table, keeping(2), 'delete', GO_ON)

    expect(expiry.snapshots).toHaveLength(3)
    expect(await keys(table, 'data')).toEqual(['data/base.parquet', 'data/run-4.parquet', 'data/run-5.parquet'])
    const reader = new PyIceberg(table.store.uri)
    const { snapshots } = await reader.describe()
    expect(snapshots.map(([, , summary]) => summary['etl3.run-id'])).toEqual(['run-4', 'run-5'])
    for (const [i, [id]] of snapshots.entries()) {
      expect((await reader.rows(null, String(id))).files).toEqual(['base.parquet', `run-${i + 4}.parquet`])
    }
    expect(await keys(table, 'metadata')).not.toContain('metadata/v1.metadata.json')
  })

  it('only looks, where it is to look', async () => {
    const table = folderTable()
    await fiveRuns(table)
    const before = await keys(table, '')
    const looked = await expireSnapshots(table, keeping(1), 'look', GO_ON)
    expect(await keys(table, '')).toEqual(before)
    expect(await expireSnapshots(table, keeping(1), 'delete', GO_ON)).toEqual(looked)
  })

  it('has nothing to do the second time, and in a place without a table', async () => {
    const table = folderTable()
    expect(await expireSnapshots(table, keeping(1), 'delete', GO_ON)).toEqual({ snapshots: [], keys: [] })
    await fiveRuns(table)
    await expireSnapshots(table, keeping(1), 'delete', GO_ON)
    const before = await keys(table, '')
    expect(await expireSnapshots(table, keeping(1), 'delete', GO_ON)).toEqual({ snapshots: [], keys: [] })
    expect(await keys(table, '')).toEqual(before)
  })

  it('leaves a snapshot for the grace period after it was replaced', async () => {
    const table = folderTable()
    await fiveRuns(table)
    // Run 4 was replaced at 5 hours, run 3 at 4: six hours before the tenth hour lie between.
    const { snapshots } = await expireSnapshots(table, keeping(1, 5.5 * HOUR_MS), 'delete', GO_ON)
    expect(snapshots).toHaveLength(3)
    expect(await openSnapshot(table, { runId: 'run-4' }, GO_ON)).toMatchObject({ runId: 'run-4' })
    await expect(openSnapshot(table, { runId: 'run-3' }, GO_ON)).rejects.toMatchObject({ code: 'ETL3-IC-07' })
  })

  it('goes on after runs, which go on after it', async () => {
    const table = folderTable()
    const own = await fiveRuns(table)
    await expireSnapshots(table, keeping(1), 'delete', GO_ON)
    const again = { ...run(6, [own[4]!]), run: { id: 'run-6', lockNumber: 6, nowMs: NOW_MS + HOUR_MS } }
    await commitTable(table, again, GO_ON)
    await expireSnapshots(table, { ...keeping(1), nowMs: NOW_MS + 2 * HOUR_MS }, 'delete', GO_ON)
    expect(await keys(table, 'data')).toEqual(['data/run-5.parquet'])
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['run-5.parquet'])
  })

  it('does not give its free numbers to a writer that slept meanwhile', async () => {
    const table = folderTable()
    const base = await writeRows(table, 'first', [row({ payer: 'acme', month: '01' })])
    await commitTable(table, run(1, [base]), GO_ON)
    const late = await table.catalog.load(GO_ON)
    for (let n = 2; n <= 5; n++) {
      const own = await writeRows(table, `own-${n}`, [row({ payer: 'acme', month: '02', text: String(n) })])
      await commitTable(table, run(n, [own]), GO_ON)
    }
    await expireSnapshots(table, keeping(1), 'delete', GO_ON)
    expect(await keys(table, 'metadata')).not.toContain('metadata/v2.metadata.json')

    expect(late && (await table.catalog.replace(late, late.metadata, GO_ON))).toBe(false)
    expect(await keys(table, 'metadata')).not.toContain('metadata/v2.metadata.json')
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['own-5.parquet'])
  })

  it('that is killed before or after the metadata is replaced is ended by the next one', async () => {
    for (const died of ['v6.metadata.json', 'data/'] as const) {
      const table = folderTable()
      await fiveRuns(table)
      const dying = tableIn(new DyingStore(table.store.uri, died))
      await expect(expireSnapshots(dying, keeping(1), 'delete', GO_ON)).rejects.toThrow('killed')
      expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['base.parquet', 'run-5.parquet'])

      await expireSnapshots(table, keeping(1), 'delete', GO_ON)
      expect(await keys(table, 'data')).toEqual(['data/base.parquet', 'data/run-5.parquet'])
      expect((await keys(table, 'metadata')).filter((key) => key.includes('expired'))).toEqual([])
      expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['base.parquet', 'run-5.parquet'])
    }
  })

  it('never deletes a file that a run has taken up again since a killed expiry', async () => {
    const table = folderTable()
    const own = await fiveRuns(table)
    const dying = tableIn(new DyingStore(table.store.uri, 'data/'))
    await expect(expireSnapshots(dying, keeping(1), 'delete', GO_ON)).rejects.toThrow('killed')
    await commitTable(table, run(6, [own[0]!]), GO_ON)
    await expireSnapshots(table, keeping(1), 'delete', GO_ON)
    expect((await new PyIceberg(table.store.uri).rows()).files).toEqual(['run-1.parquet'])
  })
})

/** A folder whose process dies when it comes to write or delete something with a name like this. */
class DyingStore extends FolderStore {
  constructor(
    root: string,
    readonly death: string,
  ) {
    super(root)
  }

  override async putIfAbsent(key: ObjectKey, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (key.includes(this.death)) throw new Error('killed')
    return await super.putIfAbsent(key, bytes, signal)
  }

  override async delete(all: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    if (all.some((key) => key.includes(this.death))) throw new Error('killed')
    await super.delete(all, signal)
  }
}
