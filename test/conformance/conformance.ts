/**
 * Whether the tables are right for the engine of Athena: Trino reads them from S3 through Glue, and every answer is
 * compared with what the embedded catalog says of the same run.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CATALOG_COLUMNS } from '../../src/activities/register-tables.js'
import { type Config, configSchema } from '../../src/config/schema.js'
import { writeDemoStar } from '../../src/demo/write-star.js'
import { AthenaQueries } from '../../src/lake/athena.js'
import { GlueCatalog } from '../../src/lake/glue-catalog.js'
import { GlueTables } from '../../src/lake/glue-tables.js'
import { queryCatalog } from '../../src/lake/query.js'
import { startMoto } from '../aws/moto.js'
import { writeStar } from '../stars/star.js'
import { HARD_VALUES, hardStar, PROVIDERS_PER_FACT } from './hard-star.js'
import { ACCESS_KEY, type S3Server, SECRET_KEY, startS3 } from './s3-server.js'
import { Trino } from './trino.js'
import { literal, patternOf } from './trino-text.js'

const REGION = 'us-east-1'
const TABLE = 'fact_rate_enriched'
/** Enough for some hundred partitions; the engine opens each file of them for every question. */
const DEMO_FACTS = 150

/** What the check needs. */
export interface ConformanceOptions {
  readonly java: string
  readonly trinoHome: string
  readonly versitygw: string
  readonly cli: string
  readonly temporalCli: string
  readonly say: (line: string) => void
}

/** A table in S3 and Glue, and the run that it came from. */
interface Lake {
  readonly database: string
  readonly config: Config
  readonly partitionColumns: readonly string[]
}

/** Runs all checks; says each, and how many went well. */
export async function conformance(options: ConformanceOptions): Promise<{ passed: number; failed: number }> {
  const { say } = options
  const home = mkdtempSync(join(tmpdir(), 'etl3-conformance-'))
  const counts = { passed: 0, failed: 0 }
  const check: Check = (what, found, due) => {
    const same = JSON.stringify(found) === JSON.stringify(due)
    counts[same ? 'passed' : 'failed'] += 1
    if (!same) say(`  FAILED ${what}: found ${shown(found)}, due ${shown(due)}`)
  }
  const stops: (() => Promise<void>)[] = []
  try {
    const moto = await startMoto()
    stops.push(() => moto.stop())
    const s3 = await startS3(options.versitygw)
    stops.push(() => s3.stop())
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_GLUE: moto.url,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    })
    const hard = await makeHardLake(home, s3, options)
    const demo = await makeDemoLake(home, s3, options)
    const dense = await makeDenseLake(home, s3, options)
    say('· Starting Trino …')
    const trino = await Trino.start({
      java: options.java,
      home: options.trinoHome,
      glueEndpoint: moto.url,
      s3Endpoint: s3.endpoint,
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
    })
    stops.push(() => trino.stop())
    for (const lake of [dense, hard, demo]) {
      for (const table of [TABLE, `${TABLE}_projected`]) {
        const before = { ...counts }
        await checkTable(trino, lake, table, check)
        say(
          `  ${lake.database}.${table}: ${counts.passed - before.passed} passed, ${counts.failed - before.failed} failed`,
        )
      }
    }
    await checkHardRows(trino, hard, check)
    await checkProjection(trino, dense, check)
    return counts
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(home, { recursive: true, force: true })
  }
}

type Check = (what: string, found: unknown, due: unknown) => void

async function makeHardLake(home: string, s3: S3Server, options: ConformanceOptions): Promise<Lake> {
  const star = join(home, 'hard-star')
  await writeStar(star, hardStar())
  return await makeLake('hard', { home, star, s3, options, partitionColumns: undefined })
}

async function makeDemoLake(home: string, s3: S3Server, options: ConformanceOptions): Promise<Lake> {
  const star = join(home, 'demo-star')
  await writeDemoStar({ out: star, facts: DEMO_FACTS, seed: 1 })
  return await makeLake('demo', { home, star, s3, options, partitionColumns: undefined })
}

/** A table so plain that even the exact one is projected. */
async function makeDenseLake(home: string, s3: S3Server, options: ConformanceOptions): Promise<Lake> {
  const star = join(home, 'demo-star')
  return await makeLake('dense', {
    home,
    star,
    s3,
    options,
    partitionColumns: ['payer_slug'],
  })
}

