import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import type { Config } from '../../src/config/schema.js'
import { type VacuumRequest, vacuum } from '../../src/history/vacuum.js'
import type { ObjectStore } from '../../src/lake/object-store.js'
import { RunLock } from '../../src/lake/run-lock.js'
import { s3SettingsOf } from '../../src/lake/s3/settings.js'
import { openStore } from '../../src/lake/stores.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { CREDENTIAL_VARIABLES, CREDENTIALS, makeBucket, type S3Server, startVersitygw } from './support/servers.js'

const DAY_MS = 24 * 60 * 60 * 1000

let server: S3Server

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
})

afterAll(async () => {
  await server.stop()
})

/** A place for a table, its records and its scratch files. */
interface Place {
  readonly config: Config
  readonly metadata: ObjectStore
  readonly table: ObjectStore
}

function placeAt(table: string, metadata: string): Place {
  const { config: builtIn } = loadConfig({ env: {} })
  // Of the analytics table Glue would be asked; test/aws/used-rights.test.ts has one.
  const analytics = { ...builtIn.output.analytics, enabled: false }
  const config: Config = {
    ...builtIn,
    output: { ...builtIn.output, uri: table, metadata_uri: metadata, keep_runs: 2, analytics },
    processing: { ...builtIn.processing, scratch: lakeFolder() },
    s3: { ...builtIn.s3, endpoint: server.endpoint, attempts: 2 },
  }
  const s3 = s3SettingsOf(config)
  return { config, metadata: openStore(metadata, { s3 }), table: openStore(table, { s3 }) }
}

const PLACES: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'a folder',
    async () => {
      const folder = lakeFolder()
      return placeAt(join(folder, 'table'), join(folder, 'etl3'))
    },
  ],
  [
    'a bucket',
    async () => {
      const bucket = await makeBucket(server.endpoint)
      return placeAt(`s3://${bucket}/table`, `s3://${bucket}/etl3`)
    },
  ],
]

const text = (value: string): Buffer => Buffer.from(value)

/** Writes the records of a run that began so many days ago. */
async function run({ metadata, config }: Place, id: string, daysAgo: number, names: readonly string[]): Promise<void> {
  const record = {
    formatVersion: 1,
    runId: id,
    work: id,
    replaces: null,
    engine: 'x',
    startedAt: new Date(Date.now() - daysAgo * DAY_MS).toISOString(),
    config,
    inputs: [],
  }
  await metadata.put(`runs/${id}/run.json`, text(JSON.stringify(record)), GO_ON)
  for (const name of names) await metadata.put(`runs/${id}/${name}`, text(name), GO_ON)
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('', GO_ON)) keys.push(key)
  return keys.sort()
}

async function clean(
  { config }: Place,
  request: Partial<VacuumRequest> = {},
): Promise<Awaited<ReturnType<typeof vacuum>>> {
  return await vacuum({ config, delete: true, olderThanHours: 24, signal: GO_ON, ...request })
}

