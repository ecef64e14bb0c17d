/** The least that a role must be allowed, from the configuration (`etl3 iam-policy`). */
import { analyticsTableName, keptAnalyticsUri } from '../config/analytics-place.js'
import type { Config } from '../config/schema.js'
import { isOnAws } from './catalogs.js'
import { projectedTableName } from './glue/projected-table-name.js'
import { bucketPlaceOf, isPattern, literalHead, prefixBelow, type S3Address } from './s3/address.js'

/** Beginning of the names under which `etl3 doctor` writes and deletes. Queries pass over names that begin with a dot. */
export const DOCTOR_KEYS = '.etl3-doctor-'

/** What a role does: asks the tables, runs the pipeline, or cleans up after it. */
export const IAM_ROLES = ['reader', 'writer', 'vacuum'] as const

/** Who the policy is for. */
export type IamRole = (typeof IAM_ROLES)[number]

/** One statement of a policy. */
export interface IamStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/** A policy document. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

/** Where the policy holds. */
export interface IamPolicyOptions {
  readonly config: Config
  readonly role: IamRole
  /** Account of Glue and Athena; `*` for any. */
  readonly account: string
  /** `aws`, `aws-us-gov`, `aws-cn`. */
  readonly partition: string
}

/** Makes the policy of a role. Places that are folders need none and are left out. */
export function iamPolicy(options: IamPolicyOptions): IamPolicy {
  const { role } = options
  const storage = [...bucketStatements(options), ...keyStatements(options)]
  const analytics = analyticsCatalogStatements(options)
  const statements = [...storage, ...glueStatements(options), ...analytics, ...athenaStatements(options)]
  return { Version: '2012-10-17', Statement: role === 'vacuum' ? [...storage, ...analytics] : statements }
}

/** Keys of a bucket. */
interface BucketPlace {
  readonly bucket: string
  /** As a policy matches them: `*` stands for anything. */
  readonly keys: string
}

interface Access {
  readonly sid: string
  readonly places: readonly BucketPlace[]
  /** None: the places are only listed. */
  readonly actions: readonly string[]
}

const READ = ['s3:GetObject']
// Objects come to the table as copies, each in one request.
const WRITE = [...READ, 's3:PutObject', 's3:DeleteObject']
// Athena writes results with the rights of whoever asks, also in parts, which it lists before it goes on.
const RESULTS = ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts']

function bucketStatements(options: IamPolicyOptions): IamStatement[] {
  const { config, role, partition } = options
  const { table, analytics, records, results } = placesOfConfig(config)
  const accesses = accessesOf(options)
  const bucketArn = (bucket: string): string => `arn:${partition}:s3:::${bucket}`
  const statement = (Sid: string, Action: readonly string[], resources: readonly string[]): IamStatement[] =>
    Action.length === 0 || resources.length === 0
      ? []
      : [{ Sid, Effect: 'Allow', Action, Resource: [...new Set(resources)] }]
  const ofBuckets = (places: readonly BucketPlace[]): string[] => places.map(({ bucket }) => bucketArn(bucket))
  const ofObjects = (places: readonly BucketPlace[]): string[] =>
    places.map(({ bucket, keys }) => `${bucketArn(bucket)}/${keys}`)
  const probes = results.map(({ bucket, keys }) => ({ bucket, keys: keys.replace(/\*$/, `${DOCTOR_KEYS}*`) }))
  return [
    ...accesses.flatMap(({ sid, places, actions }) => statement(sid, actions, ofObjects(places))),
    // `etl3 doctor` takes back what it writes to see whether results can be written, and nobody's results.
    ...statement('DoctorProbe', ['s3:DeleteObject'], role === 'writer' ? ofObjects(probes) : []),
    ...listStatements(
      accesses.flatMap(({ places }) => places),
      bucketArn,
    ),
    // Neither of these takes a prefix. Athena asks where the buckets of a table and of results lie.
    ...statement(
      'Location',
      ['s3:GetBucketLocation'],
      role === 'vacuum' ? [] : ofBuckets([...table, ...analytics, ...results]),
    ),
    // Vacuum looks for uploads that nobody ended; AWS's own policy for Athena has it for buckets of results.
    ...statement(
      'Uploads',
      ['s3:ListBucketMultipartUploads'],
      ofBuckets(role === 'vacuum' ? [...records, ...analytics] : results),
    ),
  ]
}

