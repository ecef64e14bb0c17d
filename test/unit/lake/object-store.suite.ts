/** What every adapter of the object store promises. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ListedObject,
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
} from '../../../src/lake/object-store.js'
import { GO_ON, lakeFolder } from './folder/lake-folder.js'

/** Opens stores over one new, empty root each time it is called. */
export type MakeStore = () => Promise<{
  /** Opens the root once more, as another process would. */
  readonly open: () => ObjectStore
}>

const MIB = 1024 * 1024
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function listed(store: ObjectStore, prefix = ''): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for await (const object of store.list(prefix, GO_ON)) objects.push(object)
  return objects.sort((a, b) => (a.key < b.key ? -1 : 1))
}

const keysOf = async (store: ObjectStore, prefix = ''): Promise<string[]> =>
  (await listed(store, prefix)).map(({ key }) => key)

/** What the server behind an adapter cannot do. */
export interface Shortcomings {
  /**
   * It does not keep the conditions of copies and deletions: of two writers that publish in the same instant both may
   * succeed, and what changed since it was seen is deleted.
   */
  readonly ignoresConditions?: boolean
}

/** Runs the promises of the port over an adapter. */
export function objectStoreSuite(name: string, makeStore: MakeStore, lacks: Shortcomings = {}): void {
  describe(`${name} as an object store`, () => {
    it('gives back what was put, with its size and its SHA-256', async () => {
      const store = (await makeStore()).open()
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
          const stored = await store.put('a/b.bin', bytes, GO_ON)
          expect(stored).toMatchObject({ key: 'a/b.bin', bytes: bytes.length, sha256: sha256(bytes) })
          expect(Buffer.from(await store.get('a/b.bin', GO_ON)).equals(bytes)).toBe(true)
          expect(await store.stat(['a/b.bin'], GO_ON)).toEqual([
            { key: 'a/b.bin', bytes: bytes.length, etag: stored.etag },
          ])
        }),
        { numRuns: 30 },
      )
    })

    it('takes bytes in pieces, each of which is gone when the next one is asked for', async () => {
      const store = (await makeStore()).open()
      function* pieces(): Generator<Uint8Array> {
        const piece = new Uint8Array(3)
        for (const letter of 'abc') {
          piece.fill(letter.charCodeAt(0))
          yield piece
        }
        piece.fill(0)
      }
      const stored = await store.put('x', pieces(), GO_ON)
      expect(stored).toMatchObject({ bytes: 9, sha256: sha256(text('aaabbbccc')) })
      expect(await store.get('x', GO_ON)).toEqual(Buffer.from('aaabbbccc'))
    })

    it('takes pieces that come one after another in time', async () => {
      const store = (await makeStore()).open()
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (const piece of ['a', 'bc', '', 'd']) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          yield text(piece)
        }
      }
      const stored = await store.put('x', pieces(), GO_ON)
      expect(stored).toMatchObject({ bytes: 4, sha256: sha256(text('abcd')) })
      expect(Buffer.from(await store.get('x', GO_ON)).toString()).toBe('abcd')
    })

    it('leaves what was there when the pieces fail', async () => {
      const store = (await makeStore()).open()
      await store.put('x', text('before'), GO_ON)
      function* pieces(): Generator<Uint8Array> {
        yield text('half')
        throw new Error('no more')
      }
      await expect(store.put('x', pieces(), GO_ON)).rejects.toThrow('no more')
      await expect(store.put('y', pieces(), GO_ON)).rejects.toThrow('no more')
      expect(await store.get('x', GO_ON)).toEqual(Buffer.from('before'))
      expect(await keysOf(store)).toEqual(['x'])
    })

    it('has a new etag whenever an object is written, and the same one until then', async () => {
      const store = (await makeStore()).open()
      const seen: string[] = []
      for (const value of ['aaa', 'bbb', 'aaa', 'ccc']) seen.push((await store.put('x', text(value), GO_ON)).etag)
      for (const value of ['ddd', 'eee', 'fff']) {
        await store.delete(['x'], GO_ON)
        seen.push((await store.put('x', text(value), GO_ON)).etag)
      }
      // The same bytes again are a matter of the adapter: S3 has one etag for them.
      const writes = ['aaa', 'bbb', 'ccc', 'ddd', 'eee', 'fff']
      expect(new Set(seen).size).toBeGreaterThanOrEqual(writes.length)
      expect((await store.stat(['x'], GO_ON))[0]?.etag).toBe(seen.at(-1))
      expect((await listed(store))[0]?.etag).toBe(seen.at(-1))
    })

    it('says that there is no object', async () => {
      const store = (await makeStore()).open()
      await store.put('folder/x', text('x'), GO_ON)
      for (const key of ['nothing', 'folder', 'folder/x/deeper', 'folder/nothing']) {
        await expect(store.get(key, GO_ON), key).rejects.toThrow(ObjectNotFound)
        await expect(store.fetchLocal(key, lakeFolder(), GO_ON), key).rejects.toThrow(ObjectNotFound)
        expect(await store.find(key, GO_ON), key).toBeUndefined()
        expect(await store.digest(key, GO_ON), key).toBeUndefined()
        expect(await store.stat([key], GO_ON), key).toEqual([undefined])
      }
    })

    it('tells size and SHA-256 of what lies there, whatever its size', async () => {
      const store = (await makeStore()).open()
      for (const size of [0, 1, MIB - 1, MIB, 40 * MIB + 7]) {
        const bytes = Buffer.alloc(size, 'some bytes that repeat')
        await store.put('x', bytes, GO_ON)
        expect(await store.digest('x', GO_ON), String(size)).toEqual({ bytes: size, sha256: sha256(bytes) })
      }
    })

    it('knows many keys at once, in the order in which they were asked', async () => {
      const store = (await makeStore()).open()
      for (const key of ['b', 'a', 'c/d']) await store.put(key, text(key), GO_ON)
      const found = await store.stat(['c/d', 'nothing', 'a', 'b', 'a'], GO_ON)
      expect(found.map((object) => object?.key)).toEqual(['c/d', undefined, 'a', 'b', 'a'])
    })

    it('knows any part of its keys, by their order the first, the last or some between, whatever is missing', async () => {
      const store = (await makeStore()).open()
      const folders = ['t/state=TX', 't/state=M N', 't/state=Zürich \u{1F600}', 't/state=\uFF5E']
      const keys = Array.from({ length: 160 }, (_, i) => `${folders[i % 4]}/part ${String(i).padStart(3, '0')}`)
      keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const there = new Set(keys.filter((_, i) => i % 5 !== 3))
      for (const key of there) await store.put(key, text(key), GO_ON)
      for (const [from, to] of [
        [0, 40],
        [40, 80],
        [80, 120],
        [120, 160],
        [3, 158],
        [0, 160],
      ] as const) {
        const part = keys.slice(from, to).toReversed()
        const found = await store.stat(part, GO_ON)
        expect(found.map((object) => object?.key)).toEqual(part.map((key) => (there.has(key) ? key : undefined)))
      }
    })

    it('takes every key that partitions have', async () => {
      const store = (await makeStore()).open()
      const keys = [
        "stat_area_name=Coeur d'Alene, ID/f.parquet",
        'stat_area_name=a%2Fb;(c)&d+e~!@$,|`<>/f.parquet',
        'stat_area_name=Zürich 東京 😀/f.parquet',
        'state=__NULL__/f.parquet',
        'state=/f.parquet',
        '.hidden/..x/x..',
        ' / x ',
      ]
      for (const key of keys) await store.put(key, text(key), GO_ON)
      expect(await keysOf(store)).toEqual(keys.toSorted())
      for (const key of keys) expect(Buffer.from(await store.get(key, GO_ON)).toString()).toBe(key)
    })

    it.each([
      ['is empty', ''],
      ['starts with a slash', '/a'],
      ['ends with a slash', 'a/'],
      ['has an empty part', 'a//b'],
      ['leads up', '..'],
      ['leads up and down again', 'a/../b'],
      ['starts where it is', './a'],
      ['ends where it is', 'a/.'],
      ['holds a NUL', 'a\0b'],
      ['has 1,025 bytes', `${'x'.repeat(100)}/`.repeat(10) + 'x'.repeat(15)],
    ])('refuses a key that %s', async (_, key) => {
      const store = (await makeStore()).open()
      await expect(store.put(key, text('x'), GO_ON)).rejects.toThrow(expect.objectContaining({ kind: 'InputError' }))
      expect(await keysOf(store)).toEqual([])
    })

    it('tells two names apart exactly where it keeps an object below each of them', async () => {
      const pairs = [
        ['Aetna', 'aetna'],
        ['Caf\u00e9', 'Cafe\u0301'],
        ['TX', '\ufeffTX'],
        ['a.', 'a'],
        ['a', 'a'],
      ] as const
      const { open } = await makeStore()
      // Before there is anything, and with the folder there.
      for (const round of ['p', 'q']) {
        for (const [i, [first, second]] of pairs.entries()) {
          const apart = await open().tellsApart(first, second, GO_ON)
          expect(await keysOf(open(), `${round}${i}`)).toEqual([])
          await open().put(`${round}${i}/${first}/x`, text('1'), GO_ON)
          await open().put(`${round}${i}/${second}/x`, text('2'), GO_ON)
          expect([first, second, apart]).toEqual([first, second, (await keysOf(open(), `${round}${i}`)).length === 2])
        }
      }
    })

    it('lists what is under a prefix, which is a folder, and nothing beside it', async () => {
      const store = (await makeStore()).open()
      expect(await keysOf(store)).toEqual([])
      expect(await keysOf(store, 'runs')).toEqual([])
      for (const key of ['runs/1/a', 'runs/1/b/c', 'runs/10/a', 'run']) await store.put(key, text(key), GO_ON)
      expect(await keysOf(store)).toEqual(['run', 'runs/1/a', 'runs/1/b/c', 'runs/10/a'])
      expect(await keysOf(store, 'runs/1')).toEqual(['runs/1/a', 'runs/1/b/c'])
      expect(await keysOf(store, 'runs/1/')).toEqual(['runs/1/a', 'runs/1/b/c'])
      const [object] = await listed(store, 'runs/10')
      const modifiedMs = expect.any(Number)
      expect(object).toEqual({ ...(await store.stat(['runs/10/a'], GO_ON))[0], modifiedMs })
    })

    it('tells in a listing when an object was written', async () => {
      const store = (await makeStore()).open()
      const before = Date.now()
      await store.put('a', text('a'), GO_ON)
      const [object] = await listed(store)
      // Clocks of stores count whole seconds, and are another machine's.
      expect(Math.abs((object?.modifiedMs ?? 0) - before)).toBeLessThan(60_000)
    })

    it('deletes keys, and does not mind those that are gone', async () => {
      const store = (await makeStore()).open()
      for (const key of ['a/b/c', 'a/b/d', 'a/e']) await store.put(key, text(key), GO_ON)
      await store.delete(['a/b/c', 'nothing', 'a/b', 'a/b/d', 'a/b/c'], GO_ON)
      expect(await keysOf(store)).toEqual(['a/e'])
      await store.put('a/b/c', text('again'), GO_ON)
      expect(await keysOf(store)).toEqual(['a/b/c', 'a/e'])
    })

    it('deletes what is still as it was seen, tells what is not, and asks before it begins', async () => {
      const store = (await makeStore()).open()
      const seen: StoredObject[] = []
      for (const key of ['a/same', 'a/changed', 'a/gone']) seen.push(await store.put(key, text(key), GO_ON))
      if (!lacks.ignoresConditions) await store.put('a/changed', text('another'), GO_ON)
      await store.delete(['a/gone'], GO_ON)
      const refused = store.deleteUnchanged(seen, () => Promise.reject(new Error('too late')), GO_ON)
      await expect(refused).rejects.toThrow('too late')
      expect(await keysOf(store)).toEqual(['a/changed', 'a/same'])
      const changed = await store.deleteUnchanged(seen, () => Promise.resolve(), GO_ON)
      expect(changed).toEqual(lacks.ignoresConditions ? [] : ['a/changed'])
      expect(await keysOf(store)).toEqual(changed)
    })

    it('hands out a local file with the bytes', async () => {
      const store = (await makeStore()).open()
      await store.put('a/b', text('hello'), GO_ON)
      expect(readFileSync(await store.fetchLocal('a/b', lakeFolder(), GO_ON), 'utf8')).toBe('hello')
    })

    it('starts puts that are on their way together, with pieces whose memory is used again', async () => {
      const store = (await makeStore()).open()
      const piece = new Uint8Array(100)
      const started: Awaited<ReturnType<ObjectStore['startPut']>>[] = []
      for (let i = 0; i < 50; i++) {
        piece.fill(i)
        started.push(await store.startPut(`o/${i}`, [piece], GO_ON))
      }
      piece.fill(255)
      for (const [i, { stored }] of started.entries()) {
        expect(await stored).toMatchObject({ key: `o/${i}`, bytes: 100, sha256: sha256(new Uint8Array(100).fill(i)) })
        expect(Buffer.from(await store.get(`o/${i}`, GO_ON))).toEqual(Buffer.alloc(100, i))
      }
      expect(
        (
          await store.stat(
            Array.from({ length: 51 }, (_, i) => `o/${i}`),
            GO_ON,
          )
        ).map((o) => o?.bytes),
      ).toEqual([...Array.from({ length: 50 }, () => 100), undefined])
    })

    it('flushes a folder, one object, or nothing at all', async () => {
      const store = (await makeStore()).open()
      for (const key of ['u/1', 'u/v/2']) await store.put(key, text(key), GO_ON)
      for (const prefix of ['u', 'u/', 'u/1', 'nothing', '']) await store.flush(prefix, GO_ON)
      expect(await keysOf(store)).toEqual(['u/1', 'u/v/2'])
    })

    it('does nothing once the signal is aborted', async () => {
      const store = (await makeStore()).open()
      await store.put('x', text('x'), GO_ON)
      const stopped = AbortSignal.abort(new Error('stopped'))
      const other = (await makeStore()).open()
      const attempts = [
        store.put('y', text('y'), stopped),
        store.startPut('y', text('y'), stopped),
        store.putIfAbsent('y', text('y'), stopped),
        store.get('x', stopped),
        store.find('x', stopped),
        store.digest('x', stopped),
        store.stat(['x'], stopped),
        store.flush('', stopped),
        store.delete(['x'], stopped),
        store.deleteUnchanged([{ key: 'x', etag: 'x' }], () => Promise.resolve(), stopped),
        store.retire('x', stopped),
        other.publish(store.locate('x'), 'x', { expect: 'absent' }, stopped),
        store.list('', stopped)[Symbol.asyncIterator]().next(),
      ]
      for (const attempt of attempts) await expect(attempt).rejects.toThrow('stopped')
      expect(await keysOf(store)).toEqual(['x'])
      expect(await keysOf(other)).toEqual([])
    })

    describe('creating unless there is one', () => {
      it('keeps the first and returns it to everybody', async () => {
        const store = (await makeStore()).open()
        expect(await store.putIfAbsent('r', text('first'), GO_ON)).toEqual(text('first'))
        expect(Buffer.from(await store.putIfAbsent('r', text('second'), GO_ON)).toString()).toBe('first')
        expect(Buffer.from(await store.get('r', GO_ON)).toString()).toBe('first')
        expect(await keysOf(store)).toEqual(['r'])
      })

      it('has one winner among many at once', async () => {
        const { open } = await makeStore()
        const writers = Array.from({ length: 20 }, (_, i) => ({ store: open(), bytes: text(`writer ${i}`) }))
        const answers = await Promise.all(writers.map(({ store, bytes }) => store.putIfAbsent('r', bytes, GO_ON)))
        expect(new Set(answers.map((bytes) => Buffer.from(bytes).toString())).size).toBe(1)
        expect(Buffer.from(await open().get('r', GO_ON))).toEqual(Buffer.from(answers[0] ?? []))
      })
    })

    describe('publishing', () => {
      const source = 'runs/1/objects/7'
      async function staged(value = 'new'): Promise<{ store: ObjectStore; from: string }> {
        const store = (await makeStore()).open()
        await store.put(source, text(value), GO_ON)
        return { store, from: store.locate(source) }
      }

      it('moves an object to a key where nothing is', async () => {
        const { store, from } = await staged()
        const result = await store.publish(from, 't/a/b', { expect: 'absent' }, GO_ON)
        expect(result).toEqual({ outcome: 'moved', etag: (await store.stat(['t/a/b'], GO_ON))[0]?.etag })
        expect(Buffer.from(await store.get('t/a/b', GO_ON)).toString()).toBe('new')
        expect(await keysOf(store, 't/')).toEqual(['t/a/b'])
      })

      it('moves an object from one root to another', async () => {
        const { from } = await staged()
        const table = (await makeStore()).open()
        expect(await table.publish(from, 't', { expect: 'absent' }, GO_ON)).toMatchObject({ outcome: 'moved' })
        expect(await keysOf(table)).toEqual(['t'])
      })

      it('replaces the object that was seen there', async () => {
        const { store, from } = await staged()
        const { etag } = await store.put('t', text('old'), GO_ON)
        const result = await store.publish(from, 't', { expect: 'etag', etag }, GO_ON)
        expect(result).toEqual({ outcome: 'moved', etag: (await store.stat(['t'], GO_ON))[0]?.etag })
        expect(Buffer.from(await store.get('t', GO_ON)).toString()).toBe('new')
      })

      it.each([
        ['something is where nothing was', { expect: 'absent' } as const],
        ['something else is there', { expect: 'etag', etag: 'of an earlier object' } as const],
      ])('changes nothing where %s', async (_, condition) => {
        const { store, from } = await staged()
        const found = await store.put('t', text('old'), GO_ON)
        const { sha256: _sha256, ...object } = found
        expect(await store.publish(from, 't', condition, GO_ON)).toEqual({ outcome: 'mismatch', found: object })
        expect(Buffer.from(await store.get('t', GO_ON)).toString()).toBe('old')
        expect(Buffer.from(await store.get(source, GO_ON)).toString()).toBe('new')
      })

      it('changes nothing where the object that was seen is gone', async () => {
        const { store, from } = await staged()
        const { etag } = await store.put('t', text('old'), GO_ON)
        await store.delete(['t'], GO_ON)
        expect(await store.publish(from, 't', { expect: 'etag', etag }, GO_ON)).toEqual({
          outcome: 'mismatch',
          found: undefined,
        })
        expect(await keysOf(store)).toEqual([source])
      })

      it('says what stands there when an earlier attempt has moved it', async () => {
        const { store, from } = await staged()
        await store.publish(from, 't', { expect: 'absent' }, GO_ON)
        const [object] = await store.stat(['t'], GO_ON)
        const again = await store.publish(from, 't', { expect: 'absent' }, GO_ON)
        expect(again.outcome).not.toBe('moved')
        expect(again).toMatchObject({ found: object })
      })

      it('says what stands there when the source is gone', async () => {
        const { store, from } = await staged()
        await store.publish(from, 't', { expect: 'absent' }, GO_ON)
        await store.retire('runs/1/objects', GO_ON)
        const [object] = await store.stat(['t'], GO_ON)
        const again = await store.publish(from, 't', { expect: 'absent' }, GO_ON)
        expect(again).toEqual({ outcome: 'sourceMissing', found: object })
        const elsewhere = await store.publish(from, 'u', { expect: 'absent' }, GO_ON)
        expect(elsewhere).toEqual({ outcome: 'sourceMissing', found: undefined })
      })

      if (lacks.ignoresConditions) return
      it('has one winner among many at once', async () => {
        const { open } = await makeStore()
        const sources = Array.from({ length: 10 }, (_, i) => `runs/${i}/object`)
        for (const key of sources) await open().put(key, text(key), GO_ON)
        const results = await Promise.all(
          sources.map((key) => open().publish(open().locate(key), 't', { expect: 'absent' }, GO_ON)),
        )
        expect(results.filter(({ outcome }) => outcome === 'moved')).toHaveLength(1)
        expect(results.filter(({ outcome }) => outcome === 'mismatch')).toHaveLength(9)
        const winner = sources[results.findIndex(({ outcome }) => outcome === 'moved')]
        expect(Buffer.from(await open().get('t', GO_ON)).toString()).toBe(winner)
      })
    })

    describe('retiring the objects of an abandoned run', () => {
      it('leaves a late worker nothing to publish, and other runs as they are', async () => {
        const { open } = await makeStore()
        const store = open()
        for (const key of ['runs/1/objects/a', 'runs/1/objects/b/c', 'runs/1/plan.json', 'runs/10/objects/a']) {
          await store.put(key, text(key), GO_ON)
        }
        const late = store.locate('runs/1/objects/a')
        await open().retire('runs/1/objects', GO_ON)
        expect(await store.publish(late, 't', { expect: 'absent' }, GO_ON)).toEqual({
          outcome: 'sourceMissing',
          found: undefined,
        })
        expect(await keysOf(store)).toEqual(['runs/1/plan.json', 'runs/10/objects/a'])
        await store.retire('runs/1/objects', GO_ON)
        await store.put('runs/1/objects/a', text('again'), GO_ON)
        expect(await keysOf(store, 'runs/1/objects')).toEqual(['runs/1/objects/a'])
      })
    })
  })
}
