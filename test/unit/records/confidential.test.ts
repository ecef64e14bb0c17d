import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { RunRecords } from '../../../src/records/records.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const umaskBefore = process.umask()
afterEach(() => process.umask(umaskBefore))

async function modesUnder(umask: number): Promise<Record<string, string>> {
  process.umask(umask)
  const root = lakeFolder()
  mkdirSync(root, { recursive: true })
  const store = new FolderStore(root)
  const records = new RunRecords(store, 'r')
  const file = join(root, 'made-elsewhere')
  writeFileSync(file, 'rows')
  await records.saveOnce('run.json', { a: 1 }, (value) => value, GO_ON)
  await records.putFile('quarantine/facts.parquet', file, GO_ON)
  await records.putFile('staged/facts.parquet', file, GO_ON)
  await records.save('report.json', {}, GO_ON)
  await records.save('receipt.json', {}, GO_ON)
  await store.put('state=TX/data.parquet', Buffer.from('x'), GO_ON)
  const mode = (key: string): string => (statSync(store.locate(key)).mode & 0o777).toString(8)
  const names = ['run.json', 'quarantine', 'quarantine/facts.parquet', 'staged', 'staged/facts.parquet']
  return {
    ...Object.fromEntries([...names, 'receipt.json', 'report.json'].map((name) => [name, mode(records.key(name))])),
    run: mode(records.key('run.json').replace('/run.json', '')),
    table: mode('state=TX/data.parquet'),
    'folder of the table': mode('state=TX'),
  }
}

describe('what a run leaves on this machine', () => {
  it('is its owner’s alone where it holds rows of the input or settings; report and table keep the umask', async () => {
    expect(await modesUnder(0o022)).toEqual({
      'run.json': '600',
      quarantine: '700',
      'quarantine/facts.parquet': '600',
      staged: '700',
      'staged/facts.parquet': '600',
      'receipt.json': '600',
      'report.json': '644',
      run: '755',
      table: '644',
      'folder of the table': '755',
    })
  })

  it('is the group’s too where the umask lets the group write', async () => {
    expect(await modesUnder(0o002)).toMatchObject({
      'run.json': '660',
      quarantine: '770',
      'quarantine/facts.parquet': '660',
      table: '664',
    })
  })

  it('is written again with the same rights', async () => {
    process.umask(0o022)
    const store = new FolderStore(lakeFolder())
    const records = new RunRecords(store, 'r')
    await records.save('run.json', { a: 1 }, GO_ON)
    await records.save('run.json', { a: 2 }, GO_ON)
    expect(statSync(store.locate(records.key('run.json'))).mode & 0o777).toBe(0o600)
  })
})
