/** `etl3 doctor` on AWS: every check over the wire, against moto. */
import { CreateBucketCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { awsCheckup, skewOf } from '../../src/cli/checkup-aws.js'
import type { Finding } from '../../src/cli/finding.js'
import { type Config, configSchema } from '../../src/config/schema.js'
import { GO_ON } from '../unit/lake/lake-folder.js'
import { writeSmallLake } from '../unit/lake/small-lake.js'
import { awsServers, gluePlace, REGION } from './glue-place.js'
import { awsError } from './json-front.js'

const servers = awsServers()

const openS3 = (): S3Client => new S3Client({ region: REGION, forcePathStyle: true })

beforeAll(async () => {
  const s3 = openS3()
  for (const Bucket of ['the-lake', 'results', 'versioned']) await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }))
})

function configOf(bucket: string, athena: Readonly<Record<string, string>> = {}): Config {
  return configSchema.parse({
    output: { uri: `s3://${bucket}/table/`, metadata_uri: `s3://${bucket}/etl3` },
    athena: { database: 'doctor', output_location: 's3://results/athena/', ...athena },
  })
}

async function examine(config: Config): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>()
  for await (const finding of awsCheckup(config)) findings.set(finding.check, finding)
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
      'write, read, delete in s3://the-lake/etl3/',
      'Glue',
      'Athena query',
    ]) {
      expect([check, findings.get(check)?.verdict]).toEqual([check, 'ok'])
    }
    expect(findings.get('Glue')?.detail).toContain('a run makes it')
    for (const [check, { verdict, hint }] of findings)
      if (verdict !== 'ok') expect([check, hint]).not.toEqual([check, ''])
    const { Contents = [] } = await openS3().send(new ListObjectsV2Command({ Bucket: 'the-lake' }))
    expect(Contents).toEqual([])
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
    servers.front.faults = []
    expect(findings.get('Glue')).toMatchObject({ verdict: 'fail', detail: expect.stringContaining('did not make') })
  })

  it('names the permission that is missing', async () => {
    servers.front.faults = [
      async (call, next) =>
        call.operation === 'StartQueryExecution'
          ? awsError('AccessDeniedException', 'not authorized to perform: athena:StartQueryExecution')
          : await next(call),
    ]
    const findings = await examine(configOf('the-lake'))
    servers.front.faults = []
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
