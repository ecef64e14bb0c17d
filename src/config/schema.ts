/**
 * The configuration: one zod schema, from which types, checks, defaults, `config schema` and docs come.
 * Keys are written as in the YAML file.
 */
import { z } from 'zod'
import { rulesSchema } from './quality-rules.js'
import { unsayableTexts } from './sayable-texts.js'

/** The tables of the star, by the names that `input.tables` takes. */
export const TABLE_NAMES = [
  'fact_rate',
  'dim_code',
  'dim_code_cat',
  'dim_payer',
  'dim_provider_group',
  'dim_pos_set',
  'dim_npi',
  'dim_npi_address',
  'dim_npi_address_geolocation',
  'xref_pg_member_npi',
  'xref_pg_member_tin',
  'bench_medicare_professional',
] as const

/** Name of an input table. */
export type TableName = (typeof TABLE_NAMES)[number]

const DEFAULT_PARTITION_COLUMNS = [
  'payer_slug',
  'state',
  'billing_class',
  'procedure_set',
  'procedure_class',
  'primary_taxonomy_code',
  'stat_area_name',
  'year',
  'month',
]

const path = z.string().min(1)

const input = z
  .strictObject({
    root: path.default('data').describe('Folder or s3:// prefix that holds gold/, dims/ and xrefs/.'),
    tables: z
      .partialRecord(z.enum(TABLE_NAMES), path)
      .default({})
      .describe(
        'Place of a table by itself: a file, a folder of part files, or a pattern. Overrides the one under input.root.',
      ),
    duplicates: z
      .enum(['error', 'first'])
      .default('error')
      .describe(
        'What to do with dimension keys whose rows differ: stop, or take the first one in order of all columns.',
      ),
  })
  .prefault({})

function repeated(items: unknown): unknown[] {
  return Array.isArray(items) ? [...new Set(items.filter((item, index) => items.indexOf(item) !== index))] : []
}

/** Names of columns, each at most once. */
const columnNames = z
  .array(z.string().min(1))
  .max(16)
  .refine((columns) => new Set(columns).size === columns.length, {
    error: ({ input: columns }) => `${repeated(columns).join(', ')} may stand in the list only once`,
  })
  .meta({ uniqueItems: true })

const analytics = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether runs keep the analytics table as well: an Iceberg table of few files.'),
    uri: path
      .optional()
      .describe(
        'Root of the analytics table: a folder or an s3:// prefix. Unset: a folder of its name (athena.analytics_table) beside output.uri.',
      ),
    partition_columns: columnNames
      .optional()
      .describe(
        'Its partition columns: some of partitioning.partition_columns that the fact decides. Unset: payer_slug, year and month, those that are among them.',
      ),
    target_file_rows: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .default(2_000_000)
      .describe('About how many rows one of its files has: half of it to twice as many.'),
    target_file_bytes: z
      .int()
      .min(1)
      .max(1_000_000_000_000)
      .optional()
      .describe(
        'About how many bytes one of its files has, as estimated from the rows: half of it to twice as many. The target that is reached first counts. Unset: only target_file_rows.',
      ),
    keep_snapshots: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('How many of its snapshots stay readable; vacuum lets older ones go.'),
    foreign_commits: z
      .enum(['stop', 'set_aside'])
      .default('stop')
      .describe(
        'Where somebody else has committed to it: stop the run, or set that aside and make the table what the run says.',
      ),
  })
  .prefault({})

const output = z
  .strictObject({
    uri: path.default('lake/partitioned-data/').describe("The table's root: a folder or an s3:// prefix."),
    metadata_uri: path.default('lake/etl3/').describe('Where runs, records, reports and the embedded catalog live.'),
    keep_runs: z.int().min(1).max(10_000).default(10).describe('How many finished runs keep their records.'),
    analytics,
  })
  .prefault({})

