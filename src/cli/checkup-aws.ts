/** What `etl3 doctor` looks at on AWS: who asks, the buckets, Glue, Athena. Writes one small object and deletes it. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AthenaClient, GetWorkGroupCommand } from '@aws-sdk/client-athena'
import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Config } from '../config/schema.js'
import { AthenaQueries } from '../lake/athena.js'
import { awsClientSettings, awsErrorName, awsFailure } from '../lake/aws-connection.js'
import { GlueTables } from '../lake/glue-tables.js'
import { bucketPlaceOf, prefixBelow, type S3Address } from '../lake/s3-address.js'
import { connectS3 } from '../lake/s3-client.js'
import { s3SettingsOf } from '../lake/s3-settings.js'
import { isOwnTable } from '../lake/table-definition.js'
import { attempt, type Finding, fail, ok, warn } from './finding.js'

/** AWS refuses signatures of a clock that is more than five minutes off. */
const MOST_SKEW_MS = 5 * 60 * 1000
const COMFORTABLE_SKEW_MS = 60 * 1000

const QUERY_PATIENCE_MS = 60_000
const QUERY_LOOK_INTERVAL_MS = 500

/** Runs all checks, one after the other. */
export async function* awsCheckup(config: Config): AsyncGenerator<Finding> {
  const signal = new AbortController().signal
  const identity = await attempt('AWS identity', () => callerIdentity(config, signal))
  yield identity
  // Without credentials each further check would fail for the same reason.
  if (identity.verdict === 'fail') return
  yield await attempt('clock', () => clock(config, signal))
  const { client: s3 } = await connectS3(s3SettingsOf(config)).open()
  const { output, athena } = config
  const { output_location: results } = athena
  const uris = [output.uri, output.metadata_uri, ...(results === undefined ? [] : [results])]
  const places = uris.flatMap((uri) => bucketPlaceOf(uri) ?? [])
  for (const bucket of new Set(places.map((place) => place.bucket))) {
    yield await attempt(`bucket ${bucket}`, () => bucketRegion(s3, bucket, athena.region, signal))
    yield await attempt(`bucket ${bucket}: encryption`, () => encryption(s3, bucket, signal))
    yield await attempt(`bucket ${bucket}: public access`, () => publicAccess(s3, bucket, signal))
    yield await attempt(`bucket ${bucket}: versioning`, () => versioning(s3, bucket, signal))
    yield await attempt(`bucket ${bucket}: abandoned uploads`, () => uploadsExpire(s3, bucket, signal))
  }
  // Not below the table's root: a run stops at objects there that it does not know.
  for (const uri of uris.slice(1)) {
    const place = bucketPlaceOf(uri)
    if (place) yield await attempt(`write, read, delete in ${uri}`, () => probe(s3, place, signal))
  }
  yield await attempt('Glue', () => glue(config, signal))
  yield await attempt('Athena workgroup', () => workgroup(config, signal))
  yield await attempt('Athena query', () => smallQuery(config, signal))
}

async function asked<T>(what: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    throw awsFailure(error, what, signal)
  }
}

