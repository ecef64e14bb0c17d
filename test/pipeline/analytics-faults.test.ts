import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { snapshotAt } from '../../src/analytics/snapshot-at.js'
import { loadConfig } from '../../src/config/load.js'
import type { CommittedAnalytics } from '../../src/records/analytics.js'
import { readStamps, readTree } from '../check-star/tree.js'
import { filesUnder } from '../oracle/compare-table.js'
import { comparedFiles } from '../oracle/same-rows.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { type InProcessRun, Lake, type LakeOptions } from './in-process-run.js'

/** Places at which the process "is killed": what comes after them is not done. */
const struck = vi.hoisted(() => ({ at: new Set<string>() }))

class Killed extends Error {}

vi.mock('../../src/runtime/fail-point.js', () => ({
  failPoint: (name: string): void => {
    if (struck.at.delete(name)) throw new Killed(name)
  },
}))

/** Of runs that others take over from … */
const LEASE_MS = 1_000
/** … and of those that nobody does, however slow the machine. */
const LONG_LEASE_MS = 600_000
const ON: Omit<LakeOptions, 'star'> = {
  analytics: { enabled: true, target_file_rows: 12 },
  partitionColumns: ['payer_slug', 'month'],
}

let root: string
let lake: Lake

/** A lake in which 24 facts are published. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-faults-'))
  for (const facts of [24, 36, 48]) {
    await writeStar(starOf(facts), severalFilesStar(Array.from({ length: facts }, (_, i) => variedFact(i))))
  }
  lake = new Lake(join(root, 'lake'))
  configure(24)
  await lake.run('first')
  lake.keep()
})
beforeEach(() => {
  struck.at.clear()
  lake.putBack()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function starOf(facts: number): string {
  return join(root, `star-${facts}`)
}

function configure(facts: number, leaseMs = LEASE_MS): void {
  lake.configure({ star: starOf(facts), ...ON, processing: { lock_lease_ms: leaseMs } })
}

function committedBy(runId: string): CommittedAnalytics {
  return lake.record<CommittedAnalytics>(runId, 'analytics.json')
}

/** Runs of the snapshots, oldest first, as pyiceberg reads them. */
async function runsOfSnapshots(): Promise<(string | undefined)[]> {
  const { snapshots } = await new PyIceberg(lake.analytics).describe()
  return snapshots.map(([, , summary]) => summary['etl3.run-id'])
}

/** The table as a reader of Iceberg finds it has the rows of the partitions. */
async function expectSameRows(): Promise<void> {
  const read = join(root, 'read.parquet')
  await new PyIceberg(lake.analytics).save(read)
  const { expected, found, differences } = await comparedFiles(filesUnder(lake.table), [read])
  expect(differences).toEqual([])
  expect(found).toBe(expected)
}

/** Does some of a run's steps once more, as an attempt does that was thought to be lost. */
async function again(run: InProcessRun, step: string): Promise<void> {
  for await (const _ of run.steps(new Set(['planPartitions', step])));
}

describe('a late worker', () => {
  it('that comes to commit after another run has published changes nothing, and says that it is late', async () => {
    configure(36)
    const late = await lake.open('late')
    await late.until('commitAnalytics')
    await delay(LEASE_MS + 100)
    configure(48)
    const { runId } = await lake.run('other')
    const before = readStamps(lake.analytics)

    await expect(again(late, 'commitAnalytics')).rejects.toMatchObject({ code: 'ETL3-LK-02' })
    expect(readStamps(lake.analytics)).toEqual(before)
    expect((await runsOfSnapshots()).at(-1)).toBe(runId)
    await expectSameRows()
  })

  it('that writes or commits again what was committed leaves every byte as it is', async () => {
    configure(36)
    const run = await lake.open('run')
    await run.until('publishPartitions')
    const before = readTree(lake.analytics)
    for (const step of ['writeAnalytics', 'auditAnalytics', 'commitAnalytics']) await again(run, step)
    expect(readTree(lake.analytics)).toEqual(before)
    await run.toEnd()
    await expectSameRows()
  })
})

describe('two attempts at once', () => {
  it.each(['writeAnalytics', 'auditAnalytics', 'commitAnalytics'])('of %s end as one does', async (step) => {
    configure(36)
    const run = await lake.open('run')
    await run.until(step)
    await Promise.all([again(run, step), again(run, step)])
    await run.toEnd()
    expect(await runsOfSnapshots()).toHaveLength(2)
    await expectSameRows()
  })
})