interface LakeInput {
  readonly home: string
  readonly star: string
  readonly s3: S3Server
  readonly options: ConformanceOptions
  readonly partitionColumns: readonly string[] | undefined
}

/** Runs the pipeline into a folder, puts the table's objects into a bucket, and registers them in Glue. */
async function makeLake(database: string, input: LakeInput): Promise<Lake> {
  const { home, star, s3, options, partitionColumns } = input
  options.say(`· Making the table '${database}' …`)
  const folder = join(home, database)
  mkdirSync(folder)
  const config = configSchema.parse({
    input: { root: star, tables: { fact_rate: join(star, 'gold', 'fact_rate*.parquet') } },
    output: { uri: join(folder, 'table'), metadata_uri: join(folder, 'etl3') },
    processing: { scratch: join(folder, 'scratch') },
    athena: { database },
    // A few wrong facts are a large share of so small a star.
    data_quality: { rate_range: { severity: 'warn' } },
    logging: { file: join(folder, 'etl3.log') },
    ...(partitionColumns === undefined ? {} : { partitioning: { partition_columns: partitionColumns } }),
  })
  const file = join(folder, 'etl3.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  const answer = await runCli(options, ['run', '--config', file, '-o', 'json'], folder)
  const { runId } = JSON.parse(answer)
  const objects = await s3.upload(database, config.output.uri)
  const catalog = new GlueCatalog({
    glue: new GlueTables(database, REGION),
    athena: new AthenaQueries({ region: REGION, database, workgroup: 'primary', outputLocation: undefined }),
    table: TABLE,
    scratch: config.processing.scratch,
  })
  const columns = config.partitioning.partition_columns
  const outcome = await catalog.register(
    {
      table: TABLE,
      columns: CATALOG_COLUMNS,
      partitionColumns: columns,
      tableUri: `s3://${database}/`,
      manifestPath: join(folder, 'etl3', 'runs', String(runId), 'manifest.parquet'),
      lockNumber: 1,
      runId: String(runId),
      figures: {},
    },
    new AbortController().signal,
  )
  options.say(`  ${objects} objects, ${outcome.partitions} partitions; ${outcome.notes?.join('; ') ?? ''}`)
  return { database, config, partitionColumns: columns }
}

async function runCli(
  { cli, temporalCli }: ConformanceOptions,
  args: readonly string[],
  folder: string,
): Promise<string> {
  const env = { ...process.env, TEMPORAL_CLI: temporalCli, ETL3_STATE_DIR: join(folder, 'state') }
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => {
    said.stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    said.stderr += data.toString()
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`etl3 ${args.join(' ')} ended with ${String(code)}: ${said.stderr}`)
  return said.stdout
}

/** What the embedded catalog says of the same run. */
async function embedded({ config }: Lake, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await queryCatalog({ config, sql, signal: new AbortController().signal })).rows
}

async function checkTable(trino: Trino, lake: Lake, table: string, check: Check): Promise<void> {
  const { database, partitionColumns } = lake
  const ask = async (sql: string): Promise<readonly (readonly unknown[])[]> => (await trino.ask(sql, database)).rows
  const name = `${database}.${table}`

  const described = (await ask(`DESCRIBE ${table}`)).map(([column, type]) => [column, type])
  const due = CATALOG_COLUMNS.map((column) => [column.name, TRINO_TYPES[column.type]])
  const own = described.filter(([column]) => !String(column).endsWith('_key'))
  check(`${name}: columns and types`, own.toSorted(byText), due.toSorted(byText))

  for (const sql of QUESTIONS) {
    check(
      `${name}: ${sql}`,
      rounded(await ask(`${sql.replace('?', table)}`)),
      rounded(await embedded(lake, inDuckDb(sql.replace('?', TABLE)))),
    )
  }

  for (const column of partitionColumns) {
    const rows = await embedded(lake, `SELECT ${column}, count(*) FROM ${TABLE} GROUP BY 1`)
    const counted = new Map(rows.map(([value, count]) => [value === null ? null : String(value), Number(count)]))
    const isExact = table === TABLE
    const grouped = await ask(`SELECT ${column}, count(*) FROM ${table} GROUP BY 1`)
    const names = [...counted].map(([value, count]) => [isExact ? inExactTable(value) : value, count])
    check(`${name}: all values of ${column}`, grouped.toSorted(byText), names.toSorted(byText))
    const values = [...counted.keys()].slice(0, MOST_VALUES)
    const found = await countsOf(
      ask,
      table,
      values.map((value) => condition(column, value, isExact)),
    )
    check(
      `${name}: each value of ${column} by equality, and IS NULL`,
      found,
      [...counted.values()].slice(0, MOST_VALUES),
    )
    check(`${name}: ${column} IS NULL`, await countsOf(ask, table, [`${column} IS NULL`]), [counted.get(null) ?? 0])
    check(`${name}: ${column} = a value that is not there`, await countsOf(ask, table, [`${column} = 'nowhere'`]), [0])
  }
}

