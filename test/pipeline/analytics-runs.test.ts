import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommittedAnalytics } from '../../src/records/analytics.js'
import { differenceOf, readStamps, readTree, sentenceOf, type Tree } from '../check-star/tree.js'
import { filesUnder } from '../oracle/compare-table.js'
import { comparedFiles } from '../oracle/same-rows.js'
import { text } from '../oracle/sql.js'
import { NPI_B } from '../stars/good-star.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { type Star, withTable, writeStar } from '../stars/star.js'
import { type Change, PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { Lake, type LakeOptions } from './in-process-run.js'

/** Places at which the process "is killed": what comes after them is not done. */
const struck = vi.hoisted(() => ({ at: new Set<string>() }))

class Killed extends Error {}

vi.mock('../../src/runtime/fail-point.js', () => ({
  failPoint: (name: string): void => {
    if (struck.at.delete(name)) throw new Killed(name)
  },
}))

const FACTS = Array.from({ length: 72 }, (_, i) => variedFact(i))
const ON: Omit<LakeOptions, 'star'> = { analytics: { enabled: true, target_file_rows: 12 } }

let root: string
let lake: Lake
let first: CommittedAnalytics

/** Stars by name: as it was published, and with another member in group g2. */
let stars: { readonly published: string; readonly changed: string }

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-runs-'))
  const star = severalFilesStar(FACTS)
  stars = { published: await written('published', star), changed: await written('changed', withOtherMember(star)) }
  lake = new Lake(join(root, 'lake'))
  lake.configure({ star: stars.published, ...ON })
  const { runId, status } = await lake.run()
  expect(status).toBe('published')
  first = committedBy(runId)
  lake.keep()
})
beforeEach(() => {
  struck.at.clear()
  lake.putBack()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function written(name: string, star: Star): Promise<string> {
  const folder = join(root, name)
  await writeStar(folder, star)
  return folder
}

/** As many rows as before: files end where they did. */
function withOtherMember(star: Star): Star {
  return withTable(star, 'xrefs/xref_pg_member_npi', ({ columns, rows }) => ({
    columns,
    rows: [...rows.slice(0, -1), { pg_uid: 'g2', npi: NPI_B }],
  }))
}

function committedBy(runId: string): CommittedAnalytics {
  return lake.record<CommittedAnalytics>(runId, 'analytics.json')
}

function pathsOf({ files }: CommittedAnalytics): string[] {
  return files.map(({ file }) => file.path)
}

interface Metadata {
  readonly 'current-snapshot-id': number
  readonly snapshots: readonly { readonly 'snapshot-id': number; readonly summary: Record<string, string> }[]
}

/** The metadata that readers of the folder find. Ids lose digits here: they are compared with each other only. */
function currentMetadata(): Metadata {
  const hint = readFileSync(join(lake.analytics, 'metadata', 'version-hint.text'), 'utf8').trim()
  const metadata: Metadata = JSON.parse(
    readFileSync(join(lake.analytics, 'metadata', `v${hint}.metadata.json`), 'utf8'),
  )
  return metadata
}

/** Runs of the snapshots, oldest first. */
function runsOfSnapshots(): (string | undefined)[] {
  return currentMetadata().snapshots.map(({ summary }) => summary['etl3.run-id'])
}

/** Has pyiceberg read the table, and compares all rows of what it read with the files of the other table. */
async function expectSameRows(): Promise<void> {
  const read = join(root, 'read.parquet')
  execFileSync(process.env['ETL3_PYTHON'] ?? 'python3', [
    '-W',
    'ignore',
    '-c',
    'import sys, pyarrow.parquet as pq; from pyiceberg.table import StaticTable; pq.write_table(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow(), sys.argv[2])',
    lake.analytics,
    read,
  ])
  const { expected, found, differences } = await comparedFiles(filesUnder(lake.table), [read])
  expect(differences).toEqual([])
  expect(found).toBe(expected)
  expect(found).toBeGreaterThan(100)
}

describe('a run', () => {
  it('publishes an Iceberg table in which pyiceberg finds the rows of the table of partitions', async () => {
    await expectSameRows()
    expect(first.files.length).toBeGreaterThan(10)
    expect(runsOfSnapshots()).toHaveLength(1)
  })

  it('over the same input says unchanged, and touches nothing', async () => {
    const before = readStamps(lake.analytics)
    expect((await lake.run('second')).status).toBe('unchanged')
    expect(readStamps(lake.analytics)).toEqual(before)
  })

  it('that has to mend the other table commits nothing, and knows the snapshot that stands', async () => {
    const before = readStamps(lake.analytics)
    rmSync(filesUnder(lake.table)[0] ?? '')
    const { status, runId } = await lake.run('second')
    expect(status).toBe('published')
    expect(readStamps(lake.analytics)).toEqual(before)
    expect(committedBy(runId)).toMatchObject({ snapshotId: first.snapshotId, added: 0, removed: 0, files: first.files })
    expect((await lake.run('third')).status).toBe('unchanged')
  })

  it('notices a file of the analytics table that is missing, and writes that one again', async () => {
    const [missing = '', ...others] = pathsOf(first)
    const before = readStamps(lake.table)
    rmSync(missing)
    const { runId, partitions } = await lake.run('second')
    expect(partitions).toMatchObject({ added: 0, replaced: 0, removed: 0 })
    const mended = committedBy(runId)
    expect(mended).toMatchObject({ added: 1, removed: 1, rows: first.rows })
    expect(pathsOf(mended).slice(1)).toEqual(others)
    expect(mended.files[0]?.sha256).toBe(first.files[0]?.sha256)
    expect(readStamps(lake.table)).toEqual(before)
    await expectSameRows()
  })

  it('after a change rewrites only the files that hold it, in one snapshot; and the way back likewise', async () => {
    lake.configure({ star: stars.changed, ...ON })
    const there = await lake.run('second')
    const second = committedBy(there.runId)
    const gone = pathsOf(first).filter((path) => !pathsOf(second).includes(path))
    const fresh = pathsOf(second).filter((path) => !pathsOf(first).includes(path))
    expect(gone.toSorted()).toEqual(await withGroup('g2', pathsOf(first)))
    expect(gone.length).toBeLessThan(first.files.length)
    expect(second).toMatchObject({ added: fresh.length, removed: gone.length })
    expect(await withGroup('g2', fresh)).toEqual(fresh.toSorted())
    expect(runsOfSnapshots()).toEqual([lakeRun(first), there.runId])
    await expectSameRows()

    lake.configure({ star: stars.published, ...ON })
    const back = await lake.run('third')
    const third = committedBy(back.runId)
    expect(third.files.map(({ fingerprint, sha256 }) => [fingerprint, sha256])).toEqual(
      first.files.map(({ fingerprint, sha256 }) => [fingerprint, sha256]),
    )
    expect(pathsOf(third).filter((path) => pathsOf(second).includes(path))).toHaveLength(
      first.files.length - gone.length,
    )
    expect(runsOfSnapshots()).toEqual([lakeRun(first), there.runId, back.runId])
    await expectSameRows()
  })
})

/** The run that wrote the files of a commit. */
function lakeRun(committed: CommittedAnalytics): string {
  return pathsOf(committed)[0]?.split('/').at(-2) ?? ''
}

/** Those of the files that have rows of a group. */
async function withGroup(group: string, paths: readonly string[]): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT filename FROM read_parquet([${paths.map(text).join(', ')}], filename = true) WHERE pg_uid = ${text(group)}`,
  )
  connection.closeSync()
  instance.closeSync()
  return found
    .getRowsJson()
    .map(([path]) => String(path))
    .toSorted()
}

describe('the analytics table that is switched on later', () => {
  it('is all that the run writes: every partition of the other table stays as it is', async () => {
    const late = new Lake(join(root, 'late'))
    late.configure({ star: stars.published, analytics: { enabled: false } })
    await late.run()
    expect(late.dataFiles).toEqual([])
    const before = readStamps(late.table)
    late.configure({ star: stars.published, ...ON })
    const { status, partitions } = await late.run('second')
    expect(status).toBe('published')
    expect(partitions.kept).toBe(partitions.total)
    expect(readStamps(late.table)).toEqual(before)
    expect(sentenceOf(differenceOf(dataOf(lake), dataOf(late)))).toBeUndefined()
    expect((await comparedFiles(filesUnder(late.table), late.dataFiles)).differences).toEqual([])
  })
})

/** SHA-256 of the data files by their name without the run. */
function dataOf({ analytics }: Lake): Tree {
  return new Map([...readTree(join(analytics, 'data'))].map(([path, digest]) => [basename(path), digest]))
}

/** In the order of a run. */
const PLACES = [
  'record:analytics-plan.json',
  'analytics:file',
  'analytics:before-record',
  'record:analytics/0.json',
  'analytics:audited',
  'record:analytics/audited-0.json',
  'analytics:before-commit',
  'analytics:after-commit',
  'record:analytics.json',
]

/** What is there when a run over the changed star has come to its end. */
async function afterRun(): Promise<unknown> {
  lake.configure({ star: stars.changed, ...ON })
  for (let attempt = 0; ; attempt++) {
    try {
      const { runId } = await lake.run('second')
      const { snapshotId: _id, timestampMs: _time, ...committed } = committedBy(runId)
      return {
        committed,
        runs: runsOfSnapshots(),
        table: readTree(lake.table),
        data: readTree(join(lake.analytics, 'data')),
        // Their names have the instant of the run in them.
        metadataFiles: filesUnder(join(lake.analytics, 'metadata')).length,
      }
    } catch (error) {
      if (!(error instanceof Killed) || attempt > PLACES.length) throw error
    }
  }
}

describe('a run that is killed and taken up again', () => {
  it('at each place in turn, ends with the snapshot and the bytes of one that nobody disturbed', async () => {
    const undisturbed = await afterRun()
    lake.putBack()
    struck.at = new Set(PLACES)
    expect(await afterRun()).toEqual(undisturbed)
    expect([...struck.at]).toEqual([])
    await expectSameRows()
  })

  it('after its commit by a run with another input, leaves no trace in what that one publishes', async () => {
    lake.configure({ star: stars.changed, ...ON, processing: { lock_lease_ms: 1_000 } })
    const given = await lake.open('second')
    await given.until('publishPartitions')
    expect(runsOfSnapshots()).toEqual([lakeRun(first), given.run.runId])
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    lake.configure({ star: stars.published, ...ON })
    const { runId } = await lake.run('third')
    expect(pathsOf(committedBy(runId))).toEqual(pathsOf(first))
    expect(runsOfSnapshots()).toEqual([lakeRun(first), given.run.runId, runId])
    await expectSameRows()
  })

  it('after its commit, and after another run has committed that came to no end either, commits again', async () => {
    const impatient = { ...ON, processing: { lock_lease_ms: 1_000 } }
    lake.configure({ star: stars.changed, ...impatient })
    const given = await lake.open('second')
    await given.until('publishPartitions')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    lake.configure({ star: stars.published, ...impatient })
    const other = await lake.open('third')
    await other.until('publishPartitions')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    lake.configure({ star: stars.changed, ...impatient })
    const { runId, status } = await lake.run('fourth')
    expect([runId, status]).toEqual([given.run.runId, 'published'])
    expect(runsOfSnapshots()).toEqual([lakeRun(first), runId, other.run.runId, runId])
    expect(new Set(currentMetadata().snapshots.map((snapshot) => snapshot['snapshot-id'])).size).toBe(4)
    expect((await lake.run('fifth')).status).toBe('unchanged')
    await expectSameRows()
  })
})

const CHANGES: readonly (readonly [string, Change])[] = [
  ['appended rows', { write: 'append' }],
  ['deleted a partition', { write: 'delete', where: ['EqualTo', 'month', '06'] }],
  ['deleted rows, which rewrites files', { write: 'delete', where: ['EqualTo', 'code', 'X1'] }],
]

describe('somebody else who has committed to the analytics table', () => {
  it.each(CHANGES)(
    '(%s) stops the run before it publishes anything, also over an unchanged input',
    async (_, change) => {
      const theirs = await new PyIceberg(lake.analytics).write(change)
      copyFileSync(theirs, join(lake.analytics, 'metadata', 'v2.metadata.json'))
      rmSync(theirs)
      const before = readStamps(lake.table)
      const current = readFileSync(join(lake.metadata, 'current.json'), 'utf8')
      await expect(lake.run('second')).rejects.toMatchObject({ code: 'ETL3-IC-02' })
      expect(readStamps(lake.table)).toEqual(before)
      expect(readFileSync(join(lake.metadata, 'current.json'), 'utf8')).toBe(current)
    },
  )
})
