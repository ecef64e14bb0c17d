/** A vacuum of the analytics table where Glue names its current state: what pyiceberg reads there afterwards. */
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openAnalyticsTable } from '../../src/analytics/open-analytics-table.js'
import { loadConfig } from '../../src/config/load.js'
import type { Config } from '../../src/config/schema.js'
import { type VacuumResult, vacuum } from '../../src/history/vacuum.js'
import { commitTable, type IcebergTable } from '../../src/iceberg/commit-table.js'
import type { DataFile } from '../../src/iceberg/data-file.js'
import { PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { row, run, writeRows } from '../unit/iceberg/small-table.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { awsServers, REGION } from './glue-place.js'
import { awsError } from './json-front.js'
import { makeBucket } from './support/servers.js'

const DAY_MS = 24 * 60 * 60 * 1000
/** Long after everything that the tests write. */
const LATER_MS = Date.now() + 10 * DAY_MS

const servers = awsServers()

interface Place {
  readonly config: Config
  readonly table: IcebergTable
  readonly reader: PyIceberg
}

async function placeInGlue(keepSnapshots: number): Promise<Place> {
  const endpoint = servers.front.target
  const bucket = await makeBucket(endpoint)
  const database = `lake_${randomBytes(6).toString('hex')}`
  const uri = `s3://${bucket}/rates`
  const { config: builtIn } = loadConfig({ env: {} })
  const config: Config = {
    ...builtIn,
    output: {
      ...builtIn.output,
      uri: `s3://${bucket}/table`,
      metadata_uri: `s3://${bucket}/etl3`,
      analytics: { ...builtIn.output.analytics, enabled: true, uri, keep_snapshots: keepSnapshots },
    },
    athena: { ...builtIn.athena, database, region: REGION, analytics_table: 'rates' },
    processing: { ...builtIn.processing, scratch: lakeFolder() },
    s3: { ...builtIn.s3, endpoint, region: REGION },
  }
  onTestFinished(() => {
    servers.front.faults = []
  })
  const access = { region: REGION, 'access-key-id': 'testing', 'secret-access-key': 'testing' }
  const properties = Object.fromEntries(
    Object.entries({ glue: servers.front.url, s3: endpoint }).flatMap(([service, address]) =>
      Object.entries({ ...access, endpoint: address }).map(([name, value]) => [`${service}.${name}`, value]),
    ),
  )
  return {
    config,
    table: await openAnalyticsTable(config, uri),
    reader: new PyIceberg(`${database}.rates`, { glue: true, properties }),
  }
}

async function clean({ config }: Place): Promise<VacuumResult> {
  return await vacuum({ config, delete: true, olderThanHours: 24, signal: GO_ON, now: LATER_MS })
}

/** Stores the file of a run, with one row that says whose it is. */
async function fileOf({ table }: Place, n: number): Promise<DataFile> {
  return await writeRows(table, `${idOf(n)}/0`, [row({ payer: 'acme', month: '01', text: `run ${n}` })])
}

function idOf(n: number): string {
  return String(n).padStart(16, '0')
}

/** Commits that many runs. Each has the file of the first one, and one of its own. */
async function commitRuns(at: Place, count: number): Promise<void> {
  const first = await fileOf(at, 1)
  for (let n = 1; n <= count; n++) {
    const files = n === 1 ? [first] : [first, await fileOf(at, n)]
    await commitTable(at.table, run(n, files), GO_ON)
  }
}

async function keysOf({ table }: Place): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of table.store.list('', GO_ON)) keys.push(key)
  return keys.toSorted()
}

async function textsOf({ reader }: Place, snapshot?: string): Promise<unknown[]> {
  return (await reader.rows(null, snapshot)).rows.map(({ text }) => text).toSorted()
}

