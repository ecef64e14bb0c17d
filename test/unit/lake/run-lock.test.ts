import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { RunLock, type RunLockOptions } from '../../../src/lake/run-lock.js'
import { GO_ON, lakeFolder } from './folder/lake-folder.js'

const LEASE_MS = 1000
const START = Date.parse('2026-01-01T00:00:00Z')

/** A table's folder, a clock that only moves by hand, and machines with processes that live and die. */
class Scene {
  readonly root = lakeFolder()
  readonly dead = new Set<string>()
  now = START
  /** What others do while somebody watches a lock. */
  whileWatched: (() => Promise<unknown>) | undefined

  /** The lock as a process of a machine sees it. */
  on(host: string, pid = 1, options: RunLockOptions = {}): RunLock {
    return new RunLock(new FolderStore(this.root), {
      now: () => this.now,
      monotonic: () => this.now,
      pause: async (ms) => {
        this.now += ms
        await this.whileWatched?.()
      },
      leaseMs: LEASE_MS,
      host,
      pid,
      isAlive: (other) => !this.dead.has(`${host}/${other}`),
      ...options,
    })
  }

  records(): string[] {
    return readdirSync(join(this.root, 'lock')).toSorted()
  }
}

const wants = (owner: string): { owner: string; runId: string } => ({ owner, runId: `run of ${owner}` })
const held = expect.objectContaining({ code: 'ETL3-LK-01', exitCode: 6 })
const lost = expect.objectContaining({ code: 'ETL3-LK-02', exitCode: 6 })

