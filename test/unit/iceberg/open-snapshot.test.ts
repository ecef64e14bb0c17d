import { describe, expect, it } from 'vitest'
import { commitTable } from '../../../src/iceberg/commit-table.js'
import { openSnapshot } from '../../../src/iceberg/open-snapshot.js'
import { GO_ON } from '../lake/folder/lake-folder.js'
import { folderTable, row, run, START_MS, writeRows } from './small-table.js'

const HOUR_MS = 3_600_000

describe('an opened snapshot', () => {
  it('is that of now, of a run, or of an instant, with all that is known of its files', async () => {
    const table = folderTable()
    expect(await openSnapshot(table, 'now', GO_ON)).toBeUndefined()
    const one = await writeRows(table, 'one', [row({ payer: null, month: '01', text: 'a', amount: 1 })])
    const two = await writeRows(table, 'two', [row({ payer: 'acme', month: '02', text: 'b', tags: ['x'] })])
    await commitTable(table, run(1, [one]), GO_ON)
    await commitTable(table, run(2, [one, two]), GO_ON)

    const first = { runId: 'run-1', partitionColumns: ['payer', 'month'], files: [one] }
    const second = { runId: 'run-2', files: [one, two] }
    expect(await openSnapshot(table, 'now', GO_ON)).toMatchObject(second)
    expect(await openSnapshot(table, { runId: 'run-1' }, GO_ON)).toMatchObject(first)
    expect(await openSnapshot(table, { timestampMs: START_MS + HOUR_MS }, GO_ON)).toMatchObject(first)
    expect(await openSnapshot(table, { timestampMs: START_MS + 2 * HOUR_MS - 1 }, GO_ON)).toMatchObject(first)
    expect(await openSnapshot(table, { timestampMs: START_MS + 9 * HOUR_MS }, GO_ON)).toMatchObject(second)
  })

  it('that is not there is refused, with those that are', async () => {
    const table = folderTable()
    const one = await writeRows(table, 'one', [row({ payer: 'acme', month: '01' })])
    await commitTable(table, run(1, [one]), GO_ON)
    for (const asOf of [{ runId: 'run-2' }, { timestampMs: START_MS }]) {
      await expect(openSnapshot(table, asOf, GO_ON)).rejects.toMatchObject({
        code: 'ETL3-IC-07',
        hint: expect.stringContaining('run-1'),
      })
    }
  })
})
