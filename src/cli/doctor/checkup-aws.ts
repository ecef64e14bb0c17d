/**
 * What `etl3 doctor` looks at on AWS: who asks, the buckets, Glue, Athena. Writes small objects beside the records and the
 * results and deletes them; nothing of it stays, and nothing ever stands below the table's root.
 */
import { randomBytes } from 'node:crypto'
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
import { analyticsTableName } from '../../config/analytics-place.js'
import type { Config } from '../../config/schema.js'
import { AthenaQueries } from '../../lake/glue/athena.js'
import { awsClientSettings, awsErrorName, awsFailure } from '../../lake/glue/connection.js'
import { projectedTableName } from '../../lake/glue/projected-table-name.js'
import { isOwnTable, PROJECTION_PROPERTY, PROJECTION_WARNING_PROPERTY } from '../../lake/glue/table-definition.js'
import { GlueTables } from '../../lake/glue/tables.js'
import { DOCTOR_KEYS } from '../../lake/iam-policy.js'
import { bucketPlaceOf, formatS3Address, prefixBelow, type S3Address } from '../../lake/s3/address.js'
import { connectS3, type S3Connection } from '../../lake/s3/client.js'
import { deleteKeys } from '../../lake/s3/deletion.js'
import { bucketRegionIn, isNotFound, isPreconditionFailed, s3Error, statusOf } from '../../lake/s3/errors.js'
import { copyObject, putObject } from '../../lake/s3/object.js'
import { storingFields } from '../../lake/s3/request-headers.js'
import { s3SettingsOf } from '../../lake/s3/settings.js'
import { isS3Address } from '../../runtime/uri.js'
import { attempt, type Finding, fail, ok, warn } from './finding.js'

/** AWS refuses signatures of a clock that is more than five minutes off. */
const MOST_SKEW_MS = 5 * 60 * 1000
const COMFORTABLE_SKEW_MS = 60 * 1000

const SMALL_QUERY = { pollMs: 500, patienceMs: 60_000 }

/**
 * Runs all checks, one after the other.
 * @param analytics root of the analytics table, where there is to be one
 */
export async function* awsCheckup(config: Config, analytics?: string): AsyncGenerator<Finding> {
  const signal = new AbortController().signal
  const identity = await attempt('AWS identity', () => callerIdentity(config, signal))
  yield identity
  // Without credentials each further check would fail for the same reason.
  if (identity.verdict === 'fail') return
  yield await attempt('clock', () => clock(config, signal))
  const settings = s3SettingsOf(config)
  const connection = connectS3(settings)
  const { client: s3 } = await connection.open()
  const { input, output, athena } = config
  const { output_location: results } = athena
  const uris = [output.uri, output.metadata_uri, analytics, results].flatMap((uri) => uri ?? [])
  const bucketsOf = (all: readonly string[]): Set<string> =>
    new Set(all.flatMap((uri) => bucketPlaceOf(uri)?.bucket ?? []))
  const written = bucketsOf(uris)
  const unusable = new Set<string>()
  for (const bucket of new Set([...written, ...bucketsOf([input.root, ...Object.values(input.tables)])])) {
    const isWritten = written.has(bucket)
    const found = await attempt(`bucket ${bucket}`, () =>
      lookAtBucket(s3, bucket, isWritten ? athena.region : undefined, signal),
    )
    yield found
    if (found.verdict === 'fail') {
      // Whatever else is asked of it would fail for the same reason.
      unusable.add(bucket)
      continue
    }
    yield await attempt(`bucket ${bucket}: encryption`, () => encryption(s3, bucket, signal))
    yield await attempt(`bucket ${bucket}: public access`, () => publicAccess(s3, bucket, signal))
    if (!isWritten) continue
    yield await attempt(`bucket ${bucket}: versioning`, () => versioning(s3, bucket, signal))
    yield await attempt(`bucket ${bucket}: abandoned uploads`, () => uploadsExpire(s3, bucket, signal))
  }
  for (const uri of uris) {
    const place = bucketPlaceOf(uri)
    if (!place || unusable.has(place.bucket)) continue
    const look = uri === output.uri ? probeTable : probe
    // Athena writes its results by itself.
    const given = uri === results ? {} : storingFields(settings)
    yield await attempt(`write, read, delete in ${folderOf(place)}`, () => look(s3, { place, given }, signal))
  }
  const [records, table] = [bucketPlaceOf(output.metadata_uri), bucketPlaceOf(output.uri)]
  if (records && table && !unusable.has(records.bucket) && !unusable.has(table.bucket))
    yield await attempt(`copy to ${folderOf(table)}`, () => probeCopy(connection, { records, table }, signal))
  yield await attempt('Glue', () => glue(config, signal))
  const projected = await attempt('Glue: projected table', () => glueProjected(config, signal))
  if (projected) yield projected
  if (analytics !== undefined && isS3Address(analytics))
    yield await attempt('Glue: analytics table', () => glueAnalytics(config, signal))
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

/** The same of S3: the refusal names the place, and the regions where these differ. */
async function askedOfS3<T>(s3: S3Client, doing: string, at: S3Address, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    throw s3Error(error, doing, formatS3Address(at), await s3.config.region())
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

/** @param athenaRegion where Athena is asked; undefined for a bucket that it does not read */
async function lookAtBucket(
  s3: S3Client,
  bucket: string,
  athenaRegion: string | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  const check = `bucket ${bucket}`
  const asked = await s3.config.region()
  let region: string | undefined
  try {
    const { BucketRegion } = await s3.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal })
    region = BucketRegion
  } catch (error) {
    if (statusOf(error) === 404) return fail(check, 'is not there', `aws s3 mb s3://${bucket} --region ${asked}`)
    region = bucketRegionIn(error)
    // A role that may list only below prefixes gets 403, and yet S3 tells where the bucket lies.
    if (statusOf(error) !== 403 || (region !== undefined && region !== asked)) {
      throw s3Error(error, 'look at', formatS3Address({ bucket, path: '' }), asked)
    }
    if (region === undefined) {
      return warn(
        check,
        'may not be looked at with these rights, and S3 does not tell its region',
        'Whether it can be used is seen below. On AWS the answer tells the region; see what lies between.',
      )
    }
  }
  if (region === undefined || athenaRegion === undefined || region === athenaRegion)
    return ok(check, region ?? 'is there')
  return fail(
    check,
    `lies in ${region}, Glue and Athena are asked in ${athenaRegion}`,
    `Set athena.region: ${region}; across regions Athena is slow and transfer is charged.`,
  )
}