describe('the run lock', () => {
  it('leaves a record that says who holds it, where, since when and until when', async () => {
    const scene = new Scene()
    const record = await scene.on('a', 7).acquire(wants('anna'), GO_ON)
    const file = join(scene.root, 'lock', '0000000001.json')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      number: 1,
      owner: 'anna',
      runId: 'run of anna',
      host: 'a',
      pid: 7,
      acquiredAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-01T00:00:01.000Z',
      leaseMs: LEASE_MS,
      released: false,
    })
    expect(record.number).toBe(1)
    expect(await scene.on('b').current(GO_ON)).toEqual(record)
  })

  it('is refused to others, who are told who has it and until when', async () => {
    const scene = new Scene()
    await scene.on('a', 7).acquire(wants('anna'), GO_ON)
    const refused = scene.on('b').acquire(wants('ben'), GO_ON)
    await expect(refused).rejects.toThrow(held)
    await expect(refused).rejects.toThrow(
      /anna \(run run of anna, process 7 on a\) since 2026-01-01T00:00:00.000Z.* ends at 2026-01-01T00:00:01.000Z.*ben/,
    )
    expect(scene.records()).toEqual(['0000000001.json'])
  })

  it('is given again, under its number, to the owner who holds it: also to another process of the same owner', async () => {
    const scene = new Scene()
    await scene.on('a').acquire(wants('anna'), GO_ON)
    scene.now += 500
    const again = await scene.on('b', 2).acquire(wants('anna'), GO_ON)
    expect(again).toMatchObject({
      number: 1,
      host: 'b',
      acquiredAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-01T00:00:01.500Z',
    })
    scene.now += 700
    await expect(scene.on('c').acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
  })

  it('is free once it is released, and its number is not given again', async () => {
    const scene = new Scene()
    const lock = scene.on('a')
    const first = await lock.acquire(wants('anna'), GO_ON)
    expect(await lock.holds(first, GO_ON)).toBe(true)
    await lock.release(first, GO_ON)
    await lock.release(first, GO_ON)
    expect(await lock.holds(first, GO_ON)).toBe(false)
    expect(await scene.on('b').acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2 })
    await scene.on('b').release({ number: 2, owner: 'ben' }, GO_ON)
    expect(await lock.acquire(wants('anna'), GO_ON)).toMatchObject({ number: 3 })
  })

  it('lasts as long as its lease, and longer when it is renewed', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    scene.now = START + LEASE_MS - 1
    await expect(scene.on('b').acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
    expect(await anna.renew(record, GO_ON)).toMatchObject({ number: 1, expiresAt: '2026-01-01T00:00:01.999Z' })
    scene.now = START + 2 * LEASE_MS - 2
    await expect(scene.on('b').acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
    scene.now = START + 2 * LEASE_MS - 1
    expect(await scene.on('b').acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2 })
  })

  it('is not taken from a living holder by a machine whose clock is ahead', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    const renew = LEASE_MS / 4
    let renewed = scene.now
    scene.whileWatched = async () => {
      if (scene.now - renewed < renew) return
      renewed = scene.now
      await anna.renew(record, GO_ON)
    }
    for (const aheadMs of [LEASE_MS + 1, 61_000, 7_200_000, -7_200_000]) {
      const ben = scene.on('b', 2, { now: () => scene.now + aheadMs })
      await expect(ben.acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
    }
    expect(await anna.holds(record, GO_ON)).toBe(true)
  })

  it('is taken from a dead holder within a lease, however far ahead its clock was, and not before', async () => {
    for (const aheadMs of [7_200_000, 3_000, -7_200_000]) {
      const scene = new Scene()
      const watched: number[] = []
      await scene.on('a', 1, { now: () => scene.now + aheadMs }).acquire(wants('anna'), GO_ON)
      const ben = scene.on('b', 2, { onWatch: (_, forMs) => watched.push(forMs) })
      expect(await ben.acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2 })
      expect(scene.now - START).toBe(LEASE_MS)
      expect(watched).toEqual([LEASE_MS])
    }
  })

  it('is watched for the lease of its holder, not for that of who wants it', async () => {
    const scene = new Scene()
    await scene.on('a', 1, { leaseMs: 5 * LEASE_MS }).acquire(wants('anna'), GO_ON)
    scene.now += 5 * LEASE_MS
    await scene.on('b').acquire(wants('ben'), GO_ON)
    expect(scene.now - START).toBe(10 * LEASE_MS)
  })

  it('is taken at once when its holder releases it while it is watched', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    scene.now += LEASE_MS
    scene.whileWatched = () => anna.release(record, GO_ON)
    expect(await scene.on('b').acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2 })
    expect(scene.now - START).toBeLessThan(1.2 * LEASE_MS)
  })

  it('is lost for good to a late holder after somebody took over', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    scene.now += LEASE_MS
    expect(await anna.holds(record, GO_ON)).toBe(true)
    await scene.on('b').acquire(wants('ben'), GO_ON)
    expect(await anna.holds(record, GO_ON)).toBe(false)
    await expect(anna.renew(record, GO_ON)).rejects.toThrow(lost)
    await expect(anna.renew(record, GO_ON)).rejects.toThrow(/number 1, owner anna.*now with ben/)
    expect(JSON.parse(readFileSync(join(scene.root, 'lock', '0000000001.json'), 'utf8'))).toEqual(record)
    await expect(anna.acquire(wants('anna'), GO_ON)).rejects.toThrow(held)
    await anna.release(record, GO_ON)
    expect(await scene.on('b').holds({ number: 2, owner: 'ben' }, GO_ON)).toBe(true)
    await scene.on('b').release({ number: 2, owner: 'ben' }, GO_ON)
    // Released by the one who took over: still not the late holder's.
    await expect(anna.renew(record, GO_ON)).rejects.toThrow(lost)
  })

  it('can be renewed late while nobody took over', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    scene.now += 10 * LEASE_MS
    expect(await anna.renew(record, GO_ON)).toMatchObject({ number: 1, expiresAt: '2026-01-01T00:00:11.000Z' })
    await expect(scene.on('b').acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
  })

  it('cannot be renewed by somebody else, or after it was released', async () => {
    const scene = new Scene()
    const anna = scene.on('a')
    const record = await anna.acquire(wants('anna'), GO_ON)
    await expect(scene.on('b').renew({ number: 1, owner: 'ben' }, GO_ON)).rejects.toThrow(lost)
    await scene.on('b').release({ number: 1, owner: 'ben' }, GO_ON)
    expect(await anna.holds(record, GO_ON)).toBe(true)
    await anna.release(record, GO_ON)
    await expect(anna.renew(record, GO_ON)).rejects.toThrow(lost)
  })

  it('is taken over at once where the holder was a process of this machine and is gone', async () => {
    const scene = new Scene()
    await scene.on('a', 7).acquire(wants('anna'), GO_ON)
    scene.dead.add('a/7').add('b/7')
    // Another machine cannot know: there a process of that number is somebody else.
    await expect(scene.on('b').acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
    expect(await scene.on('a', 8).acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2, pid: 8 })
  })

  it('keeps ten records', async () => {
    const scene = new Scene()
    const lock = scene.on('a')
    for (let i = 1; i <= 25; i++) {
      const record = await lock.acquire(wants(`owner ${i}`), GO_ON)
      expect(record.number).toBe(i)
      await lock.release(record, GO_ON)
    }
    expect(scene.records()).toEqual(Array.from({ length: 10 }, (_, i) => `00000000${i + 16}.json`))
    await expect(lock.renew({ number: 3, owner: 'owner 3' }, GO_ON)).rejects.toThrow(lost)
  })

  it('is not given to a contender who looked so long ago that its number has been trimmed', async () => {
    const scene = new Scene()
    class SlowStore extends FolderStore {
      override async putIfAbsent(...args: Parameters<FolderStore['putIfAbsent']>): Promise<Uint8Array> {
        // While this one sleeps, others take the lock so often that the number it wants is free again.
        for (let i = 1; scene.records().length === 0 || !scene.records().includes('0000000012.json'); i++) {
          const record = await scene.on('a').acquire(wants(`owner ${i}`), GO_ON)
          if (record.number < 12) await scene.on('a').release(record, GO_ON)
        }
        return await super.putIfAbsent(...args)
      }
    }
    const first = await scene.on('a').acquire(wants('first'), GO_ON)
    await scene.on('a').release(first, GO_ON)
    const slow = new RunLock(new SlowStore(scene.root), { now: () => scene.now, host: 's', pid: 1 })
    await expect(slow.acquire(wants('slow'), GO_ON)).rejects.toThrow(held)
  })

  it('says which record it cannot read', async () => {
    const scene = new Scene()
    await scene.on('a').acquire(wants('anna'), GO_ON)
    const file = join(scene.root, 'lock', '0000000001.json')
    writeFileSync(file, '{"number":')
    await expect(scene.on('b').acquire(wants('ben'), GO_ON)).rejects.toThrow(
      expect.objectContaining({ code: 'ETL3-LK-03', message: expect.stringContaining(file) }),
    )
  })

  it('has one holder among many who ask at once', async () => {
    for (let round = 0; round < 10; round++) {
      const scene = new Scene()
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => scene.on(`host ${i}`).acquire(wants(`owner ${i}`), GO_ON)),
      )
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toEqual(held)
      expect(scene.records()).toEqual(['0000000001.json'])
    }
  })
})

