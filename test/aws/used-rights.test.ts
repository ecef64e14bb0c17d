/** What the pipeline asks of S3 and Glue, held against the policies that `etl3 iam-policy` prints: no less, and no more. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Config, configSchema } from '../../src/config/schema.js'
import { type IamPolicy, type IamRole, iamPolicy } from '../../src/lake/iam-policy.js'
import { S3ObjectStore } from '../../src/lake/s3/store.js'
import { demoStar, withChangedGroup } from '../e2e/support/stars.js'
import { filesUnder } from '../oracle/compare-table.js'
import { type AskedOfAws, allows } from '../unit/lake/policy-judge.js'
import { type Moto, startMoto } from './moto.js'
import { askedOfGlue, askedOfS3 } from './support/asked-of-aws.js'
import { FaultProxy } from './support/fault-proxy.js'
import { glueContents } from './support/glue-contents.js'
import { S3Home } from './support/s3-home.js'
import {
  CREDENTIAL_VARIABLES,
  CREDENTIALS,
  makeBucket,
  type S3Server,
  settingsFor,
  startVersitygw,
} from './support/servers.js'
import { uploadStar } from './support/upload-star.js'

const ACCOUNT = '123456789012'
const GO_ON = new AbortController().signal

/** Two hundred partitions or so. */
const PARTITIONING = { partition_columns: ['payer_slug', 'state', 'billing_class', 'procedure_set', 'month'] }
/** A few wrong facts are a large share of so small a star. */
const QUALITY = { rules: { rate_range: { severity: 'warn' } } }

const isSome = (count: unknown): boolean => Number(count) > 0

let server: S3Server
let moto: Moto
let s3: FaultProxy
let glue: FaultProxy
let home: S3Home
let asked: AskedOfAws[] = []
/** What each role asked for. */
let writer: readonly AskedOfAws[]
let vacuum: readonly AskedOfAws[]

beforeAll(async () => {
  Object.assign(process.env, CREDENTIAL_VARIABLES, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' })
  server = await startVersitygw()
  moto = await startMoto()
  s3 = await FaultProxy.start(server.endpoint)
  glue = await FaultProxy.start(moto.url)
  process.env['AWS_ENDPOINT_URL_GLUE'] = glue.endpoint
  s3.hear = (request, body) => void asked.push(...askedOfS3(request, body.toString('utf8')))
  glue.hear = (request, body) => void asked.push(...askedOfGlue(request, body.toString('utf8'), ACCOUNT))

  const star = await demoStar(120)
  const { star: changed } = await withChangedGroup(star)
  const [raw, facts] = [await makeBucket(server.endpoint), await makeBucket(server.endpoint)]
  const input = await uploadStar(star, server.endpoint, raw)
  const upload = async (to: string, file: string): Promise<void> => {
    const cut = to.lastIndexOf('/')
    const store = new S3ObjectStore(to.slice(0, cut), settingsFor(server.endpoint))
    await store.put(to.slice(cut + 1), readFileSync(file), GO_ON)
  }
  for (const file of filesUnder(join(star.root, 'gold'))) await upload(`s3://${facts}/2025/${basename(file)}`, file)
  const members = `s3://${raw}/changed/members.parquet`
  // A table that is named by itself may be an object, or a folder of parts, as here.
  await upload(`${members}/part-0.parquet`, String(changed.tables['xref_pg_member_npi']))
  // Where no other place covers it: a pattern.
  const tables = { fact_rate: `s3://${facts}/2025/fact_rate*.parquet` }
  const analytics = { enabled: true, keep_snapshots: 1 }
  const common = { star: input, partitioning: PARTITIONING, data_quality: QUALITY, analytics }
  home = await S3Home.make(server, { ...common, input: { tables } }, s3.endpoint)
  expect((await home.start().result()).status).toBe('published')
  expect((await home.start().result()).status).toBe('unchanged')
  home.configure({ ...common, input: { tables: { ...tables, xref_pg_member_npi: members } } })
  const { partitions } = await home.start().result()
  expect(partitions).toMatchObject({ replaced: expect.toSatisfy(isSome), removed: expect.toSatisfy(isSome) })
  await uploadInParts()
  writer = asked
  asked = []

  await leaveBehind()
  const cleaned = home.start({}, ['vacuum', '--yes', '--older-than', '0'])
  expect(await cleaned.exited, cleaned.stdout + cleaned.stderr).toBe(0)
  vacuum = asked
})

afterAll(async () => {
  await home[Symbol.asyncDispose]()
  await Promise.all([s3.stop(), glue.stop(), server.stop(), moto.stop()])
})

/** Records of a star of some size go so, and the files of its analytics table; one upload each fails half-way. */
async function uploadInParts(): Promise<void> {
  const broken = function* (): Generator<Uint8Array> {
    yield Buffer.alloc(17 * 1024 * 1024)
    throw new Error('broken')
  }
  for (const place of ['etl3/runs/large', 'fact_rate_enriched_iceberg/data/large']) {
    const store = new S3ObjectStore(`s3://${home.bucket}/lake/${place}`, settingsFor(s3.endpoint))
    await store.put('plan.parquet', Buffer.alloc(9 * 1024 * 1024), GO_ON)
    await expect(store.put('broken', broken(), GO_ON)).rejects.toThrow('broken')
  }
}

/** What vacuum looks for: a run that failed while it published, and uploads that nobody ended. */
async function leaveBehind(): Promise<void> {
  const records = new S3ObjectStore(`s3://${home.bucket}/lake/etl3`, settingsFor(server.endpoint))
  for (const name of ['audit.json', 'objects/0/1']) await records.put(`runs/failed/${name}`, Buffer.from('{}'), GO_ON)
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  })
  for (const key of ['etl3/runs/failed/large', 'fact_rate_enriched_iceberg/data/failed/0.parquet']) {
    await client.send(new CreateMultipartUploadCommand({ Bucket: home.bucket, Key: `lake/${key}` }))
  }
  client.destroy()
}

