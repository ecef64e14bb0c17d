import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findRunRecord } from '../../../src/activities/run-record-memo.js'
import { configSchema } from '../../../src/config/schema.js'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { RunRecords } from '../../../src/records/records.js'
import { factBatchesOf } from '../../../src/records/run.js'

const GO_ON = new AbortController().signal

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-run-record-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function recordOf(files: number, more: object = {}): object {
  const file = { path: '/f', bytes: 1, modifiedMs: 0, sha256: '0' }
  return {
    formatVersion: 1,
    runId: 'a',
    work: 'w',
    replaces: null,
    engine: '1',
    startedAt: '',
    config: configSchema.parse({ input: { root: '/star' } }),
    inputs: [{ name: 'fact_rate', files: Array.from({ length: files }, () => file) }],
    ...more,
  }
}

describe('the record of a run, as each activity begins with it', () => {
  it('is parsed once as long as it stands, and again when it was replaced', async () => {
    const store = new FolderStore(root)
    const records = new RunRecords(store, 'a')
    await records.save('run.json', recordOf(1), GO_ON)
    const first = await findRunRecord(records, GO_ON)
    expect(await findRunRecord(new RunRecords(store, 'a'), GO_ON)).toBe(first)
    await records.save('run.json', recordOf(1, { work: 'other' }), GO_ON)
    expect(await findRunRecord(records, GO_ON)).toMatchObject({ work: 'other' })
  })

  it('is that of the run that is asked for, and none where there is none', async () => {
    const store = new FolderStore(root)
    await new RunRecords(store, 'a').save('run.json', recordOf(1), GO_ON)
    await new RunRecords(store, 'b').save('run.json', recordOf(1, { runId: 'b' }), GO_ON)
    expect(await findRunRecord(new RunRecords(store, 'a'), GO_ON)).toMatchObject({ runId: 'a' })
    expect(await findRunRecord(new RunRecords(store, 'b'), GO_ON)).toMatchObject({ runId: 'b' })
    expect(await findRunRecord(new RunRecords(store, 'c'), GO_ON)).toBeUndefined()
  })

  it('says which files are staged together; without a word of it, each is by itself', async () => {
    const store = new FolderStore(root)
    const records = new RunRecords(store, 'a')
    const batches = async (record: object): Promise<unknown> => {
      await records.save('run.json', record, GO_ON)
      const found = await findRunRecord(records, GO_ON)
      return found && factBatchesOf(found)
    }
    expect(await batches(recordOf(3, { factBatches: [2, 1] }))).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
    ])
    expect(await batches(recordOf(2))).toEqual([
      { from: 0, to: 1 },
      { from: 1, to: 2 },
    ])
  })
})