/** Asks for a setting of a bucket; `expected` names the error by which S3 says that there is none. */
async function setting<T>(
  s3: S3Client,
  bucket: string,
  send: () => Promise<T>,
  expected: string,
): Promise<T | 'none' | 'not allowed'> {
  try {
    return await send()
  } catch (error) {
    const name = awsErrorName(error)
    if (name === expected) return 'none'
    // A run does not need to see these settings, and other servers do not know all of them.
    if (/AccessDenied|Forbidden|NotImplemented|NotSupported|MethodNotAllowed|^403$/.test(name)) return 'not allowed'
    const at = formatS3Address({ bucket, path: '' })
    throw s3Error(error, 'look at the settings of', at, await s3.config.region())
  }
}

const NOT_SEEN = 'may not be seen with these rights; a run does not need it'

async function encryption(s3: S3Client, bucket: string, signal: AbortSignal): Promise<Finding> {
  const check = `bucket ${bucket}: encryption`
  const found = await setting(
    s3,
    bucket,
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
    s3,
    bucket,
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
    s3,
    bucket,
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
    s3,
    bucket,
    () => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), { abortSignal: signal }),
    'NoSuchLifecycleConfiguration',
  )
  if (found === 'not allowed') return ok(check, NOT_SEEN)
  const rules = found === 'none' ? [] : (found.Rules ?? [])
  const expiring = rules.some((rule) => rule.Status === 'Enabled' && rule.AbortIncompleteMultipartUpload)
  if (expiring) return ok(check, 'expire by a lifecycle rule')
  return warn(check, 'no lifecycle rule aborts them', 'Add one (AbortIncompleteMultipartUpload), or call etl3 vacuum.')
}

/** A place that is written to, and what objects there are given. */
interface Probed {
  readonly place: S3Address
  readonly given: ReturnType<typeof storingFields>
}

/** Writes a small object, reads and deletes it. */
async function probe(s3: S3Client, { place: address, given }: Probed, signal: AbortSignal): Promise<Finding> {
  const { at, place } = probeKey(address)
  const sent = randomBytes(16).toString('hex')
  const options = { abortSignal: signal }
  await askedOfS3(s3, 'write', at, () => s3.send(new PutObjectCommand({ ...place, ...given, Body: sent }), options))
  let read: string | undefined
  try {
    const { Body } = await askedOfS3(s3, 'read', at, () => s3.send(new GetObjectCommand(place), options))
    read = await Body?.transformToString()
  } finally {
    await askedOfS3(s3, 'delete', at, () => s3.send(new DeleteObjectCommand(place), options))
  }
  const check = `write, read, delete in ${folderOf(address)}`
  if (read === sent) return ok(check, 'works')
  return fail(check, 'gives back other bytes than were written', 'See what lies between this machine and S3.')
}

/**
 * Asks for the same below the table's root, where nothing may stand that a run does not know: for a write under a
 * condition that no object can meet, and for a read and a deletion of nothing. S3 looks at the rights first. (A bucket
 * with versioning keeps a mark of the deletion, which no listing shows.)
 */
async function probeTable(s3: S3Client, { place: address, given }: Probed, signal: AbortSignal): Promise<Finding> {
  const { at, place } = probeKey(address)
  const options = { abortSignal: signal }
  const refused = (error: unknown): undefined => {
    if (!isNotFound(error) && !isPreconditionFailed(error)) throw error
  }
  const write = new PutObjectCommand({ ...place, ...given, Body: 'etl3-doctor', IfMatch: '"etl3-doctor"' })
  await askedOfS3(s3, 'write', at, () => s3.send(write, options).catch(refused))
  try {
    await askedOfS3(s3, 'read', at, () => s3.send(new GetObjectCommand(place), options).catch(refused))
  } finally {
    // A server that does not keep the condition has an object now.
    await askedOfS3(s3, 'delete', at, () => s3.send(new DeleteObjectCommand(place), options))
  }
  return ok(`write, read, delete in ${folderOf(address)}`, 'is allowed; nothing was written')
}