type PlacesOfConfig = Readonly<Record<'inputs' | 'table' | 'analytics' | 'records' | 'results', readonly BucketPlace[]>>

function placesOfConfig(config: Config): PlacesOfConfig {
  const { input, output, athena } = config
  const analytics = keptAnalyticsUri(config)
  return {
    inputs: [...placesOf([input.root], keysBelow), ...placesOf(Object.values(input.tables), keysMeant)],
    table: placesOf([output.uri], keysBelow),
    analytics: placesOf(analytics === undefined ? [] : [analytics], keysBelow),
    records: placesOf([output.metadata_uri], keysBelow),
    results: placesOf(athena.output_location === undefined ? [] : [athena.output_location], keysBelow),
  }
}

function accessesOf({ config, role }: IamPolicyOptions): readonly Access[] {
  const { acl, tags } = config.s3
  // Whoever writes gives each object what the configuration says.
  const write = [
    ...WRITE,
    ...(acl === undefined ? [] : ['s3:PutObjectAcl']),
    ...(tags === undefined ? [] : ['s3:PutObjectTagging']),
  ]
  // Large records and the files of the analytics table go in parts; an upload that fails is given up, and vacuum ends those that nobody gave up.
  const writeInParts = [...write, 's3:AbortMultipartUpload']
  const { inputs, table, analytics, records, results } = placesOfConfig(config)
  const queryResults: Access = { sid: 'QueryResults', places: results, actions: RESULTS }
  switch (role) {
    case 'reader':
      return [
        { sid: 'ReadTable', places: table, actions: READ },
        { sid: 'ReadAnalytics', places: analytics, actions: READ },
        queryResults,
      ]
    case 'writer':
      return [
        { sid: 'ReadInput', places: inputs, actions: READ },
        { sid: 'WriteTable', places: table, actions: write },
        { sid: 'WriteAnalytics', places: analytics, actions: writeInParts },
        { sid: 'WriteRecords', places: records, actions: writeInParts },
        queryResults,
      ]
    case 'vacuum':
      return [
        { sid: 'CleanRecords', places: records, actions: writeInParts },
        { sid: 'CleanAnalytics', places: analytics, actions: writeInParts },
        // What an unfinished publication left there is looked for; a run deletes it, key by key.
        { sid: 'ListTable', places: table, actions: [] },
      ]
  }
}

/**
 * One statement for each bucket. Asked for an object that is not there, S3 says so (404, not 403) to those who may list
 * with its key as the prefix: who may read a place must be able to list it.
 */
function listStatements(places: readonly BucketPlace[], bucketArn: (bucket: string) => string): IamStatement[] {
  const buckets = new Map<string, Set<string>>()
  for (const { bucket, keys } of places) {
    buckets.set(bucket, (buckets.get(bucket) ?? new Set<string>()).add(keys))
  }
  return [...buckets].map(([bucket, keys], i) => ({
    Sid: `List${i + 1}`,
    Effect: 'Allow',
    Action: ['s3:ListBucket'],
    Resource: [bucketArn(bucket)],
    // Who lists a whole bucket sends no prefix, which no pattern matches.
    ...(keys.has('*') ? {} : { Condition: { StringLike: { 's3:prefix': [...keys] } } }),
  }))
}

/** The key of SSE-KMS: who reads decrypts, who writes or copies also asks for data keys. */
function keyStatements({ config, role, account, partition }: IamPolicyOptions): IamStatement[] {
  const { s3, athena } = config
  const name = s3.kms_key_id
  if (name === undefined) return []
  const keys = `arn:${partition}:kms:${s3.region ?? athena.region}:${account}:key/`
  const alias = /^(?:arn:[^:]+:kms:[^:]*:\d*:)?(alias\/.+)$/.exec(name)?.[1]
  return [
    {
      Sid: 'Key',
      Effect: 'Allow',
      Action: role === 'reader' ? ['kms:Decrypt'] : ['kms:Decrypt', 'kms:GenerateDataKey'],
      // An alias is no resource of these actions: the key that it stands for is told by a condition.
      Resource: [alias !== undefined ? `${keys}*` : name.startsWith('arn:') ? name : `${keys}${name}`],
      ...(alias === undefined ? {} : { Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } } }),
    },
  ]
}