async function callerIdentity({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const client = new STSClient(awsClientSettings(athena.region))
  const { Account, Arn } = await asked('STS: GetCallerIdentity', signal, () =>
    client.send(new GetCallerIdentityCommand({}), { abortSignal: signal }),
  )
  return ok('AWS identity', `${Arn} in account ${Account}, region ${athena.region}`)
}

/** Compares this machine's clock with the date in an answer of AWS. */
async function clock({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const client = new STSClient(awsClientSettings(athena.region))
  let skewMs: number | undefined
  client.middlewareStack.add(
    (next) => async (request) => {
      const answer = await next(request)
      skewMs = skewOf(answer.response)
      return answer
    },
    { step: 'deserialize', priority: 'low' },
  )
  await asked('STS: GetCallerIdentity', signal, () =>
    client.send(new GetCallerIdentityCommand({}), { abortSignal: signal }),
  )
  if (skewMs === undefined) return ok('clock', 'the answer has no date to compare with')
  const detail = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} AWS`
  const hint = 'Let the machine keep its time by NTP (systemd-timesyncd, chrony).'
  if (Math.abs(skewMs) >= MOST_SKEW_MS) return fail('clock', detail, hint)
  return Math.abs(skewMs) >= COMFORTABLE_SKEW_MS ? warn('clock', detail, hint) : ok('clock', detail)
}

/** How far this clock is ahead, in ms; undefined where the answer tells no time. */
export function skewOf(response: unknown): number | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined
  const { headers } = response
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined
  const served = Date.parse(String(headers.date))
  return Number.isNaN(served) ? undefined : Date.now() - served
}

async function bucketRegion(s3: S3Client, bucket: string, region: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}`
  try {
    const { BucketRegion } = await s3.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal })
    if (BucketRegion === undefined || BucketRegion === region) return ok(check, BucketRegion ?? 'is there')
    return fail(
      check,
      `lies in ${BucketRegion}, Glue and Athena are asked in ${region}`,
      `Set athena.region: ${BucketRegion}; across regions Athena is slow and transfer is charged.`,
    )
  } catch (error) {
    if (awsErrorName(error) !== 'NotFound') throw awsFailure(error, `S3: HeadBucket ${bucket}`, signal)
    return fail(check, 'is not there', `aws s3 mb s3://${bucket} --region ${region}`)
  }
}

/** Asks for a setting of a bucket; `expected` names the error by which S3 says that there is none. */
async function setting<T>(send: () => Promise<T>, expected: string): Promise<T | 'none' | 'not allowed'> {
  try {
    return await send()
  } catch (error) {
    const name = awsErrorName(error)
    if (name === expected) return 'none'
    // A run does not need to see these settings, and other servers do not know all of them.
    if (/AccessDenied|Forbidden|NotImplemented|NotSupported|MethodNotAllowed|^403$/.test(name)) return 'not allowed'
    throw awsFailure(error, 'S3: settings of a bucket')
  }
}

const NOT_SEEN = 'may not be seen with these rights; a run does not need it'

async function encryption(s3: S3Client, bucket: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}: encryption`
  const found = await setting(
    () => s3.send(new GetBucketEncryptionCommand({ Bucket: bucket }), { abortSignal: signal }),
    'ServerSideEncryptionConfigurationNotFoundError',
  )
  if (found === 'not allowed') return ok(check, NOT_SEEN)
  const rule = found === 'none' ? undefined : found.ServerSideEncryptionConfiguration?.Rules?.[0]
  const by = rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm
  if (by !== undefined) return ok(check, by)
  return warn(check, 'none by default', 'Turn on default encryption (SSE-S3 costs nothing).')
}

async function publicAccess(s3: S3Client, bucket: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}: public access`
  const found = await setting(
    () => s3.send(new GetPublicAccessBlockCommand({ Bucket: bucket }), { abortSignal: signal }),
    'NoSuchPublicAccessBlockConfiguration',
  )
  if (found === 'not allowed') return ok(check, NOT_SEEN)
  const block = found === 'none' ? undefined : found.PublicAccessBlockConfiguration
  const isBlocked =
    block?.BlockPublicAcls && block.IgnorePublicAcls && block.BlockPublicPolicy && block.RestrictPublicBuckets
  if (isBlocked) return ok(check, 'blocked')
  return warn(check, 'not wholly blocked', 'Turn on "Block all public access" for the bucket.')
}

async function versioning(s3: S3Client, bucket: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}: versioning`
  const found = await setting(
    () => s3.send(new GetBucketVersioningCommand({ Bucket: bucket }), { abortSignal: signal }),
    '',
  )
  if (found === 'not allowed') return ok(check, NOT_SEEN)
  if (found === 'none' || found.Status !== 'Enabled') return ok(check, 'off')
  return warn(
    check,
    'on: what a run replaces or deletes stays as an old version and is charged',
    'Add a lifecycle rule that expires noncurrent versions, e.g. after 7 days.',
  )
}

async function uploadsExpire(s3: S3Client, bucket: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}: abandoned uploads`
  const found = await setting(
    () => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), { abortSignal: signal }),
    'NoSuchLifecycleConfiguration',
  )
  if (found === 'not allowed') return ok(check, NOT_SEEN)
  const rules = found === 'none' ? [] : (found.Rules ?? [])
  const expiring = rules.some((rule) => rule.Status === 'Enabled' && rule.AbortIncompleteMultipartUpload)
  if (expiring) return ok(check, 'expire by a lifecycle rule')
  return warn(check, 'no lifecycle rule aborts them', 'Add one (AbortIncompleteMultipartUpload), or call etl3 vacuum.')
}