describe('a vacuum of the analytics table in Glue', () => {
  it('keeps the last snapshots, and deletes what only older ones name', async () => {
    const at = await placeInGlue(2)
    await commitRuns(at, 4)
    const { items } = await clean(at)
    expect(items).toMatchObject([{ reason: 'old snapshots', what: expect.stringMatching(/^2 of Glue: lake_/) }])

    const { snapshots } = await at.reader.describe()
    expect(snapshots.map(([, , summary]) => summary['etl3.run-id'])).toEqual(['run-3', 'run-4'])
    const [third, fourth] = snapshots.map(([id]) => String(id))
    expect(await textsOf(at, third)).toEqual(['run 1', 'run 3'])
    expect(await textsOf(at, fourth)).toEqual(['run 1', 'run 4'])
    const data = (await keysOf(at)).filter((key) => key.startsWith('data/'))
    expect(data).toEqual([1, 3, 4].map((n) => `data/${idOf(n)}/0.parquet`))

    // What it left is what the next run goes on from, and a second vacuum finds nothing.
    expect((await clean(at)).items).toEqual([])
    await commitTable(at.table, run(5, [await fileOf(at, 5)]), GO_ON)
    expect(await textsOf(at)).toEqual(['run 5'])
  })

  it('takes what a killed commit left behind, and no metadata whose name another writer could give', async () => {
    const at = await placeInGlue(10)
    await commitRuns(at, 1)
    const named = await keysOf(at)
    servers.front.faults = [
      async (call, next) =>
        call.operation === 'UpdateTable' ? awsError('AccessDeniedException', 'killed') : await next(call),
    ]
    await expect(commitTable(at.table, run(2, [await fileOf(at, 2)]), GO_ON)).rejects.toThrow()
    servers.front.faults = []
    const left = (await keysOf(at)).filter((key) => !named.includes(key))
    expect(left.map((key) => key.replace(/.*\./, '')).toSorted()).toEqual(['avro', 'avro', 'json', 'parquet'])
    const theirs = [`${randomUUID()}-m0.avro`, `00007-${randomUUID()}.metadata.json`, 'v1.metadata.json'].map(
      (name) => `metadata/${name}`,
    )
    for (const key of theirs) await at.table.store.put(key, Buffer.from('x'), GO_ON)

    const { items } = await clean(at)
    expect(items.map(({ reason, objects }) => `${reason} ${objects}`).toSorted()).toEqual([
      'unused data 1',
      'unused metadata 3',
    ])
    expect(await keysOf(at)).toEqual([...named, ...theirs].toSorted())
    expect(await textsOf(at)).toEqual(['run 1'])
  })

  it('stops where somebody else has committed, and deletes nothing', async () => {
    const at = await placeInGlue(1)
    await commitRuns(at, 3)
    await at.reader.write({ write: 'append' })
    const before = await keysOf(at)
    await expect(clean(at)).rejects.toMatchObject({ code: 'ETL3-IC-02' })
    expect(await keysOf(at)).toEqual(before)
  })

  it('stops where somebody else commits while it is at work, whose snapshots all stay readable', async () => {
    const at = await placeInGlue(1)
    await commitRuns(at, 2)
    let wrote = false
    servers.front.faults = [
      async (call, next) => {
        if (call.operation === 'UpdateTable' && !wrote) {
          wrote = true
          await at.reader.write({ write: 'append' })
        }
        return await next(call)
      },
    ]
    await expect(clean(at)).rejects.toMatchObject({ code: 'ETL3-IC-06' })
    expect(wrote).toBe(true)
    const { snapshots } = await at.reader.describe()
    expect(snapshots).toHaveLength(3)
    const [first, second] = snapshots.map(([id]) => String(id))
    expect(await textsOf(at, first)).toEqual(['run 1'])
    expect(await textsOf(at, second)).toEqual(['run 1', 'run 2'])
    expect(await textsOf(at)).toHaveLength(3)
  })

  it('is done once, also where the answer of Glue is lost', async () => {
    const at = await placeInGlue(1)
    await commitRuns(at, 2)
    let lost = false
    servers.front.faults = [
      async (call, next) => {
        const answer = await next(call)
        if (call.operation !== 'UpdateTable' || lost) return answer
        lost = true
        return awsError('InternalServiceException', 'lost', 500)
      },
    ]
    await clean(at)
    expect(lost).toBe(true)
    expect((await at.reader.describe()).snapshots).toHaveLength(1)
    expect(await textsOf(at)).toEqual(['run 1', 'run 2'])
    expect((await keysOf(at)).filter((key) => key.includes('expired-'))).toEqual([])
  })
})
