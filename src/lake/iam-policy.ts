/** The least that a role must be allowed, from the configuration (`etl3 iam-policy`). */
import type { Config } from '../config/schema.js'
import { projectedTableName } from './projected-table-name.js'
import { bucketPlaceOf, prefixBelow } from './s3-address.js'

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
  const statements = [...storage, ...glueStatements(options), ...athenaStatements(options)]
  return { Version: '2012-10-17', Statement: role === 'vacuum' ? storage : statements }
}

/** A bucket and the beginning of the keys in it, '' or with the final '/'. */
interface BucketPlace {
  readonly bucket: string
  readonly prefix: string
}

interface Access {
  readonly sid: string
  readonly places: readonly BucketPlace[]
  readonly actions: readonly string[]
}

const READ = ['s3:GetObject']
const WRITE = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]
const CLEAN = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload']
const RESULTS = ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts']

function bucketStatements({ config, role, partition }: IamPolicyOptions): IamStatement[] {
  const { input, output, athena } = config
  const table = placesOf([output.uri])
  const records = placesOf([output.metadata_uri])
  const results = placesOf(athena.output_location === undefined ? [] : [athena.output_location])
  const inputs = placesOf([input.root, ...Object.values(input.tables)])
  const accesses: Readonly<Record<IamRole, readonly Access[]>> = {
    reader: [
      { sid: 'ReadTable', places: table, actions: READ },
      { sid: 'QueryResults', places: results, actions: RESULTS },
    ],
    writer: [
      { sid: 'ReadInput', places: inputs, actions: READ },
      { sid: 'WriteTable', places: table, actions: WRITE },
      { sid: 'WriteRecords', places: records, actions: WRITE },
      { sid: 'QueryResults', places: results, actions: RESULTS },
    ],
    vacuum: [
      // Old objects below the table's root are only listed: a run deletes its own, key by key.
      { sid: 'CleanRecords', places: records, actions: CLEAN },
      { sid: 'AbandonedUploads', places: table, actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'] },
    ],
  }
  const used = accesses[role].filter(({ places }) => places.length > 0)
  const objects = used.map(({ sid, places, actions }): IamStatement => {
    const resources = places.map(({ bucket, prefix }) => `arn:${partition}:s3:::${bucket}/${prefix}*`)
    return { Sid: sid, Effect: 'Allow', Action: actions, Resource: resources }
  })
  const buckets = new Map<string, Set<string>>()
  for (const { bucket, prefix } of used.flatMap(({ places }) => places)) {
    const prefixes = buckets.get(bucket) ?? new Set<string>()
    buckets.set(bucket, prefixes.add(`${prefix}*`))
  }
  const lists = [...buckets].flatMap(([bucket, prefixes], i): IamStatement[] => [
    {
      Sid: `List${i + 1}`,
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [`arn:${partition}:s3:::${bucket}`],
      Condition: { StringLike: { 's3:prefix': [...prefixes] } },
    },
    {
      Sid: `Bucket${i + 1}`,
      Effect: 'Allow',
      // Neither takes a prefix: Athena asks where a bucket lies, vacuum and a run which uploads were abandoned.
      Action: role === 'reader' ? ['s3:GetBucketLocation'] : ['s3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
      Resource: [`arn:${partition}:s3:::${bucket}`],
    },
  ])
  return [...objects, ...lists]
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

function placesOf(uris: readonly string[]): BucketPlace[] {
  const places = new Map<string, BucketPlace>()
  for (const uri of uris) {
    const place = bucketPlaceOf(uri)
    if (!place) continue
    const { bucket, path } = place
    // A glob, or one file: everything that begins like it.
    const plain = path.split(/[*?[{]/, 1)[0] ?? ''
    const isFolder = plain === path && (uri.endsWith('/') || !/\.[a-z]+$/i.test(plain))
    const prefix = isFolder ? prefixBelow(place) : plain
    places.set(`${bucket}/${prefix}`, { bucket, prefix })
  }
  return [...places.values()]
}