const TRINO_TYPES: Readonly<Record<string, string>> = {
  string: 'varchar',
  double: 'double',
  int: 'integer',
  date: 'date',
  boolean: 'boolean',
  'array<string>': 'array(varchar)',
}

/** Asked of both engines; `?` is the table. Sums in one order of rows differ in the last digits from those in another. */
const QUESTIONS = [
  'SELECT count(*), count(npi), count(DISTINCT fact_uid), count(DISTINCT npi), round(sum(negotiated_rate), 2), min(negotiated_rate), max(negotiated_rate), round(sum(rate_to_medicare_ratio), 3), min(city), max(city), min(latitude), max(longitude), sum(cardinality(tin_values)) FROM ?',
  'SELECT code, is_above_medicare, count(*), round(avg(negotiated_rate), 3) FROM ? GROUP BY 1, 2 ORDER BY 1, 3, 2 LIMIT 50',
]

/** The one function that the two engines call differently. */
function inDuckDb(sql: string): string {
  return sql.replace('cardinality(', 'len(')
}

/** The one value that an exact partition cannot hold: Hive's own word for NULL. */
function inExactTable(value: string | null): string | null {
  return value === '__HIVE_DEFAULT_PARTITION__' ? '%5F_HIVE_DEFAULT_PARTITION__' : value
}

function condition(column: string, raw: string | null, isExact: boolean): string {
  if (raw === null) return `${column} IS NULL`
  const value = isExact ? (inExactTable(raw) ?? '') : raw
  // Trino hands a quote to Glue as it is, and moto cannot read that; a pattern is not handed on.
  if (isExact && value.includes("'")) return `${column} LIKE ${literal(patternOf(value))} ESCAPE '!'`
  return `${column} = ${literal(value)}`
}

/** Rows that each condition finds, many conditions in one statement. */
async function countsOf(
  ask: (sql: string) => Promise<readonly (readonly unknown[])[]>,
  table: string,
  conditions: readonly string[],
): Promise<number[]> {
  const counts: number[] = []
  for (let begin = 0; begin < conditions.length; begin += CONDITIONS_PER_STATEMENT) {
    const some = conditions.slice(begin, begin + CONDITIONS_PER_STATEMENT)
    const selects = some.map((where, i) => `SELECT ${i} AS i, count(*) AS n FROM ${table} WHERE ${where}`)
    const rows = await ask(`${selects.join(' UNION ALL ')} ORDER BY 1`)
    counts.push(...rows.map(([, count]) => Number(count)))
  }
  return counts
}

const CONDITIONS_PER_STATEMENT = 10

/** Of a column with more values than this the first ones are asked one by one; all of them by GROUP BY. */
const MOST_VALUES = 25

async function checkHardRows(trino: Trino, { database }: Lake, check: Check): Promise<void> {
  const due = HARD_VALUES.length * PROVIDERS_PER_FACT
  for (const table of [TABLE, `${TABLE}_projected`]) {
    const { rows } = await trino.ask(`SELECT count(*) FROM ${table}`, database)
    check(`${database}.${table}: one row per fact and provider`, rows, [[due]])
  }
}

/** The plain table's exact partitions are projected: Trino must find the same rows without asking Glue for partitions. */
async function checkProjection(trino: Trino, { database }: Lake, check: Check): Promise<void> {
  const { rows } = await trino.ask(`SHOW CREATE TABLE ${TABLE}`, database)
  check(
    `${database}.${TABLE}: is projected`,
    /partition_projection_enabled\s*=\s*true/.test(String(rows[0]?.[0])),
    true,
  )
}

function rounded(rows: readonly (readonly unknown[])[]): unknown {
  return rows.map((row) => row.map((value) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value)))
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 600)
}