function configOfHome(): Config {
  const { input, output, athena } = z
    .looseObject({})
    .and(z.object({ input: z.unknown(), output: z.unknown(), athena: z.unknown() }))
    .parse(JSON.parse(readFileSync(join(home.root, 'c.yaml'), 'utf8')))
  return configSchema.parse({ input, output, athena })
}

const policyOf = (role: IamRole): IamPolicy =>
  iamPolicy({ config: configOfHome(), role, account: ACCOUNT, partition: 'aws' })

const wordsOf = ({ action, resource, prefix }: AskedOfAws): string =>
  `${action} ${resource}${prefix === undefined ? '' : ` [${prefix}]`}`

function denied(role: IamRole, requests: readonly AskedOfAws[]): string[] {
  const policy = policyOf(role)
  return [...new Set(requests.filter((request) => !allows(policy, request)).map(wordsOf))]
}

/** Permissions in buckets that no request needed. */
function unused(role: IamRole, requests: readonly AskedOfAws[]): string[] {
  const policy = policyOf(role)
  return policy.Statement.flatMap((statement) =>
    statement.Action.filter((action) => action.startsWith('s3:')).flatMap((action) =>
      statement.Resource.filter((resource) => {
        const one: IamPolicy = { ...policy, Statement: [{ ...statement, Action: [action], Resource: [resource] }] }
        return !requests.some((request) => allows(one, request))
      }).map((resource) => `${action} ${resource}`),
    ),
  )
}

describe('the rights that iam-policy prints', () => {
  it('for a writer are enough for all requests of runs to S3 and Glue', () => {
    expect(writer.length).toBeGreaterThan(500)
    expect(denied('writer', writer)).toEqual([])
  })

  it('for a writer hold nothing in a bucket that runs do not ask for, but what Athena needs', () => {
    expect(unused('writer', writer)).toEqual([
      // A commit that somebody else was faster than takes its metadata file back.
      `s3:DeleteObject arn:aws:s3:::${home.bucket}/lake/fact_rate_enriched_iceberg/*`,
      `s3:GetBucketLocation arn:aws:s3:::${home.bucket}`,
    ])
  })

  it('for vacuum are enough for all its requests, and each is asked for', () => {
    expect(denied('vacuum', vacuum)).toEqual([])
    expect(unused('vacuum', vacuum)).toEqual([])
  })

  it('for a reader are enough for what Athena reads of a table, and for none of its records', async () => {
    const contents = await glueContents(moto.url, home.bucket)
    const lake = `arn:aws:s3:::${home.bucket}`
    const lists = [...contents.partitions.values()].map(([location]) => ({
      action: 's3:ListBucket',
      resource: lake,
      prefix: location.slice('s3://bucket/'.length),
    }))
    const objects = [...home.tree.keys()].map((key) => ({
      action: 's3:GetObject',
      resource: `${lake}/lake/table/${key}`,
    }))
    expect(lists.length).toBe(objects.length)
    expect(denied('reader', [...lists, ...objects])).toEqual([])
    const record = { action: 's3:GetObject', resource: `${lake}/lake/etl3/current.json` }
    expect(denied('reader', [record])).toEqual([wordsOf(record)])
  })
})
