import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { FolderStore } from '../../../../src/lake/folder/store.js'
import { GO_ON, lakeFolder } from './lake-folder.js'

// Whether bytes survive a power cut cannot be seen from here; what is handed to fsync can.
const flushed = vi.hoisted(() => new Set<string>())
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const fsyncSync = (file: number): void => {
    flushed.add(fs.readlinkSync(`/proc/self/fd/${file}`))
    fs.fsyncSync(file)
  }
  return { ...fs, fsyncSync }
})

const bytes = new TextEncoder().encode('x')
beforeEach(() => flushed.clear())

function withoutSyncCommand(): void {
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere'
  onTestFinished(() => {
    process.env['PATH'] = path
  })
}

describe('what survives a power cut', () => {
  async function unit(): Promise<{ root: string; store: FolderStore }> {
    const root = lakeFolder()
    const store = new FolderStore(root)
    const puts = ['u/a/x', 'u/a/y', 'u/z', 'v/x'].map((key) => store.startPut(key, bytes, GO_ON))
    for (const put of puts) await (await put).stored
    expect(flushed).toEqual(new Set())
    return { root, store }
  }

  it('is every file and folder of a unit, one by one, where there is no sync command', async () => {
    const { root, store } = await unit()
    withoutSyncCommand()
    await store.flush('u', GO_ON)
    expect(flushed).toEqual(new Set(['u', 'u/a', 'u/a/x', 'u/a/y', 'u/z'].map((name) => join(root, name))))
    await expect(store.flush('u', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })

  it('is the name of every object that was published, in its folders', async () => {
    const { root, store } = await unit()
    const table = join(root, 'table')
    const keys = ['p=1/q=1/x', 'p=1/q=2/x', 'p=2/x']
    const lake = new FolderStore(table)
    for (const [i, key] of keys.entries()) {
      const source = store.locate(['u/a/x', 'u/a/y', 'u/z'][i] ?? '')
      expect(await lake.publish(source, key, { expect: 'absent' }, GO_ON)).toMatchObject({ outcome: 'moved' })
    }
    withoutSyncCommand()
    await lake.settle(keys, GO_ON)
    expect(flushed).toEqual(new Set(['', 'p=1', 'p=1/q=1', 'p=1/q=2', 'p=2'].map((name) => join(table, name))))
    await expect(lake.settle(keys, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })

  it('is what was put in one piece, before anybody sees it', async () => {
    const root = lakeFolder()
    await new FolderStore(root).put('record', bytes, GO_ON)
    expect([...flushed].map((path) => path.startsWith(join(root, '.etl3-unfinished/')))).toEqual([true])
  })

  it('is the whole file system, in one call, where there is one', async () => {
    const { store } = await unit()
    await store.flush('u', GO_ON)
    expect(flushed).toEqual(new Set())
  })

  it('is one object with its folder', async () => {
    const { root, store } = await unit()
    await store.flush('u/a/x', GO_ON)
    expect(flushed).toEqual(new Set([join(root, 'u/a/x'), join(root, 'u/a')]))
  })

  it('is what was created unless there was one, before anybody sees it', async () => {
    const root = lakeFolder()
    await new FolderStore(root).putIfAbsent('lock/1', bytes, GO_ON)
    expect(flushed).toContain(join(root, 'lock'))
    expect([...flushed].some((path) => path.startsWith(join(root, '.etl3-unfinished/')))).toBe(true)
  })
})