const processing = z
  .strictObject({
    chunk_size: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(1000)
      .describe('Enriched rows between two heartbeats, memory checks and cancellation points.'),
    max_workers: z.int().min(1).max(64).default(1).describe('Worker processes that share the memory limit.'),
    memory_limit_mb: z
      .int()
      .min(1)
      .max(1_048_576)
      .default(1024)
      .describe('Budget of all worker processes together, resident, in MB.'),
    audit: z
      .enum(['sample', 'full'])
      .default('sample')
      .describe('How much of what was written, and of the input, is read again before publishing.'),
    row_group_rows: z.int().min(1).max(16_777_216).default(131_072).describe('Rows per Parquet row group.'),
    unit_seconds: z
      .number()
      .min(0.01)
      .max(3600)
      .default(1)
      .describe('About how long one activity writes or publishes partitions: the step of retries and of a pause.'),
    stage_batch_mb: z
      .number()
      .min(0)
      .max(1_048_576)
      .default(64)
      .describe('Files of facts that one activity stages together, in MB of input. 0: each file by itself.'),
    lock_lease_ms: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(60_000)
      .describe('After how long without a sign of life a run loses the lock of its table to another run.'),
    scratch: path.default('.etl3/scratch').describe('Local folder for spill files and fetched objects.'),
  })
  .prefault({})

const partitioning = z
  .strictObject({
    partition_columns: columnNames
      .min(1)
      .default(DEFAULT_PARTITION_COLUMNS)
      .describe('Partition columns, in the order of the directories.'),
  })
  .prefault({})

const athena = z
  .strictObject({
    database: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .default('healthcare_data_lake')
      .describe('Glue database; schema of the embedded catalog.'),
    table: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .default('fact_rate_enriched')
      .describe('Name of the table.'),
    analytics_table: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .optional()
      .describe('Name of the analytics table, where runs keep one. Unset: <table>_iceberg.'),
    workgroup: z.string().min(1).default('primary').describe('Athena workgroup in which queries run.'),
    region: z.string().min(1).default('us-east-1').describe('Region of Glue and Athena.'),
    output_location: z
      .string()
      .regex(/^s3:\/\/[^/]+\//)
      .optional()
      .describe("s3:// prefix of query results. Unset: the workgroup's own. Never inside the table."),
    count_rows: z
      .boolean()
      .default(true)
      .describe('Whether the table is asked for its rows before a run ends. Off only where no engine answers Athena.'),
    poll_ms: z
      .int()
      .min(50)
      .max(60_000)
      .default(1000)
      .describe('Pause before Athena is asked again whether a query is done; grows to five times that.'),
    query_timeout_ms: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(600_000)
      .describe('After how long a query of Athena is stopped.'),
  })
  .prefault({})

const s3 = z
  .strictObject({
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of an S3 server that is not AWS. Unset: AWS_ENDPOINT_URL_S3 and the profile count.'),
    region: z
      .string()
      .min(1)
      .optional()
      .describe("The buckets' region. Unset: AWS_REGION, the profile, athena.region."),
    path_style: z
      .boolean()
      .optional()
      .describe('endpoint/bucket/key instead of bucket.endpoint/key. Unset: for servers that are not AWS.'),
    kms_key_id: z.string().min(1).optional().describe("Key of SSE-KMS for all objects. Unset: the bucket's default."),
    // Only those that a query can read at once.
    storage_class: z
      .enum(['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'])
      .optional()
      .describe("Storage class of the table's objects, e.g. STANDARD_IA. Unset: the bucket's default."),
    proxy: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !/^\w+:\/\/[^/]*@/.test(url), {
        error:
          'may hold no credentials: put such an address into HTTPS_PROXY, where it is neither printed nor recorded',
      })
      .optional()
      .describe('Address of a proxy for all requests to S3. Unset: HTTPS_PROXY, HTTP_PROXY and NO_PROXY count.'),
    requester_pays: z
      .boolean()
      .default(false)
      .describe('Whether requests say that whoever makes them pays, for buckets that want it said.'),
    bucket_owners: z
      .record(z.string().min(1), z.string().regex(/^\d{12}$/))
      .optional()
      .describe(
        'Account that a bucket must belong to, by bucket: requests to one that belongs to another are refused.',
      ),
    acl: z
      .enum(['bucket-owner-full-control'])
      .optional()
      .describe('ACL of all objects, for a bucket of another account that keeps ACLs. Unset: none is sent.'),
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .refine((tags) => Object.keys(tags).length <= 10, { error: 'an object has at most ten tags' })
      .optional()
      .describe('Tags of all objects: names and values. Unset: none.'),
    attempts: z.int().min(1).max(100).default(10).describe('How often a request is tried, the first time included.'),
    requests_at_once: z.int().min(1).max(1000).default(128).describe('Requests on their way at once, per worker.'),
    connect_timeout_ms: z.int().min(100).max(600_000).default(5_000),
    request_timeout_ms: z.int().min(100).max(3_600_000).default(30_000),
  })
  .prefault({})