/**
 * Asks for a copy as publications make them, under a condition that no object can meet. A policy that enforces
 * conditions on writes has S3 refuse these copies, and no others tell so.
 */
async function probeCopy(
  connection: S3Connection,
  { records, table }: { readonly records: S3Address; readonly table: S3Address },
  signal: AbortSignal,
): Promise<Finding> {
  const [{ at: from }, { at: to }] = [probeKey(records), probeKey(table)]
  await putObject(connection, from, Buffer.from('etl3-doctor'), signal)
  try {
    await copyObject(connection, { from, to }, { expect: 'etag', etag: 'etl3-doctor' }, signal)
  } finally {
    await deleteKeys(connection, from.bucket, [from.path], signal)
    // A server that does not keep the condition has an object now.
    await deleteKeys(connection, to.bucket, [to.path], signal)
  }
  return ok(`copy to ${folderOf(table)}`, 'is allowed under conditions; nothing was written')
}

/** A key that nobody else uses. */
function probeKey(address: S3Address): { readonly at: S3Address; readonly place: { Bucket: string; Key: string } } {
  const { bucket } = address
  const path = `${prefixBelow(address)}${DOCTOR_KEYS}${randomBytes(6).toString('hex')}`
  return { at: { bucket, path }, place: { Bucket: bucket, Key: path } }
}

function folderOf(address: S3Address): string {
  return `s3://${address.bucket}/${prefixBelow(address)}`
}

async function glue({ athena }: Config, signal: AbortSignal): Promise<Finding> {
  const tables = new GlueTables(athena.database, athena.region)
  const name = `${athena.database}.${athena.table}`
  const table = await tables.find(athena.table, signal)
  if (table && !isOwnTable(table)) {
    return fail('Glue', `${name} is a table that ETL3 did not make`, 'Choose another athena.table, or drop that one.')
  }
  await tables.requireMayChange(athena.table, table?.PartitionKeys?.length ?? 1, signal)
  const there = table ? 'is there' : 'is not there yet: a run makes it'
  return ok(
    'Glue',
    `${name} ${there}; partitions may be deleted; not checked: making and changing tables, for which no harmless call asks`,
  )
}

/** What a run has said of the projected table's keys; undefined where there is no such table yet. */
async function glueProjected({ athena }: Config, signal: AbortSignal): Promise<Finding | undefined> {
  const check = 'Glue: projected table'
  const name = projectedTableName(athena.table)
  const table = await new GlueTables(athena.database, athena.region).find(name, signal)
  if (!table) return undefined
  if (!isOwnTable(table)) {
    return fail(
      check,
      `${athena.database}.${name} is a table that ETL3 did not make`,
      'Choose another athena.table, or drop that one.',
    )
  }
  const { [PROJECTION_WARNING_PROPERTY]: warning, [PROJECTION_PROPERTY]: reason } = table.Parameters ?? {}
  if (warning === undefined) return ok(check, `${name} has ${reason ?? 'keys of an older version'}`)
  return warn(check, `${name} has ${warning}`, `Correct the value in the input, or query ${athena.table}.`)
}

/** The name of the analytics table: free, or that of an Iceberg table. Whose it is says its metadata, at a run. */
async function glueAnalytics(config: Config, signal: AbortSignal): Promise<Finding> {
  const { database, region } = config.athena
  const table = analyticsTableName(config)
  const name = `${database}.${table}`
  const found = await new GlueTables(database, region).find(table, signal)
  if (found && found.Parameters?.['table_type']?.toUpperCase() !== 'ICEBERG') {
    return fail(
      'Glue: analytics table',
      `${name} is no Iceberg table`,
      'Choose another athena.analytics_table, or drop that one.',
    )
  }
  return ok('Glue: analytics table', `${name} ${found ? 'is there' : 'is not there yet: a run makes it'}`)
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
  if (!(await queries.waitFor(query, SMALL_QUERY, signal))) {
    await queries.stop(query, signal)
    return warn('Athena query', 'SELECT 1 takes longer than a minute', 'Athena is busy; see the workgroup.')
  }
  const rows = []
  for await (const row of queries.rows(query, signal)) rows.push(row)
  if (rows.length !== 1 || rows[0]?.[0] !== '1') {
    const detail = 'SELECT 1 succeeds without the answer 1: no engine answers queries here, as with moto'
    const hint = 'Set athena.count_rows: false, or name a server that answers queries in AWS_ENDPOINT_URL_ATHENA.'
    // A run would be told that its rows are not there, after it has published them.
    return athena.count_rows ? fail('Athena query', detail, hint) : warn('Athena query', detail, hint)
  }
  return ok('Athena query', `SELECT 1 answered in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
