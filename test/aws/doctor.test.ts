/** `etl3 doctor` on AWS: every check over the wire, against moto. */
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { awsCheckup, skewOf } from '../../src/cli/doctor/checkup-aws.js'
import type { Finding } from '../../src/cli/doctor/finding.js'
import { keptAnalyticsUri } from '../../src/config/analytics-place.js'
import { type Config, configSchema } from '../../src/config/schema.js'
import { iamPolicy } from '../../src/lake/iam-policy.js'
import { filesUnder } from '../oracle/compare-table.js'
import { DIFFICULT, type SmallPartition, writeSmallLake } from '../unit/lake/duckdb/small-lake.js'
import { GO_ON } from '../unit/lake/folder/lake-folder.js'
import { allows } from '../unit/lake/policy-judge.js'
import { awsServers, gluePlace, REGION } from './glue-place.js'
import { awsError } from './json-front.js'
import { askedOfS3 } from './support/asked-of-aws.js'
import { type Fault, FaultProxy } from './support/fault-proxy.js'
import { glueContents } from './support/glue-contents.js'
import { CREDENTIAL_VARIABLES, makeBucket, startVersitygw } from './support/servers.js'

const servers = awsServers()

const openS3 = (): S3Client => new S3Client({ region: REGION, forcePathStyle: true })

/** In front of S3. */
let proxy: FaultProxy

beforeAll(async () => {
  const s3 = openS3()
  proxy = await FaultProxy.start(process.env['AWS_ENDPOINT_URL_S3'] ?? '')
  for (const Bucket of ['the-lake', 'results', 'versioned', 'raw']) await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }))
})

afterEach(() => {
  proxy.rule = () => undefined
  servers.front.faults = []
})

afterAll(async () => {
  await proxy.stop()
})

function configOf(bucket: string, athena: Readonly<Record<string, string>> = {}): Config {
  return configSchema.parse({
    output: { uri: `s3://${bucket}/table/`, metadata_uri: `s3://${bucket}/etl3` },
    athena: { database: 'doctor', output_location: 's3://results/athena/', ...athena },
    s3: { endpoint: proxy.endpoint },
  })
}

async function keysIn(bucket: string): Promise<(string | undefined)[]> {
  const { Contents = [] } = await openS3().send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key }) => Key)
}

/** Athena's own results. */
const ATHENA_S = /^athena\/[0-9a-f-]{36}/

const refusal = (status: number, region?: string): Fault => ({
  kind: 'answer',
  status,
  code: status === 403 ? 'AccessDenied' : 'Refused',
  ...(region === undefined ? {} : { headers: { 'x-amz-bucket-region': region } }),
})

async function examine(config: Config): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>()
  for await (const finding of awsCheckup(config, keptAnalyticsUri(config))) findings.set(finding.check, finding)
  return findings
}