describe('two runs', () => {
  it('publish one after the other, each as a whole: the second one finds the lock taken', async () => {
    configure(36, LONG_LEASE_MS)
    const first = await lake.open('run')
    configure(48, LONG_LEASE_MS)
    await expect(lake.open('other')).rejects.toMatchObject({ code: 'ETL3-LK-01' })
    const { runId } = await first.toEnd()
    const second = await lake.run('other')
    expect((await runsOfSnapshots()).slice(-2)).toEqual([runId, second.runId])
    await expectSameRows()
  })
})

describe('the instant of a snapshot', () => {
  it('is that of its commit: before it, the table at that instant is the one before', async () => {
    configure(36)
    const run = await lake.open('run')
    await run.until('commitAnalytics')
    const before = new Date().toISOString()
    await delay(5)
    const { runId } = await run.toEnd()

    const { config } = loadConfig({ file: join(lake.root, 'c.yaml'), env: {} })
    const filesAt = async (asOf: string): Promise<number> =>
      (await snapshotAt(config, asOf, new AbortController().signal)).files.reduce((sum, { rows }) => sum + rows, 0)
    expect(committedBy(runId).timestampMs).toBeGreaterThan(Date.parse(before))
    expect(await filesAt(before)).toBeLessThan(await filesAt('2999-01-01'))
    expect(await filesAt('2999-01-01')).toBe(committedBy(runId).rows)
  })

  it('stays that of the commit where the worker was killed after it and the run taken up later', async () => {
    configure(36)
    struck.at.add('analytics:after-commit')
    await expect(lake.run('run')).rejects.toThrow(Killed)
    const killed = Date.now()
    await delay(20)
    const { runId, analytics } = await lake.run('run')

    const { snapshots } = await new PyIceberg(lake.analytics).describe()
    const [, instant] = snapshots.find(([, , summary]) => summary['etl3.run-id'] === runId) ?? []
    expect(instant).toBeLessThanOrEqual(killed)
    expect(committedBy(runId).timestampMs).toBe(instant)
    expect(analytics?.committed?.at).toBe(new Date(instant ?? 0).toISOString())
  })
})

describe('a change of somebody else', () => {
  it('of a column, which makes no snapshot, stops a run over an unchanged input as well', async () => {
    await new PyIceberg(lake.analytics).write({ write: 'rename', column: 'city' })
    const before = readStamps(lake.table)
    await expect(lake.run('second')).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    expect(readStamps(lake.table)).toEqual(before)
  })

  it('is set aside by a run that is told to, also where it is one that was stopped before', async () => {
    const theirs = await new PyIceberg(lake.analytics).write({ write: 'delete', where: ['EqualTo', 'code', 'X1'] })
    await expect(lake.run('second')).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    lake.configure({ star: starOf(24), ...ON, analytics: { ...ON.analytics, foreign_commits: 'set_aside' } })
    const { status, partitions, analytics, runId } = await lake.run('second')
    expect(status).toBe('published')
    expect(partitions.kept).toBe(partitions.total)
    const [told] = analytics?.committed?.setAside ?? []
    // It rewrites the file without the rows.
    expect(told).toMatchObject({ operation: 'overwrite', wayBack: expect.stringContaining(theirs) })
    const receipt = lake.record<{ readonly ledger: { readonly analytics: unknown } }>(runId, 'receipt.json')
    expect(receipt.ledger.analytics).toMatchObject({ setAside: analytics?.committed?.setAside })
    for (const report of ['report.html', 'report.md'])
      expect(readFileSync(lake.recordPath(runId, report), 'utf8')).toContain(
        `snapshot ${told?.snapshotId} of ${told?.at}, operation overwrite`,
      )
    await expectSameRows()
    configure(24)
    expect((await lake.run('third')).status).toBe('unchanged')
  })

  it('is told by the run that set it aside, also where its worker was killed right after the commit', async () => {
    await new PyIceberg(lake.analytics).write({ write: 'delete', where: ['EqualTo', 'code', 'X1'] })
    lake.configure({ star: starOf(24), ...ON, analytics: { ...ON.analytics, foreign_commits: 'set_aside' } })
    struck.at.add('analytics:after-commit')
    await expect(lake.run('second')).rejects.toThrow(Killed)
    expect((await lake.run('second')).analytics?.committed?.setAside).toMatchObject([{ operation: 'overwrite' }])
  })
})
