/** Input files in a bucket, and what is asked of S3 to find them. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { findInBucket, lookAtEach } from '../../src/star/bucket-inputs.js'
import { assertUnchanged, fetchInputs, type InputTable } from '../../src/star/inputs.js'
import { GO_ON, lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { FaultProxy } from './support/fault-proxy.js'
import { CREDENTIAL_VARIABLES, makeBucket, type S3Server, settingsFor, startVersitygw } from './support/servers.js'

let server: S3Server
let proxy: FaultProxy
let bucket: string

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  proxy = await FaultProxy.start(server.endpoint)
  bucket = await makeBucket(server.endpoint)
  const store = new S3ObjectStore(`s3://${bucket}`, settingsFor(server.endpoint))
  for (const key of [
    '2025/fact_1.parquet',
    '2025/fact_2.parquet',
    '2025/fact_old/3.parquet',
    '2025/fact_4.csv',
    '2025/dim.parquet',
    'fact_5.parquet',
  ]) {
    await store.put(key, Buffer.from(key), GO_ON)
  }
})

afterAll(async () => {
  await proxy.stop()
  await server.stop()
})

/** Keys that are found, and the prefixes that were asked for. */
async function find(pattern: string): Promise<{ keys: string[]; prefixes: (string | null)[] }> {
  const from = proxy.seen.length
  const reader = { s3: settingsFor(proxy.endpoint), scratch: lakeFolder(), signal: GO_ON }
  const files = await findInBucket(`s3://${bucket}/${pattern}`, reader)
  const asked = proxy.seen.slice(from).map(({ url }) => new URL(url, proxy.endpoint).searchParams)
  return {
    keys: files.map(({ path }) => path.slice(`s3://${bucket}/`.length)),
    prefixes: asked.filter((query) => query.has('list-type')).map((query) => query.get('prefix')),
  }
}

describe('a pattern of input files in a bucket', () => {
  it.each([
    ['2025/fact_*.parquet', '2025/fact_', ['2025/fact_1.parquet', '2025/fact_2.parquet']],
    ['2025/fact_[2-9]*', '2025/fact_', ['2025/fact_2.parquet', '2025/fact_4.csv']],
    ['2025/**.parquet', '2025/', ['dim', 'fact_1', 'fact_2', 'fact_old/3'].map((name) => `2025/${name}.parquet`)],
    ['202?/fact_1.parquet', '202', ['2025/fact_1.parquet']],
    ['fact_*.parquet', 'fact_', ['fact_5.parquet']],
    ['*.parquet', null, ['fact_5.parquet']],
  ])('%s is found by a listing of no more than its literal head: %s', async (pattern, prefix, keys) => {
    expect(await find(pattern)).toEqual({ keys, prefixes: [prefix] })
  })
})

describe('many input files in a bucket', () => {
  const MANY = 40
  let table: InputTable

  beforeAll(async () => {
    const store = new S3ObjectStore(`s3://${bucket}`, settingsFor(server.endpoint))
    for (let i = 0; i < MANY; i++) await store.put(`many/part-${i}.parquet`, Buffer.from(`part ${i}`), GO_ON)
    // Nothing is fetched to find them.
    const reader = { s3: settingsFor(server.endpoint), scratch: '', signal: GO_ON }
    const found = await findInBucket(`s3://${bucket}/many/part-*.parquet`, reader)
    table = { name: 'fact_rate', files: found.map((file) => ({ ...file, modifiedMs: 0, sha256: '' })) }
  })

  it('are looked at by one listing of what all of their keys begin with', async () => {
    const from = proxy.seen.length
    const found = await lookAtEach(
      table.files.map(({ path }) => path),
      { s3: settingsFor(proxy.endpoint), signal: GO_ON },
    )
    expect([...found.values()].map(({ path, bytes }) => ({ path, bytes }))).toEqual(
      table.files.map(({ path, bytes }) => ({ path, bytes })),
    )
    const asked = proxy.seen.slice(from).map(({ url }) => new URL(url, proxy.endpoint).searchParams.get('prefix'))
    expect(asked).toEqual(['many/part-'])
  })

  it('are fetched to a copy each, and one that was replaced or deleted is noticed by name', async () => {
    const reader = { s3: settingsFor(server.endpoint), scratch: lakeFolder(), signal: GO_ON }
    const copies = await fetchInputs([table], reader)
    const texts = table.files.map(({ path }) => readFileSync(copies.get(path) ?? '', 'utf8'))
    expect(texts).toEqual(table.files.map(({ path }) => `part ${/(\d+)\.parquet$/.exec(path)?.[1]}`))
    await assertUnchanged([table], reader)
    const store = new S3ObjectStore(`s3://${bucket}`, settingsFor(server.endpoint))
    const changed = (name: string): object => ({ code: 'ETL3-IN-02', message: expect.stringContaining(name) })
    await store.put('many/part-7.parquet', Buffer.from('another'), GO_ON)
    await expect(assertUnchanged([table], reader)).rejects.toMatchObject(changed('/many/part-7.parquet]'))
    await store.delete(['many/part-0.parquet'], GO_ON)
    await expect(assertUnchanged([table], reader)).rejects.toMatchObject(changed('/many/part-0.parquet]'))
  })
})