const GLUE_READ = [
  'glue:GetDatabase',
  'glue:GetTable',
  'glue:GetPartitions',
  'glue:GetPartition',
  'glue:BatchGetPartition',
]
const GLUE_WRITE = [
  ...GLUE_READ,
  'glue:CreateDatabase',
  'glue:CreateTable',
  'glue:UpdateTable',
  'glue:DeleteTable',
  'glue:BatchCreatePartition',
  'glue:BatchUpdatePartition',
  'glue:BatchDeletePartition',
  'glue:CreatePartition',
  'glue:UpdatePartition',
  'glue:DeletePartition',
  'glue:GetPartitionIndexes',
  'glue:CreatePartitionIndex',
]

const DEFAULT_DATABASE = 'default'

function glueStatements({ config, role, account, partition }: IamPolicyOptions): IamStatement[] {
  const { database, table, region } = config.athena
  const arn = (resource: string): string => `arn:${partition}:glue:${region}:${account}:${resource}`
  return [
    {
      Sid: 'Catalog',
      Effect: 'Allow',
      Action: role === 'reader' ? GLUE_READ : GLUE_WRITE,
      // Glue checks each call against the catalog, the database and the table.
      Resource: [
        arn('catalog'),
        arn(`database/${database}`),
        arn(`table/${database}/${table}`),
        arn(`table/${database}/${projectedTableName(table)}`),
      ],
    },
    // Athena looks at this database as well. AWS's page "Configure access to databases and tables in the AWS Glue Data
    // Catalog" shows it with GetDatabase, GetDatabases and CreateDatabase; of these the last two serve SHOW DATABASES and
    // CREATE DATABASE, which ETL3 never asks of Athena.
    ...(database === DEFAULT_DATABASE
      ? []
      : [
          {
            Sid: 'DefaultDatabase',
            Effect: 'Allow' as const,
            Action: ['glue:GetDatabase'],
            Resource: [arn('catalog'), arn(`database/${DEFAULT_DATABASE}`)],
          },
        ]),
  ]
}

/** What each role asks of Glue for the analytics table: its current metadata is named there, and nothing else. */
const ANALYTICS_ACTIONS: Readonly<Record<IamRole, readonly string[]>> = {
  reader: ['glue:GetDatabase', 'glue:GetTable'],
  writer: ['glue:GetDatabase', 'glue:GetTable', 'glue:CreateTable', 'glue:UpdateTable'],
  vacuum: ['glue:GetTable', 'glue:UpdateTable'],
}

function analyticsCatalogStatements({ config, role, account, partition }: IamPolicyOptions): IamStatement[] {
  const { database, region } = config.athena
  if (!isOnAws(config) || placesOfConfig(config).analytics.length === 0) return []
  const arn = (resource: string): string => `arn:${partition}:glue:${region}:${account}:${resource}`
  return [
    {
      Sid: 'AnalyticsTable',
      Effect: 'Allow',
      Action: ANALYTICS_ACTIONS[role],
      Resource: [arn('catalog'), arn(`database/${database}`), arn(`table/${database}/${analyticsTableName(config)}`)],
    },
  ]
}

function athenaStatements({ config, account, partition }: IamPolicyOptions): IamStatement[] {
  const { region, workgroup } = config.athena
  return [
    {
      Sid: 'Query',
      Effect: 'Allow',
      Action: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:StopQueryExecution',
        'athena:GetWorkGroup',
      ],
      Resource: [`arn:${partition}:athena:${region}:${account}:workgroup/${workgroup}`],
    },
  ]
}

/** The keys below each address, or those that it means itself; addresses of folders are left out. */
function placesOf(uris: readonly string[], keysOf: (at: S3Address) => readonly string[]): BucketPlace[] {
  return uris.flatMap((uri) => {
    const at = bucketPlaceOf(uri)
    return at ? keysOf(at).map((keys) => ({ bucket: at.bucket, keys })) : []
  })
}

function keysBelow(at: S3Address): readonly string[] {
  return [`${literally(prefixBelow(at))}*`]
}

/** One object or those below it, or what the listing of a pattern asks for. */
function keysMeant(at: S3Address): readonly string[] {
  const { path } = at
  return isPattern(path) ? [`${literally(literalHead(path))}*`] : [literally(path), ...keysBelow(at)]
}

/** A key in which a policy is not to see its own signs. */
function literally(key: string): string {
  return key.replace(/[*?$]/g, (sign) => `\${${sign}}`)
}
