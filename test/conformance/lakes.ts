/** Tables in S3 and Glue that runs of the built ETL3 have made, and what the embedded catalog says of the same rows. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CATALOG_COLUMNS } from '../../src/activities/register-tables.js'
import { type Config, configSchema } from '../../src/config/schema.js'
import { DuckDbCatalog } from '../../src/lake/duckdb/catalog.js'
import { queryCatalog } from '../../src/lake/queries.js'
import { makeBucket, type S3Server } from '../aws/support/servers.js'
import type { CommandEnd } from './foreign-writes.js'

/** Name of the table of the partitions. */
export const TABLE = 'fact_rate_enriched'
/** Several files in most partitions of the analytics table, so that there is something to pass over. */
const ROWS_PER_FILE = 40

/** What the check needs. */
export interface ConformanceOptions {
  readonly java: string
  readonly trinoHome: string
  readonly cli: string
  readonly temporalCli: string
  readonly say: (line: string) => void
  /** Folder of the real star: only its analytics table is checked. Unset: small stars, and all tables. */
  readonly star?: string
}

/** Tables in S3 and Glue, and an embedded catalog of the files of the partitions. */
export interface Lake {
  readonly database: string
  readonly folder: string
  /** Path of the configuration of the runs. */
  readonly file: string
  /** Of the embedded catalog. */
  readonly config: Config
  readonly partitionColumns: readonly string[]
}

/** What a lake is made of. */
export interface LakeInput {
  readonly name: string
  readonly home: string
  /** Root of the star. */
  readonly star: string
  /** Paths of its tables, where they are not at their usual places. */
  readonly tables?: Readonly<Record<string, string>>
  /** Of the analytics table's files. Default: so few that most of its partitions have several files. */
  readonly rowsPerFile?: number
  readonly s3: S3Server
  readonly options: ConformanceOptions
  /** Default: the nine. */
  readonly partitionColumns?: readonly string[]
}

/** Runs the pipeline into a bucket with Glue, and registers the same files in an embedded catalog. */
export async function makeLake({
  name,
  home,
  star,
  tables = { fact_rate: join(star, 'gold', 'fact_rate*.parquet') },
  rowsPerFile = ROWS_PER_FILE,
  s3,
  options,
  partitionColumns,
}: LakeInput): Promise<Lake> {
  const began = performance.now()
  const folder = join(home, name)
  const catalogFolder = join(folder, 'embedded')
  mkdirSync(catalogFolder, { recursive: true })
  const bucket = await makeBucket(s3.endpoint)
  const config = configSchema.parse({
    input: { root: star, tables },
    output: {
      uri: `s3://${bucket}/table/`,
      metadata_uri: `s3://${bucket}/etl3/`,
      analytics: { enabled: true, target_file_rows: rowsPerFile },
    },
    processing: { scratch: join(folder, 'scratch') },
    // moto takes queries and answers none.
    athena: { database: name, count_rows: false },
    // A few wrong facts are a large share of so small a star.
    data_quality: { rules: { rate_range: { severity: 'warn' } } },
    logging: { file: join(folder, 'etl3.log') },
    ...(partitionColumns === undefined ? {} : { partitioning: { partition_columns: partitionColumns } }),
  })
  const file = join(folder, 'etl3.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  const { code, stdout, stderr } = await runCli(options, { folder, file }, ['run'])
  if (code !== 0) throw new Error(`etl3 run ended with ${String(code)}: ${stderr}`)
  const { runId } = z.object({ runId: z.string() }).parse(JSON.parse(stdout))

  // The server keeps each object as a file under its key.
  const [tableUri, records] = ['table', 'etl3'].map((part) => join(s3.folder ?? '', bucket, part))
  const columns = config.partitioning.partition_columns
  const catalog = new DuckDbCatalog({ metadataFolder: catalogFolder, database: name, scratch: join(folder, 'scratch') })
  await catalog.register(
    {
      table: TABLE,
      columns: CATALOG_COLUMNS,
      partitionColumns: columns,
      tableUri: tableUri ?? '',
      manifestPath: join(records ?? '', 'runs', runId, 'manifest.parquet'),
      runId,
      lockNumber: 1,
      figures: {},
    },
    new AbortController().signal,
  )
  options.say(`· The table '${name}' is made (${((performance.now() - began) / 1000).toFixed(0)} s)`)
  const output = { ...config.output, uri: tableUri ?? '', metadata_uri: catalogFolder }
  return { database: name, folder, file, config: { ...config, output }, partitionColumns: columns }
}

/** Runs a command with the lake's configuration; its result is JSON. */
export async function runCli(
  { cli, temporalCli }: ConformanceOptions,
  { folder, file }: Pick<Lake, 'folder' | 'file'>,
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
): Promise<CommandEnd> {
  const env = { ...process.env, ...settings, TEMPORAL_CLI: temporalCli, ETL3_STATE_DIR: join(folder, 'state') }
  const child = spawn(process.execPath, [cli, ...args, '--config', file, '-o', 'json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => {
    said.stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    said.stderr += data.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...said }
}

/** What the embedded catalog says of the same run. */
export async function embedded({ config }: Lake, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await queryCatalog({ config, sql, signal: new AbortController().signal })).rows
}