const dataQuality = z
  .strictObject({
    fail_on: z
      .enum(['error', 'warn'])
      .default('error')
      .describe('warn: a rule of severity warn that is violated stops the run too, before anything is published.'),
    rules: rulesSchema.prefault({}).describe('The rules by name: those that are on by default, and your own.'),
  })
  .prefault({})

const temporal = z
  .strictObject({
    address: z
      .string()
      .min(1)
      .optional()
      .describe('host:port of the Temporal server. Unset: one at the default address, else a private one.'),
    namespace: z.string().min(1).default('default'),
    task_queue: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Where runs wait for a worker. Unset: etl3; on an unconfigured server of somebody else, one of its own.',
      ),
    connect_timeout_ms: z.int().min(100).max(600_000).default(10_000),
    heartbeat_timeout_ms: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(15_000)
      .describe('After how long without a sign of life an activity counts as dead and is tried again.'),
  })
  .prefault({})

const logging = z
  .strictObject({
    file: path.default('logs/etl3.log'),
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    max_size_mb: z.int().min(1).max(10_000).default(50),
    keep: z.int().min(1).max(1000).default(3),
  })
  .prefault({})

const notify = z
  .strictObject({
    command: z
      .array(z.string().min(1))
      .default([])
      .describe('Program and its arguments, without a shell; it gets the result as JSON on its standard input.'),
    url: z
      .string()
      .regex(/^https?:\/\/[^\s@]+$/)
      .optional()
      .describe('http(s) address that the result is posted to; $NAME in braces stands for a variable of the worker.'),
    timeout_ms: z.int().min(100).max(600_000).default(10_000).describe('How long telling may take.'),
    on: z
      .array(z.enum(['published', 'unchanged', 'validated', 'planned', 'failed', 'cancelled']))
      .default(['published', 'failed', 'cancelled'])
      .describe('Which ends of a run are reported.'),
  })
  .prefault({})

const metrics = z
  .strictObject({
    prometheus_address: z
      .string()
      .regex(/^[^\s:]+:\d{1,5}$/)
      .optional()
      .describe('host:port on which the first worker answers Prometheus; the next worker takes the next port.'),
    otlp_url: z
      .string()
      .regex(/^(https?|grpcs?):\/\/[^\s@]+$/)
      .optional()
      .describe('OpenTelemetry collector: …/v1/metrics is OTLP over HTTP, anything else gRPC.'),
  })
  .prefault({})

/** The whole configuration without its environment sections. */
export const configSchema = z
  .strictObject({
    input,
    output,
    processing,
    partitioning,
    athena,
    s3,
    data_quality: dataQuality,
    temporal,
    logging,
    notify,
    metrics,
  })
  .superRefine((config, context) => {
    for (const { path, message } of unsayableTexts(config))
      context.addIssue({ code: 'custom', path: [...path], message })
  })

/** A checked configuration, every default filled in. */
export type Config = z.output<typeof configSchema>
