import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { differenceOf, sentenceOf, type Tree } from '../check-star/tree.js'
import { type CatalogContents, catalogOf } from './support/catalog.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from './support/stars.js'
import { until } from './support/until.js'

/** About 300 partitions: a run takes a few seconds. */
const FACTS = 400

/** A published table, and what it becomes with a changed input and back. */
interface Scene {
  readonly star: StarOnDisk
  readonly changed: StarOnDisk
  readonly published: Home
  readonly publishedTree: Tree
  readonly publishedRows: CatalogContents['partitions']
  readonly changedTree: Tree
  readonly changedCatalog: CatalogContents
}

let scene: Scene

beforeAll(async () => {
  const star = await demoStar(FACTS)
  const { star: changed } = await withChangedGroup(star)
  const published = new Home(star.options)
  await published.start().result()
  await using undisturbed = published.copy(changed.options)
  await undisturbed.start().result()
  scene = {
    star,
    changed,
    published,
    publishedTree: published.tree,
    publishedRows: (await catalogOf(published)).partitions,
    changedTree: undisturbed.tree,
    changedCatalog: await catalogOf(undisturbed),
  }
})

afterAll(async () => {
  await scene.published[Symbol.asyncDispose]()
})

function expectSame(before: Tree, after: Tree): void {
  expect(sentenceOf(differenceOf(before, after))).toBeUndefined()
}

describe('exactly once', () => {
  it.concurrent('the same run started twice at once is one run, and both commands get its result', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const commands = [home.start(), home.start()]
    const [first, second] = await Promise.all(commands.map(async (command) => await command.result()))
    expect(second?.runId).toBe(first?.runId)
    expect(commands.filter(({ stderr }) => stderr.includes('attached to the run that is already going'))).toHaveLength(
      1,
    )
    expectSame(scene.changedTree, home.tree)
  })

  it.concurrent('other work on the same output is refused while a run goes on (exit 6)', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    const refused = await home.start({ ETL3_DATA_QUALITY_RULES_RATE_RANGE_MAX: '500' }).failure(6)
    expect(refused).toMatchObject({ kind: 'ConflictError', code: 'ETL3-CL-03' })
    expect(refused.message).toContain('data_quality.rules.rate_range.max')
    signalProcess(worker, 'SIGCONT')
    await command.result()
    expectSame(scene.changedTree, home.tree)
  })

  it.concurrent('a run on another server is refused while the lock of the output is held (exit 6)', async () => {
    await using home = scene.published.copy(scene.changed.options)
    await using elsewhere = home.elsewhere()
    const command = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    const refused = await elsewhere.start().failure(6)
    expect(refused).toMatchObject({ kind: 'ConflictError', code: 'ETL3-LK-01' })
    expect(refused.message).toContain(home.metadata)
    signalProcess(worker, 'SIGCONT')
    await command.result()
    expectSame(scene.changedTree, home.tree)
  })

  for (const place of ['write:partition', 'write:before-record', 'publish:partition', 'register:before']) {
    it.concurrent(`an attempt that was silent at ${place} and overlaps its retry changes nothing`, async () => {
      await using home = scene.published.copy(scene.changed.options)
      const command = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
      const late = await home.untilStopped(place)
      const other = home.start({ ETL3_TEMPORAL_ADDRESS: home.address, ETL3_FAILPOINT: '' }, ['worker'])
      try {
        const before = home.currentRun
        await until('the retry to publish', () => home.currentRun !== before)
        const stamps = home.stamps
        signalProcess(late, 'SIGCONT')
        const { status } = await command.result()
        expect(status).toBe('published')
        expectSame(scene.changedTree, home.tree)
        expect(await catalogOf(home)).toEqual(scene.changedCatalog)
        if (place !== 'register:before') expectSame(stamps, home.stamps)
      } finally {
        other.child.kill('SIGTERM')
        await other.exited
      }
    })
  }

  it.concurrent('an object that somebody else puts in the way while a run is under way stops it, and the next one plans anew', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'activity:auditObjects:start', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('activity:auditObjects:start')
    const { added, changed } = differenceOf(scene.publishedTree, scene.changedTree)
    const [place = ''] = [...added, ...changed]
    const inTheWay = join(home.table, place)
    mkdirSync(dirname(inTheWay), { recursive: true })
    writeFileSync(inTheWay, 'of somebody else')
    signalProcess(worker, 'SIGCONT')
    const failure = await command.failure(6)
    expect(failure).toMatchObject({ code: 'ETL3-PU-01', message: expect.stringContaining(inTheWay) })
    expect(failure.message).toContain('has 16 bytes and SHA-256 ')
    expect(failure.message).toContain(`of ${added.size + changed.size} new and changed partitions`)

    const { status } = await home.start().result()
    expect(status).toBe('published')
    expectSame(scene.changedTree, home.tree)
    expect(await catalogOf(home)).toEqual(scene.changedCatalog)
  })

  it.concurrent("an object that is put back from a backup while a run is under way is nobody else's", async () => {
    await using home = scene.published.copy(scene.changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'activity:auditObjects:start', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('activity:auditObjects:start')
    const [changed = ''] = differenceOf(scene.publishedTree, scene.changedTree).changed
    const object = join(home.table, changed)
    const bytes = readFileSync(object)
    rmSync(object)
    writeFileSync(object, bytes)
    signalProcess(worker, 'SIGCONT')
    expect((await command.result()).status).toBe('published')
    expectSame(scene.changedTree, home.tree)
  })

  const DANGEROUS = [
    'write:partition',
    'record:units/0.json',
    'publish:partition',
    'publish:before-record',
    'register:before',
    'register:show',
    'remove:before',
    'report:before-current',
  ]
  for (const place of DANGEROUS) {
    it.concurrent(`a worker of an older run that wakes at ${place} after a newer one has published changes nothing`, async () => {
      const lease = { processing: { lock_lease_ms: 2_000 } }
      await using home = scene.published.copy({ ...scene.changed.options, ...lease })
      await using elsewhere = home.elsewhere()
      const older = home.start({ ETL3_FAILPOINT: place, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
      const late = await home.untilStopped(place)
      await pause(2_500)

      // The input goes back to the first one: what the older run would remove or replace is wanted again.
      home.configure({ ...scene.star.options, ...lease })
      const { runId } = await elsewhere.start({ ETL3_FAILPOINT: '' }).result()
      expectSame(scene.publishedTree, home.tree)
      const stamps = home.stamps

      signalProcess(late, 'SIGCONT')
      const failure = await older.failure(6)
      expect(failure.kind).toBe('ConflictError')
      expectSame(stamps, home.stamps)
      expectSame(scene.publishedTree, home.tree)
      expect((await catalogOf(home)).partitions).toEqual(scene.publishedRows)
      expect(home.currentRun).toBe(runId)
      expect(existsSync(join(home.metadata, 'runs', runId, 'manifest.parquet'))).toBe(true)
    })
  }
})