describe('the run lock between processes', () => {
  /** Starts a process that wants the lock of `root`, and waits until it is about to ask. */
  async function contender(root: string, owner: string): Promise<Contender> {
    const script = fileURLToPath(new URL('./lock-contender.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, root, owner])
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    expect(await lines.next()).toMatchObject({ value: 'ready' })
    return {
      child,
      ask: async () => {
        child.stdin.write('go\n')
        return JSON.parse((await lines.next()).value ?? '')
      },
    }
  }

  interface Contender {
    readonly child: ChildProcessWithoutNullStreams
    ask(): Promise<{ number?: number; code?: string }>
  }

  it('has one holder among processes that ask at the same moment', async () => {
    const root = lakeFolder()
    const contenders = await Promise.all(Array.from({ length: 4 }, (_, i) => contender(root, `owner ${i}`)))
    const answers = await Promise.all(contenders.map(({ ask }) => ask()))
    expect(answers.filter(({ number }) => number === 1)).toHaveLength(1)
    expect(answers.filter(({ code }) => code === 'ETL3-LK-01')).toHaveLength(3)
  })

  it('is taken over at once after SIGKILL', async () => {
    const root = lakeFolder()
    const anna = await contender(root, 'anna')
    expect(await anna.ask()).toEqual({ number: 1 })
    const lock = new RunLock(new FolderStore(root))
    await expect(lock.acquire(wants('ben'), GO_ON)).rejects.toThrow(held)
    anna.child.kill('SIGKILL')
    await once(anna.child, 'exit')
    expect(await lock.acquire(wants('ben'), GO_ON)).toMatchObject({ number: 2, pid: process.pid })
  })
})
