import { spawn } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { folderError } from '../../../../src/lake/file-errors.js'
import { FolderStore } from '../../../../src/lake/folder/store.js'
import { objectStoreSuite } from '../object-store.suite.js'
import { GO_ON, lakeFolder } from './lake-folder.js'

objectStoreSuite('a folder', async () => {
  const root = join(lakeFolder(), 'lake')
  return { open: () => new FolderStore(root) }
})

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function keysOf(store: FolderStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, GO_ON)) keys.push(key)
  return keys.sort()
}

describe('a folder', () => {
  it('is named by its absolute path, however it was written', () => {
    const folder = lakeFolder()
    expect(new FolderStore(`${folder}/a/../b/`).uri).toBe(join(folder, 'b'))
    expect(new FolderStore(`${folder}/b`).locate('x/y')).toBe(join(folder, 'b', 'x', 'y'))
  })

  it('is made with the first object, not before', async () => {
    const root = join(lakeFolder(), 'not/yet/there')
    const store = new FolderStore(root)
    expect(await keysOf(store)).toEqual([])
    expect(await store.find('x', GO_ON)).toBeUndefined()
    await store.delete(['x'], GO_ON)
    expect(existsSync(root)).toBe(false)
    await store.put('x', text('x'), GO_ON)
    expect(readFileSync(join(root, 'x'), 'utf8')).toBe('x')
  })

  it('has nothing left of what was published where it came from', async () => {
    const store = new FolderStore(lakeFolder())
    await store.put('runs/1/objects/7', text('x'), GO_ON)
    await store.publish(store.locate('runs/1/objects/7'), 't/x', { expect: 'absent' }, GO_ON)
    expect(await keysOf(store)).toEqual(['t/x'])
  })

  it('never shows a reader half of an object', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    await store.put('x', Buffer.alloc(4 * 1024 * 1024, '0'), GO_ON)
    const writer = spawn(process.execPath, [fileURLToPath(new URL('../rewriter.mjs', import.meta.url)), root, 'x'])
    onTestFinished(() => void writer.kill('SIGKILL'))
    const seen = new Set<string>()
    for (const deadline = Date.now() + 20_000; seen.size < 5 && Date.now() < deadline; ) {
      const bytes = Buffer.from(await store.get('x', GO_ON))
      expect(bytes.length).toBe(4 * 1024 * 1024)
      expect(bytes.equals(Buffer.alloc(bytes.length, bytes[0]))).toBe(true)
      seen.add(String.fromCharCode(bytes[0] ?? 0))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    // Otherwise nothing was rewritten while we looked.
    expect(seen.size).toBe(5)
  })

  it('has an object that another process can read from the moment that the call returns, and nothing else', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    await store.put('a/b/c', text('x'), GO_ON)
    expect(readdirSync(root).toSorted()).toEqual(['.etl3-unfinished', 'a'])
    expect(readdirSync(join(root, '.etl3-unfinished'))).toEqual([])
  })

  it('says of a started put that failed what it could not write and why', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    mkdirSync(join(root, 'o', 'taken'), { recursive: true })
    const { stored } = await store.startPut('o/taken', text('x'), GO_ON)
    await expect(stored).rejects.toMatchObject({ code: 'ETL3-DK-04', message: expect.stringContaining('o/taken') })
    expect(readdirSync(join(root, '.etl3-unfinished'))).toEqual([])
    const { stored: next } = await store.startPut('o/free', text('y'), GO_ON)
    expect(await next).toMatchObject({ key: 'o/free', bytes: 1 })
  })

  it('stores a started put also where its folder was removed as empty meanwhile', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    await (await store.startPut('o/a', text('a'), GO_ON)).stored
    rmSync(join(root, 'o'), { recursive: true })
    // The store remembers the folder as made.
    expect(await (await store.startPut('o/b', text('b'), GO_ON)).stored).toMatchObject({ key: 'o/b' })
    expect(readFileSync(join(root, 'o', 'b'), 'utf8')).toBe('b')
  })

  it('gives started puts the marks and digests that it gives the others, whatever their size', async () => {
    const store = new FolderStore(lakeFolder())
    const sizes = [0, 1, 256 * 1024, 256 * 1024 + 1, 1024 * 1024, 3 * 1024 * 1024]
    for (const size of sizes) {
      const bytes = Buffer.alloc(size, 'z')
      const { stored } = await store.startPut(`o/${size}`, [bytes], GO_ON)
      const one = await stored
      const [found] = await store.stat([`o/${size}`], GO_ON)
      expect(found).toEqual({ key: one.key, bytes: one.bytes, etag: one.etag })
      expect(one.sha256).toBe((await store.put(`p/${size}`, bytes, GO_ON)).sha256)
      expect(Buffer.from(await store.get(`o/${size}`, GO_ON)).equals(bytes)).toBe(true)
    }
  })

  describe('told which keys will be published', () => {
    const KEYS = ['p=1/s=a/m=01/x', 'p=1/s=a/m=02/x', 'p=1/s=b/m=01/x', 'p=2/s=a/m=01/x']

    /** A lake and a place beside it where all folders of {@link KEYS} have been made. */
    async function foreseen(): Promise<{
      store: FolderStore
      place: string
      publish: (key: string) => Promise<string>
    }> {
      const root = lakeFolder()
      const store = new FolderStore(join(root, 'table'))
      const records = new FolderStore(join(root, 'records'))
      const place = records.locate('objects/foreseen')
      store.foresee(KEYS, place)
      await expect.poll(() => existsSync(join(place, 'p=2/s=a/m=01'))).toBe(true)
      const publish = async (key: string): Promise<string> => {
        await records.put(`objects/${key}`, text(key), GO_ON)
        const condition = { expect: 'absent', foreseen: place } as const
        return (await store.publish(records.locate(`objects/${key}`), key, condition, GO_ON)).outcome
      }
      return { store, place, publish }
    }

    async function publishAll(publish: (key: string) => Promise<string>): Promise<string[]> {
      const outcomes: string[] = []
      for (const key of KEYS) outcomes.push(await publish(key))
      return outcomes
    }

    it('shows a reader nothing before the first one is published', async () => {
      const { store } = await foreseen()
      expect(existsSync(store.uri)).toBe(false)
    })

    it('takes whole trees of folders into their place', async () => {
      const { store, place, publish } = await foreseen()
      expect(await publish('p=1/s=a/m=01/x')).toBe('moved')
      expect(existsSync(join(place, 'p=1'))).toBe(false)
      expect(existsSync(store.locate('p=1/s=b/m=01'))).toBe(true)
      expect(await publishAll(publish)).toEqual(['mismatch', 'moved', 'moved', 'moved'])
      expect(await keysOf(store)).toEqual(KEYS)
    })

    it('fits them between folders that are there already', async () => {
      const { store, place, publish } = await foreseen()
      await store.put('p=1/s=a/m=03/x', text('kept'), GO_ON)
      expect(await publishAll(publish)).toEqual(['moved', 'moved', 'moved', 'moved'])
      expect(readdirSync(join(place, 'p=1'))).toEqual(['s=a'])
      expect(await keysOf(store)).toEqual([...KEYS, 'p=1/s=a/m=03/x'].sort())
      expect(Buffer.from(await store.get('p=1/s=a/m=03/x', GO_ON)).toString()).toBe('kept')
    })

    it('does without them where they are gone, were never made, or went away again', async () => {
      const { store, place, publish } = await foreseen()
      rmSync(join(place, 'p=1/s=a'), { recursive: true })
      expect(await publish('p=1/s=b/m=01/x')).toBe('moved')
      expect(await publish('p=1/s=a/m=01/x')).toBe('moved')
      rmSync(place, { recursive: true })
      expect(await publish('p=2/s=a/m=01/x')).toBe('moved')
      rmSync(store.locate('p=1'), { recursive: true })
      expect(await publish('p=1/s=a/m=02/x')).toBe('moved')
      expect(await keysOf(store)).toEqual(['p=1/s=a/m=02/x', 'p=2/s=a/m=01/x'])
    })

    it('changes nothing where something else stands under the key', async () => {
      const { store, publish } = await foreseen()
      await store.put('p=1/s=a/m=01/x', text('of somebody else'), GO_ON)
      expect(await publish('p=1/s=a/m=01/x')).toBe('mismatch')
      expect(Buffer.from(await store.get('p=1/s=a/m=01/x', GO_ON)).toString()).toBe('of somebody else')
    })
  })

  it('does not list unfinished files, and sweeps away those that nobody finishes any more', async () => {
    const root = lakeFolder()
    const unfinished = join(root, '.etl3-unfinished')
    mkdirSync(join(unfinished, 'old-folder'), { recursive: true })
    writeFileSync(join(unfinished, 'young'), 'half')
    writeFileSync(join(unfinished, 'old-folder', 'x'), 'half')
    expect(await keysOf(new FolderStore(root))).toEqual([])
    expect(() => new FolderStore(root).locate('.etl3-unfinished/young')).toThrow(
      expect.objectContaining({ code: 'ETL3-KE-03' }),
    )
    const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000)
    utimesSync(join(unfinished, 'old-folder'), yesterday, yesterday)
    await new FolderStore(root).put('x', text('x'), GO_ON)
    expect(readdirSync(unfinished)).toEqual(['young'])
  })

  it('neither follows links nor lists them', async () => {
    const root = lakeFolder()
    const outside = lakeFolder()
    writeFileSync(join(outside, 'secret'), 'x')
    const store = new FolderStore(root)
    await store.put('a/x', text('x'), GO_ON)
    symlinkSync(outside, join(root, 'folder-link'))
    symlinkSync(join(outside, 'secret'), join(root, 'file-link'))
    symlinkSync(root, join(root, 'a', 'circle'))
    expect(await keysOf(store)).toEqual(['a/x'])
    expect(await store.stat(['file-link', 'folder-link'], GO_ON)).toEqual([undefined, undefined])
  })

  it('removes the folders that deleting leaves empty, up to its root', async () => {
    const root = join(lakeFolder(), 'lake')
    const store = new FolderStore(root)
    for (const key of ['p=1/q=1/f', 'p=1/q=2/f', 'p=2/q=1/f']) await store.put(key, text('x'), GO_ON)
    rmSync(join(root, '.etl3-unfinished'), { recursive: true })
    await store.delete(['p=1/q=1/f', 'p=2/q=1/f'], GO_ON)
    expect(readdirSync(root)).toEqual(['p=1'])
    expect(readdirSync(join(root, 'p=1'))).toEqual(['q=2'])
    await store.delete(['p=1/q=2/f'], GO_ON)
    expect(readdirSync(root)).toEqual([])
  })

  it('makes its folders again where somebody removed them', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    await store.put('a/b/x', text('x'), GO_ON)
    rmSync(join(root, 'a'), { recursive: true })
    await store.put('a/b/y', text('y'), GO_ON)
    rmSync(root, { recursive: true })
    await store.put('a/b/z', text('z'), GO_ON)
    expect(await store.putIfAbsent('c/r', text('r'), GO_ON)).toEqual(text('r'))
    expect(await keysOf(store)).toEqual(['a/b/z', 'c/r'])
  })

  it('finishes a publication that was stopped between its two steps', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    await store.put('run/x', text('x'), GO_ON)
    linkSync(join(root, 'run/x'), join(root, 't'))
    const result = await store.publish(store.locate('run/x'), 't', { expect: 'absent' }, GO_ON)
    expect(result).toEqual({ outcome: 'moved', etag: (await store.stat(['t'], GO_ON))[0]?.etag })
    expect(await keysOf(store)).toEqual(['t'])
  })

  it.each([
    ['nothing is', undefined],
    ['an object is', 'old'],
  ])('publishes from one disk to another where %s', async (_, before) => {
    const memory = lakeFolder('/dev/shm')
    const root = lakeFolder()
    expect(lstatSync(memory).dev).not.toBe(lstatSync(root).dev)
    const run = new FolderStore(memory)
    const table = new FolderStore(root)
    await run.put('x', text('new'), GO_ON)
    const etag = before === undefined ? undefined : (await table.put('t/x', text(before), GO_ON)).etag
    const condition = etag === undefined ? ({ expect: 'absent' } as const) : ({ expect: 'etag', etag } as const)
    const result = await table.publish(run.locate('x'), 't/x', condition, GO_ON)
    expect(result).toEqual({ outcome: 'moved', etag: (await table.stat(['t/x'], GO_ON))[0]?.etag })
    expect(readFileSync(join(root, 't/x'), 'utf8')).toBe('new')
    expect(await keysOf(run)).toEqual([])
    await run.put('x', text('newer'), GO_ON)
    expect(await table.publish(run.locate('x'), 't/x', { expect: 'absent' }, GO_ON)).toMatchObject({
      outcome: 'mismatch',
    })
    expect(readdirSync(join(root, '.etl3-unfinished'))).toEqual([])
  })

  it('never gives two objects the same time, which the etag of one that is written again needs', async () => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    const times = new Set<bigint>()
    for (let i = 0; i < 200; i++) {
      await store.put('x', text('x'), GO_ON)
      times.add(lstatSync(join(root, 'x'), { bigint: true }).mtimeNs)
    }
    expect(times.size).toBe(200)
    const ages = Array.from(times, (time) => Date.now() - Number(time / 1_000_000n))
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(-1)
    expect(Math.max(...ages)).toBeLessThan(60_000)
  })

  it('refuses a name that no folder can have, and says how long it is', async () => {
    const store = new FolderStore(lakeFolder())
    const longest = `state=${'é'.repeat(124)}x`
    expect(Buffer.byteLength(longest)).toBe(255)
    await store.put(`${longest}/f`, text('x'), GO_ON)
    expect(() => store.locate(`${longest}x/f`)).toThrow(
      expect.objectContaining({ code: 'ETL3-KE-04', message: expect.stringMatching(/255 bytes .* 256: 'state=é/) }),
    )
  })

  it('says that a file stands where it needs a folder', async () => {
    const store = new FolderStore(lakeFolder())
    await store.put('a', text('x'), GO_ON)
    const needsFolder = store.put('a/b', text('x'), GO_ON)
    await expect(needsFolder).rejects.toThrow(expect.objectContaining({ code: 'ETL3-DK-04', exitCode: 6 }))
    await store.put('c/d', text('x'), GO_ON)
    await expect(store.put('c', text('x'), GO_ON)).rejects.toThrow(expect.objectContaining({ code: 'ETL3-DK-04' }))
    expect(await keysOf(store)).toEqual(['a', 'c/d'])
  })

  it('lets heartbeats through while it goes over many objects', async () => {
    const store = new FolderStore(lakeFolder())
    const keys = Array.from({ length: 2000 }, (_, i) => `a/${i}`)
    for (const key of keys) await store.put(key, text('x'), GO_ON)
    let beats = 0
    const timer = setInterval(() => beats++, 0)
    onTestFinished(() => clearInterval(timer))
    await keysOf(store)
    const afterList = beats
    expect(afterList).toBeGreaterThan(0)
    await store.stat(keys, GO_ON)
    expect(beats).toBeGreaterThan(afterList)
  })
})

describe('a refusal of the file system', () => {
  const refusal = (code: string): Error => Object.assign(new Error(`${code}: refused`), { code })

  it.each([
    ['ENOSPC', 'ETL3-DK-01', 7],
    ['EDQUOT', 'ETL3-DK-01', 7],
    ['EACCES', 'ETL3-DK-03', 2],
    ['EROFS', 'ETL3-DK-03', 2],
    ['ENOTSUP', 'ETL3-DK-05', 2],
    ['ENAMETOOLONG', 'ETL3-KE-04', 2],
  ])('%s names the path, the way out and its cause, as %s with exit code %i', (system, code, exitCode) => {
    const cause = refusal(system)
    expect(folderError(cause, 'write', '/lake/x\n')).toMatchObject({
      code,
      exitCode,
      cause,
      message: expect.stringContaining('"/lake/x\\n"'),
      hint: expect.stringMatching(/\.$/),
    })
  })

  it('that it does not know stays as it is', () => {
    const error = refusal('EIO')
    expect(folderError(error, 'write', '/x')).toBe(error)
    expect(folderError('text', 'write', '/x')).toBe('text')
  })
})
