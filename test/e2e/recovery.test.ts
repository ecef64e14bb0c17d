import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { differenceOf, sentenceOf, type Tree } from '../check-star/tree.js'
import { filesUnder } from '../oracle/compare-table.js'
import { type CatalogContents, catalogOf, manifestOf } from './support/catalog.js'
import { FAIL_POINTS } from './support/fail-points.js'
import { Home } from './support/home.js'
import { demoStar, type StarOnDisk, withChangedGroup } from './support/stars.js'
import { until } from './support/until.js'

/** About 300 partitions: a run takes a few seconds. */
const FACTS = 400

/** Each file of facts is staged by itself, so that a run also passes the places between two batches. */
const FILE_BY_FILE = { processing: { stage_batch_mb: 0 } }

/** Addresses in an Iceberg table are absolute, so a table that is copied has none yet: it is switched on after that. */
const WITH_ANALYTICS = {
  output: {
    uri: 'lake/table',
    metadata_uri: 'lake/etl3',
    analytics: { enabled: true, uri: 'lake/analytics', target_file_rows: 500 },
  },
}

/** A published table, an input in which one group has changed, and what a run that nobody disturbs makes of them. */
interface Scene {
  readonly published: Home
  readonly changed: StarOnDisk
  readonly undisturbed: Home
  readonly runId: string
  readonly tree: Tree
  readonly catalog: CatalogContents
  readonly manifest: unknown
  readonly analytics: AnalyticsState
  readonly passed: ReadonlySet<string>
}

let scene: Scene

beforeAll(async () => {
  const star = await demoStar(FACTS)
  const { star: withChange } = await withChangedGroup(star)
  const changed = { ...withChange, options: { ...withChange.options, ...FILE_BY_FILE, ...WITH_ANALYTICS } }
  const published = new Home({ ...star.options, ...FILE_BY_FILE })
  const first = published.start({ ETL3_FAILPOINT_TRACE: join(published.root, 'passed') })
  await first.result()
  const undisturbed = published.copy(changed.options)
  const result = await undisturbed.start({ ETL3_FAILPOINT_TRACE: join(undisturbed.root, 'passed') }).result()
  expect(result.partitions).toMatchObject({ added: expect.any(Number), removed: expect.any(Number) })
  scene = {
    published,
    changed,
    undisturbed,
    runId: result.runId,
    tree: undisturbed.tree,
    catalog: await catalogOf(undisturbed),
    manifest: await manifestOf(undisturbed, result.runId),
    analytics: analyticsOf(undisturbed, result.runId),
    passed: new Set(readFileSync(join(undisturbed.root, 'passed'), 'utf8').trim().split('\n')),
  }
})

afterAll(async () => {
  await scene.published[Symbol.asyncDispose]()
  await scene.undisturbed[Symbol.asyncDispose]()
})

/** The analytics table of a home. */
interface AnalyticsState {
  /** By path below the table's root; only of the files that the table names. */
  readonly files: unknown
  /** Runs of its snapshots, oldest first; whether the current one is that of the run's record. */
  readonly snapshots: unknown
}

function analyticsOf(home: Home, runId: string): AnalyticsState {
  const root = join(home.root, 'lake', 'analytics')
  const committed = home.record(runId, 'analytics.json')
  const files = z
    .array(z.object({ sha256: z.string(), file: z.object({ path: z.string() }) }))
    .parse(committed['files'])
  const version = readFileSync(join(root, 'metadata', 'version-hint.text'), 'utf8').trim()
  const metadata = readFileSync(join(root, 'metadata', `v${version}.metadata.json`), 'utf8')
  const current = /"current-snapshot-id": ?(\d+)/.exec(metadata)?.[1]
  return {
    files: files.map(({ sha256, file }) => [file.path.slice(root.length), sha256]),
    snapshots: [
      [...metadata.matchAll(/"etl3\.run-id": ?"([^"]*)"/g)].map(([, run]) => run),
      current === committed['snapshotId'],
    ],
  }
}