describe.each(PLACES)('a vacuum of %s', (_, makePlace) => {
  it('keeps the newest runs that ended, and takes the older ones and what was staged', async () => {
    const place = await makePlace()
    for (const [id, days] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
    ] as const) {
      await run(place, id, days, ['receipt.json', 'staged/facts.parquet'])
    }
    await place.table.put('payer_slug=x/f.parquet', text('row'), GO_ON)
    const before = await keysOf(place.metadata)
    const shown = await clean(place, { delete: false })
    expect(shown).toMatchObject({ deleted: false, objects: 8 })
    expect(await keysOf(place.metadata)).toEqual(before)
    expect(shown.items.map(({ reason, what }) => `${reason} ${what}`).sort()).toEqual([
      'old run c',
      'old run d',
      'staged data a',
      'staged data b',
    ])
    const result = await clean(place)
    expect(result).toEqual({ ...shown, deleted: true })
    expect((await keysOf(place.metadata)).filter((key) => key.startsWith('runs/'))).toEqual([
      'runs/a/receipt.json',
      'runs/a/run.json',
      'runs/b/receipt.json',
      'runs/b/run.json',
    ])
    expect(await keysOf(place.table)).toEqual(['payer_slug=x/f.parquet'])
    expect((await clean(place)).items).toEqual([])
  })

  it('takes failed runs, but neither young ones nor what tells of objects under the table', async () => {
    const place = await makePlace()
    await run(place, 'young', 0, ['staged/facts.parquet'])
    await run(place, 'early', 3, ['staged/facts.parquet', 'plan.parquet'])
    await run(place, 'late', 3, ['objects/0/1', 'plan.parquet', 'audit.json', 'published/0.json'])
    // An object of a publication that never ended: no manifest lists it.
    await place.table.put('payer_slug=x/f.parquet', text('row'), GO_ON)
    await clean(place)
    expect((await keysOf(place.metadata)).filter((key) => key.startsWith('runs/'))).toEqual([
      'runs/late/plan.parquet',
      'runs/late/run.json',
      'runs/young/run.json',
      'runs/young/staged/facts.parquet',
    ])
    await place.table.delete(['payer_slug=x/f.parquet'], GO_ON)
    await clean(place)
    expect((await keysOf(place.metadata)).filter((key) => key.startsWith('runs/late'))).toEqual([])
  })

  it('waits for no run: it shows what it would do beside one, and is refused when it is to do it', async () => {
    const place = await makePlace()
    await run(place, 'live', 3, ['staged/facts.parquet'])
    await run(place, 'gone', 3, [])
    const lock = new RunLock(place.metadata)
    const held = await lock.acquire({ owner: 'somebody', runId: 'live' }, GO_ON)
    const before = await keysOf(place.metadata)
    expect((await clean(place, { delete: false })).items.map(({ what }) => what)).toEqual(['gone'])
    await expect(clean(place)).rejects.toMatchObject({ code: 'ETL3-LK-01', exitCode: 6 })
    expect(await keysOf(place.metadata)).toEqual(before)
    await lock.release(held, GO_ON)
  })

  it('takes old scratch files of ETL3, and nothing else in that folder', async () => {
    const place = await makePlace()
    const { scratch } = place.config.processing
    const old = new Date(Date.now() - 3 * DAY_MS)
    for (const name of [
      '0123456789abcdef/x',
      'spill-1-2/x',
      'fetched/old.parquet',
      'letters/x',
      'fetched/new.parquet',
    ]) {
      mkdirSync(join(scratch, name, '..'), { recursive: true })
      writeFileSync(join(scratch, name), 'x')
      if (!name.includes('new')) utimesSync(join(scratch, name), old, old)
    }
    for (const name of ['0123456789abcdef', 'spill-1-2', 'letters']) utimesSync(join(scratch, name), old, old)
    const { items } = await clean(place, { delete: false })
    expect(items.map(({ what }) => what.slice(scratch.length + 1)).sort()).toEqual([
      '0123456789abcdef',
      'fetched/old.parquet',
      'spill-1-2',
    ])
  })
})

describe('a vacuum', () => {
  it('touches nothing where the table and the records lie within each other', async () => {
    const bucket = await makeBucket(server.endpoint)
    const place = placeAt(`s3://${bucket}/etl3/runs/table`, `s3://${bucket}/etl3`)
    await expect(clean(place)).rejects.toMatchObject({ code: 'ETL3-VA-01', exitCode: 6 })
  })
})

it('uploads in parts that nobody ended are found once they are old, and ended', async () => {
  const bucket = await makeBucket(server.endpoint)
  const { config, metadata } = placeAt(`s3://${bucket}/table`, `s3://${bucket}/etl3`)
  const client = new S3Client({
    endpoint: server.endpoint,
    region: CREDENTIAL_VARIABLES.AWS_REGION,
    forcePathStyle: true,
    credentials: CREDENTIALS,
  })
  const upload = { Bucket: bucket, Key: 'etl3/runs/r/objects/0/0.parquet' }
  await client.send(new CreateMultipartUploadCommand(upload))
  const elsewhere = { Bucket: bucket, Key: 'other/0.parquet' }
  await client.send(new CreateMultipartUploadCommand(elsewhere))
  const request = { config, olderThanHours: 24, signal: GO_ON }
  expect((await vacuum({ ...request, delete: true })).items).toEqual([])

  const tomorrow = { ...request, now: Date.now() + 2 * DAY_MS }
  const found = await vacuum({ ...tomorrow, delete: false })
  expect(found.items).toMatchObject([{ reason: 'unfinished write', what: expect.stringContaining(upload.Key) }])
  expect((await vacuum({ ...tomorrow, delete: true })).items).toEqual(found.items)
  expect((await vacuum({ ...tomorrow, delete: false })).items).toEqual([])
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  expect(Uploads.map(({ Key }) => Key)).toEqual([elsewhere.Key])
  expect((await new RunLock(metadata).current(GO_ON))?.released).toBe(true)
  client.destroy()
})
