/** Input files in a bucket, and what is asked of S3 to find them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { findInBucket } from '../../src/star/bucket-inputs.js'
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