describe('doctor on AWS', () => {
  it('says who asks, where, and that everything works; and leaves nothing behind', async () => {
    const findings = await examine(configOf('the-lake'))
    expect(findings.get('AWS identity')).toMatchObject({
      verdict: 'ok',
      detail: expect.stringContaining('123456789012'),
    })
    for (const check of [
      'clock',
      'bucket the-lake',
      'write, read, delete in s3://the-lake/table/',
      'write, read, delete in s3://the-lake/etl3/',
      'write, read, delete in s3://results/athena/',
      'copy to s3://the-lake/table/',
      'Glue',
      'Athena query',
    ]) {
      expect([check, findings.get(check)?.verdict]).toEqual([check, 'ok'])
    }
    expect(findings.get('Glue')?.detail).toContain('a run makes it')
    for (const [check, { verdict, hint }] of findings)
      if (verdict !== 'ok') expect([check, hint]).not.toEqual([check, ''])
    expect(await keysIn('the-lake')).toEqual([])
    expect((await keysIn('results')).filter((key) => !ATHENA_S.test(key ?? ''))).toEqual([])
  })

  it('finds nothing to mend where the writer has the rights that iam-policy prints, and no others', async () => {
    const { input, output, ...others } = configOf('the-lake')
    const analytics = { ...output.analytics, enabled: true }
    const config = { ...others, input: { ...input, root: 's3://raw/etl1' }, output: { ...output, analytics } }
    const policy = iamPolicy({ config, role: 'writer', account: '*', partition: 'aws' })
    const denied = new Set<string>()
    proxy.rule = (request) => {
      const refused = askedOfS3(request).filter((asked) => !allows(policy, asked))
      if (refused.length === 0) return undefined
      for (const { action, prefix } of refused) denied.add(`${action} ${prefix ?? ''}`.trim())
      // As AWS answers: where the bucket lies is told to everybody.
      const isOfBucket = /^\/[^/]+\/?$/.test(request.url.replace(/\?.*/s, ''))
      return refusal(403, isOfBucket ? REGION : undefined)
    }
    const findings = await examine(config)
    expect([...findings.values()].filter(({ verdict }) => verdict !== 'ok')).toEqual([])
    expect(findings.has('write, read, delete in s3://the-lake/fact_rate_enriched_iceberg/')).toBe(true)
    expect(findings.get('Glue: analytics table')?.detail).toContain('a run makes it')
    expect(findings.get('bucket the-lake')?.detail).toBe(REGION)
    expect(await keysIn('the-lake')).toEqual([])
    expect((await keysIn('results')).filter((key) => !ATHENA_S.test(key ?? ''))).toEqual([])
    // A look at the bucket itself, which needs a listing without a prefix, and what may stay unseen.
    expect([...denied].sort()).toEqual([
      's3:GetBucketPublicAccessBlock',
      's3:GetBucketVersioning',
      's3:GetEncryptionConfiguration',
      's3:GetLifecycleConfiguration',
      's3:ListBucket',
    ])
    expect(findings.get('bucket raw: public access')?.detail).toContain('may not be seen')
  })

  it.each([301, 400, 403])(
    'names both regions where the bucket lies elsewhere, told by a %i without a body',
    async (status) => {
      proxy.rule = () => refusal(status, 'eu-central-1')
      const findings = await examine(configOf('the-lake'))
      expect(findings.get('bucket the-lake')).toMatchObject({
        verdict: 'fail',
        exitCode: 2,
        detail: expect.stringMatching(/eu-central-1.*us-east-1.*"s3:\/\/the-lake"/),
        hint: expect.stringContaining('s3.region to eu-central-1'),
      })
      // One line for one reason.
      expect([...findings.keys()].filter((check) => check.includes('the-lake'))).toEqual(['bucket the-lake'])
    },
  )

  it('finds a policy with which S3 refuses copies under conditions', async () => {
    proxy.rule = ({ headers }) =>
      headers['x-amz-copy-source'] === undefined ? undefined : { kind: 'answer', status: 501, code: 'NotImplemented' }
    expect((await examine(configOf('the-lake'))).get('copy to s3://the-lake/table/')).toMatchObject({
      verdict: 'fail',
      exitCode: 2,
      detail: expect.stringMatching(/cannot publish "s3:\/\/the-lake\/table\/.*NotImplemented/),
      hint: expect.stringContaining('s3:if-none-match'),
    })
    expect(await keysIn('the-lake')).toEqual([])
  })

  it.each([
    [true, 'fail'],
    [false, 'warn'],
  ] as const)(
    'says that no engine answers queries; where runs count rows (%j), that is a reason to %s',
    async (counts, verdict) => {
      servers.front.faults = [
        async (call, next) =>
          call.operation === 'GetQueryResults' ? { status: 200, body: { ResultSet: { Rows: [] } } } : await next(call),
      ]
      const config = configOf('the-lake')
      const athena = { ...config.athena, count_rows: counts }
      expect((await examine({ ...config, athena })).get('Athena query')).toMatchObject({
        verdict,
        detail: expect.stringContaining('no engine answers queries here'),
        hint: expect.stringContaining('athena.count_rows: false'),
      })
    },
  )

  it('says so where S3 tells a role neither whether nor where a bucket is', async () => {
    proxy.rule = ({ method, url }) => (method === 'HEAD' && url.startsWith('/the-lake') ? refusal(403) : undefined)
    const findings = await examine(configOf('the-lake'))
    expect(findings.get('bucket the-lake')).toMatchObject({ verdict: 'warn', hint: expect.stringContaining('below') })
    expect(findings.get('write, read, delete in s3://the-lake/etl3/')?.verdict).toBe('ok')
  })

  it.each([
    ['PUT', 'table', 'write'],
    ['GET', 'table', 'read'],
    ['DELETE', 'table', 'delete'],
    ['DELETE', 'etl3', 'delete'],
  ])('names the key where a %s below %s is not allowed', async (method, folder, doing) => {
    proxy.rule = (request) =>
      request.method === method && request.url.startsWith(`/the-lake/${folder}/`) ? refusal(403) : undefined
    const findings = await examine(configOf('the-lake'))
    expect(findings.get(`write, read, delete in s3://the-lake/${folder}/`)).toMatchObject({
      verdict: 'fail',
      exitCode: 2,
      detail: expect.stringContaining(`not allowed to ${doing} "s3://the-lake/${folder}/.etl3-doctor-`),
    })
  })

  it('never has an object below the table’s root', async () => {
    const written: string[] = []
    proxy.rule = ({ method, url, headers }) => {
      if (method === 'PUT' && url.startsWith('/the-lake/table/')) written.push(String(headers['if-match']))
      return undefined
    }
    await examine(configOf('the-lake'))
    // The write, and the copy.
    expect(written).toEqual(['"etl3-doctor"', '"etl3-doctor"'])
  })

  it('leaves nothing on another server either', async () => {
    const before = { ...process.env }
    const server = await startVersitygw()
    try {
      Object.assign(process.env, CREDENTIAL_VARIABLES)
      const bucket = await makeBucket(server.endpoint)
      const config = configOf(bucket, { output_location: `s3://${bucket}/results/` })
      const findings = await examine({ ...config, s3: { ...config.s3, endpoint: server.endpoint } })
      for (const place of ['table', 'etl3', 'results']) {
        expect(findings.get(`write, read, delete in s3://${bucket}/${place}/`)?.verdict).toBe('ok')
      }
      expect(filesUnder(join(server.folder ?? '', bucket))).toEqual([])
    } finally {
      process.env = before
      await server.stop()
    }
  })

  it('looks at the buckets of the input too, but for what only writers need', async () => {
    const config = configOf('the-lake')
    const findings = await examine({
      ...config,
      input: { ...config.input, tables: { fact_rate: 's3://raw/fact_*.parquet' } },
    })
    const checks = [...findings.keys()].filter((check) => check.startsWith('bucket raw'))
    expect(checks).toEqual(['bucket raw', 'bucket raw: encryption', 'bucket raw: public access'])
  })

  it('says that a role may not write in Glue, and leaves all partitions', async () => {
    const { database, open, ...place } = gluePlace()
    await open().register(await writeSmallLake(DIFFICULT, place), GO_ON)
    const partitions = await glueContents(process.env['AWS_ENDPOINT_URL_GLUE'] ?? '', database)
    const findings = await examine(configOf('the-lake', { database }))
    expect(findings.get('Glue')).toMatchObject({
      verdict: 'ok',
      detail: expect.stringContaining('not checked: making'),
    })
    expect(await glueContents(process.env['AWS_ENDPOINT_URL_GLUE'] ?? '', database)).toEqual(partitions)
    servers.front.faults = [
      async (call, next) =>
        call.operation.startsWith('Batch')
          ? awsError('AccessDeniedException', `not authorized to perform: glue:${call.operation}`)
          : await next(call),
    ]
    expect((await examine(configOf('the-lake', { database }))).get('Glue')).toMatchObject({
      verdict: 'fail',
      exitCode: 2,
      detail: expect.stringContaining('glue:BatchDeletePartition'),
    })
  })

  it('says that a bucket is missing, and how to make it', async () => {
    const findings = await examine(configOf('not-there'))
    expect(findings.get('bucket not-there')).toMatchObject({
      verdict: 'fail',
      hint: 'aws s3 mb s3://not-there --region us-east-1',
    })
  })

  it('warns of settings that cost or expose', async () => {
    const findings = await examine(configOf('versioned'))
    for (const check of ['versioning', 'public access', 'abandoned uploads']) {
      expect([check, findings.get(`bucket versioned: ${check}`)?.verdict]).toEqual([check, 'warn'])
    }
  })

  it('says that a table is somebody else’s', async () => {
    const { database, open, ...place } = gluePlace()
    await open().register(await writeSmallLake([], place), GO_ON)
    expect((await examine(configOf('the-lake', { database }))).get('Glue')).toMatchObject({ verdict: 'ok' })
    servers.front.faults = [
      async (call, next) =>
        call.operation === 'GetTable'
          ? { status: 200, body: { Table: { Name: 'fact_rate_enriched', Parameters: { mine: 'yes' } } } }
          : await next(call),
    ]
    const findings = await examine(configOf('the-lake', { database }))
    expect(findings.get('Glue')).toMatchObject({ verdict: 'fail', detail: expect.stringContaining('did not make') })
  })

  it('names the value that costs the projected table its keys, until a run without it', async () => {
    const { database, open, ...place } = gluePlace()
    const of = (payer: string): SmallPartition => ({ values: [payer, 'TX', 'Area', '08'], rows: 1 })
    const examined = async (): Promise<Finding | undefined> =>
      (await examine(configOf('the-lake', { database }))).get('Glue: projected table')
    expect(await examined()).toBeUndefined()
    await open().register(await writeSmallLake([of('aetna'), of('acme, inc./west 100%')], place), GO_ON)
    expect(await examined()).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining("no keys: payer_slug holds 'acme, inc./west 100%'"),
      hint: expect.stringContaining('query fact_rate_enriched'),
    })
    await open().register(await writeSmallLake([of('aetna')], { ...place, runId: 'run 2' }), GO_ON)
    expect(await examined()).toMatchObject({
      verdict: 'ok',
      detail: expect.stringContaining('payer_slug_key, state_key, stat_area_name_key, month_key'),
    })
  })

  it('names the permission that is missing', async () => {
    servers.front.faults = [
      async (call, next) =>
        call.operation === 'StartQueryExecution'
          ? awsError('AccessDeniedException', 'not authorized to perform: athena:StartQueryExecution')
          : await next(call),
    ]
    const findings = await examine(configOf('the-lake'))
    expect(findings.get('Athena query')).toMatchObject({
      verdict: 'fail',
      exitCode: 2,
      detail: expect.stringContaining('athena:StartQueryExecution'),
      hint: expect.stringContaining('etl3 iam-policy'),
    })
  })

  it('says what to do without credentials, and asks nothing else', async () => {
    const before = { ...process.env }
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
    process.env['HOME'] = '/nowhere'
    try {
      const findings = await examine(configOf('the-lake'))
      expect([...findings.keys()]).toEqual(['AWS identity'])
      expect(findings.get('AWS identity')).toMatchObject({
        verdict: 'fail',
        exitCode: 5,
        detail: expect.stringContaining('AWS credentials not available'),
        hint: expect.stringContaining('AWS_PROFILE'),
      })
    } finally {
      process.env = before
    }
  })

  it('reads how far the clock is off from the date of an answer', () => {
    const skew = (date: Date): number => Math.round((skewOf({ headers: { date: date.toUTCString() } }) ?? 0) / 60_000)
    expect(skew(new Date(Date.now() - 10 * 60_000))).toBe(10)
    expect(skew(new Date(Date.now() + 10 * 60_000))).toBe(-10)
    expect(skewOf({ headers: {} })).toBeUndefined()
    expect(skewOf({ headers: { date: 'yesterday' } })).toBeUndefined()
  })
})