async function expectAsUndisturbed(home: Home, runId: string): Promise<void> {
  expect(sentenceOf(differenceOf(scene.tree, home.tree))).toBeUndefined()
  expect(runId).toBe(scene.runId)
  expect(await catalogOf(home)).toEqual(scene.catalog)
  expect(await manifestOf(home, runId)).toEqual(scene.manifest)
  expect(analyticsOf(home, runId)).toEqual(scene.analytics)
  const records = filesUnder(join(home.metadata, 'runs'))
  expect(records.filter((file) => /\/(?:staged\/.*\.parquet|objects\/.*|ended\.json)$/.test(file))).toEqual([])
}

describe('resume at any point', () => {
  it('is tested at every place that a run passes', () => {
    expect([...scene.passed].sort()).toEqual(FAIL_POINTS.flat().sort())
  })

  for (const places of FAIL_POINTS) {
    it.concurrent(`gives the same bytes after the worker is killed at ${places.join(', then at ')}`, async () => {
      await using home = scene.published.copy(scene.changed.options)
      const command = home.start({ ETL3_FAILPOINT: places.join() })
      const { runId } = await command.result()
      expect(places.filter((place) => !home.struck(place))).toEqual([])
      expect(command.stderr.split('Starting it again; the run goes on where it was')).toHaveLength(places.length + 1)
      await expectAsUndisturbed(home, runId)
    })
  }

  it.concurrent('gives the same bytes after worker, server and command are killed together, and takes up the same run', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const killed = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    const { server } = home
    if (!server) throw new Error('no server')
    killed.child.kill('SIGKILL')
    signalProcess(worker, 'SIGKILL')
    signalProcess(server, 'SIGKILL')
    await killed.exited
    const again = home.start()
    const { runId } = await again.result()
    expect(again.stderr).toContain('attached to the run that is already going')
    await expectAsUndisturbed(home, runId)
  })

  it.concurrent('goes on after the server was killed: it comes back at the same address with its history', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    const { server } = home
    if (!server) throw new Error('no server')
    signalProcess(server, 'SIGKILL')
    await until('a new server', () => home.server !== undefined && home.server.pid !== server.pid)
    signalProcess(worker, 'SIGCONT')
    const { runId } = await command.result()
    await expectAsUndisturbed(home, runId)
  })

  it.concurrent('goes on without the command after that was killed, and the same command finds the run again', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const killed = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    killed.child.kill('SIGKILL')
    await killed.exited
    const again = home.start()
    await again.says('attached to the run that is already going')
    signalProcess(worker, 'SIGCONT')
    const { runId } = await again.result()
    await expectAsUndisturbed(home, runId)
  })

  it.concurrent('goes on without the command after SIGTERM (exit 143), and worker and server end by themselves', async () => {
    await using home = scene.published.copy(scene.changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    command.child.kill('SIGTERM')
    expect(await command.exited).toBe(143)
    signalProcess(worker, 'SIGCONT')
    await until('everybody to leave', () => home.workers.length === 0 && home.server === undefined)
    await expectAsUndisturbed(home, scene.runId)
  })

  it.concurrent('is cancelled by Ctrl-C within one chunk (exit 130) with the table as it was, and completes when run again', async () => {
    await using home = scene.published.copy({
      ...scene.changed.options,
      processing: { ...FILE_BY_FILE.processing, chunk_size: 10 },
    })
    const before = home.tree
    const command = home.start({ ETL3_FAILPOINT: 'write:partition', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('write:partition')
    command.child.kill('SIGINT')
    await command.says('cancelling')
    await until('the request at the server', async () =>
      home.withWorkflow(async (handle) => {
        const { events } = await handle.fetchHistory()
        return (events ?? []).some((e) => e.workflowExecutionCancelRequestedEventAttributes)
      }),
    )
    signalProcess(worker, 'SIGCONT')
    expect(await command.exited).toBe(130)
    expect(sentenceOf(differenceOf(before, home.tree))).toBeUndefined()
    const { runId } = await home.start().result()
    await expectAsUndisturbed(home, runId)
  })
})