async function probe(s3: S3Client, address: S3Address, signal: AbortSignal): Promise<Finding> {
  const { bucket } = address
  const prefix = prefixBelow(address)
  const where = `s3://${bucket}/${prefix}`
  const place = { Bucket: bucket, Key: `${prefix}etl3-doctor-${randomBytes(6).toString('hex')}` }
  const sent = randomBytes(16).toString('hex')
  const options = { abortSignal: signal }
  await asked(`S3: PutObject ${where}`, signal, () => s3.send(new PutObjectCommand({ ...place, Body: sent }), options))
  let read: string | undefined
  try {
    const { Body } = await asked(`S3: GetObject ${where}`, signal, () => s3.send(new GetObjectCommand(place), options))
    read = await Body?.transformToString()
  } finally {
    await asked(`S3: DeleteObject ${where}`, signal, () => s3.send(new DeleteObjectCommand(place), options))
  }
  const check = `write, read, delete in ${where}`
  if (read === sent) return ok(check, 'works')
  return fail(check, 'gives back other bytes than were written', 'See what lies between this machine and S3.')
}

async function glue({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const tables = new GlueTables(athena.database, athena.region)
  const name = `${athena.database}.${athena.table}`
  const table = await tables.find(athena.table, signal)
  if (!table) return ok('Glue', `${name} is not there yet: a run makes it`)
  if (isOwnTable(table)) return ok('Glue', `${name} is there`)
  return fail('Glue', `${name} is a table that ETL3 did not make`, 'Choose another athena.table, or drop that one.')
}

async function workgroup({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const client = new AthenaClient(awsClientSettings(athena.region))
  const { WorkGroup } = await asked(`Athena: GetWorkGroup ${athena.workgroup}`, signal, () =>
    client.send(new GetWorkGroupCommand({ WorkGroup: athena.workgroup }), { abortSignal: signal }),
  )
  const check = 'Athena workgroup'
  const { EnforceWorkGroupConfiguration, ResultConfiguration } = WorkGroup?.Configuration ?? {}
  const own = ResultConfiguration?.OutputLocation
  if (WorkGroup?.State === 'DISABLED') {
    return fail(check, `${athena.workgroup} is disabled`, 'Enable it, or choose another athena.workgroup.')
  }
  if (own === undefined && athena.output_location === undefined) {
    return fail(
      check,
      `${athena.workgroup} has no place for results`,
      'Set athena.output_location: s3://bucket/athena-results/, or the place of the workgroup.',
    )
  }
  if (EnforceWorkGroupConfiguration && athena.output_location !== undefined && own !== athena.output_location) {
    return warn(
      check,
      `${athena.workgroup} enforces its own place for results, ${own}`,
      'Leave athena.output_location out; it has no effect in this workgroup.',
    )
  }
  return ok(check, `${athena.workgroup}, results in ${athena.output_location ?? own}`)
}

async function smallQuery({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const { region, database, workgroup: group, output_location: outputLocation } = athena
  const queries = new AthenaQueries({ region, database, workgroup: group, outputLocation })
  const began = performance.now()
  const query = await queries.start('SELECT 1', signal)
  while (!(await queries.isDone(query, signal))) {
    if (performance.now() - began > QUERY_PATIENCE_MS) {
      await queries.stop(query, signal)
      return warn('Athena query', 'SELECT 1 takes longer than a minute', 'Athena is busy; see the workgroup.')
    }
    await delay(QUERY_LOOK_INTERVAL_MS)
  }
  return ok('Athena query', `SELECT 1 answered in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
