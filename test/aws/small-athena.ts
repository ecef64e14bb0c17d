/**
 * Athena's API over DuckDB: it finds a table and its partitions in Glue as Athena does (exact partitions by `Values` and
 * `Location`, or projected ones by the table's properties), reads the files there, and takes a partition key's value
 * from the catalog; of an Iceberg table it reads the files of the current snapshot. Files lie in local folders. Knows
 * nothing of ETL3.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import avro from 'avsc'
import { z } from 'zod'
import { awsError, type Handler, type JsonAnswer, type JsonCall } from './json-front.js'

const column = z.object({ Name: z.string(), Type: z.string().default('string') })
const tableSchema = z.object({
  Name: z.string(),
  PartitionKeys: z.array(column).default([]),
  StorageDescriptor: z.object({ Columns: z.array(column), Location: z.string() }),
  Parameters: z.record(z.string(), z.string()).default({}),
})
// A database that is not there has no tables.
const tablesAnswer = z.object({ TableList: z.array(tableSchema).default([]) })
const partitionsAnswer = z.object({
  Partitions: z.array(z.object({ Values: z.array(z.string()), StorageDescriptor: z.object({ Location: z.string() }) })),
})
const startBody = z.object({
  QueryString: z.string(),
  WorkGroup: z.string(),
  QueryExecutionContext: z.object({ Database: z.string() }),
})
const queryBody = z.object({
  QueryExecutionId: z.string(),
  MaxResults: z.number().default(1000),
  NextToken: z.string().default('0'),
})

type Table = z.output<typeof tableSchema>
type FolderOf = (location: string) => string
type Ask = (operation: string, body: Readonly<Record<string, unknown>>) => Promise<unknown>

/** Hive's word for NULL in a partition's values. */
const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'

interface Execution {
  state: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  /** Looks until it is done. */
  looks: number
  readonly reason?: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Answers Athena's calls; Glue's go on to whatever comes next. */
export class SmallAthena {
  readonly #executions = new Map<string, Execution>()
  readonly #folderOf: FolderOf
  /** Looks at a query before it is done. */
  looksUntilDone = 1

  /** @param folderOf where a location lies on this machine. Default: `s3://lake/tmp/x` is `/tmp/x` */
  constructor(folderOf: FolderOf = (location) => location.replace(/^s3:\/\/[^/]+/, '')) {
    this.#folderOf = folderOf
  }

  readonly handler: Handler = async (call, next) => {
    switch (call.operation) {
      case 'StartQueryExecution':
        return await this.#start(call, next)
      case 'GetQueryExecution':
        return this.#look(call)
      case 'GetQueryResults':
        return this.#results(call)
      case 'GetWorkGroup':
        return {
          status: 200,
          body: { WorkGroup: { Name: call.body['WorkGroup'], State: 'ENABLED', Configuration: {} } },
        }
      case 'StopQueryExecution':
        return this.#stop(call)
      default:
        return await next(call)
    }
  }

  /** States of all queries so far. */
  get states(): readonly string[] {
    return [...this.#executions.values()].map(({ state }) => state)
  }

  /** Lets the queries end that are under way: the next look finds them done. */
  finish(): void {
    for (const execution of this.#executions.values()) execution.looks = 0
  }

  async #start({ body }: JsonCall, next: (call: JsonCall) => Promise<JsonAnswer>): Promise<JsonAnswer> {
    const { QueryString, QueryExecutionContext } = startBody.parse(body)
    const ask: Ask = async (operation, content) => (await next({ operation, body: content })).body
    const id = randomUUID()
    const running = this.#run(QueryString, QueryExecutionContext.Database, ask).then((execution) => {
      // One that was stopped meanwhile stays stopped.
      if (this.#executions.get(id)?.state !== 'CANCELLED') this.#executions.set(id, execution)
    })
    this.#executions.set(id, { ...UNDER_WAY })
    // A large table takes longer than whoever asks waits for an answer: it looks again and again, as with Athena.
    await Promise.race([running, delay(LONGEST_START_MS)])
    return { status: 200, body: { QueryExecutionId: id } }
  }

  async #run(sql: string, database: string, ask: Ask): Promise<Execution> {
    const instance = await DuckDBInstance.create()
    const connection = await instance.connect()
    const running = { state: 'RUNNING' as const, looks: this.looksUntilDone }
    try {
      await connection.run(`CREATE SCHEMA ${quoted(database)}`)
      for (const table of tablesAnswer.parse(await ask('GetTables', { DatabaseName: database })).TableList) {
        const files = await filesOf(table, { database, ask, folderOf: this.#folderOf })
        const keys = table.PartitionKeys.map(({ Name }) => quoted(Name))
        const parts = quoted(`files of ${table.Name}`)
        await connection.run(
          `CREATE TABLE ${parts} (filename VARCHAR${keys.map((key) => `, ${key} VARCHAR`).join('')})`,
        )
        const appender = await connection.createAppender(`files of ${table.Name}`)
        for (const { path, values } of files) {
          for (const value of [path, ...values]) {
            if (value === null) appender.appendNull()
            else appender.appendVarchar(value)
          }
          appender.endRow()
        }
        appender.closeSync()
        const own = table.StorageDescriptor.Columns.map(({ Name }) => `f.${quoted(Name)}`)
        const list = files.map(({ path }) => `'${path.replaceAll("'", "''")}'`).join(', ')
        const view = `${quoted(database)}.${quoted(table.Name)}`
        await connection.run(
          files.length > 0
            ? `CREATE VIEW ${view} AS SELECT ${[...own, ...keys.map((key) => `p.${key}`)].join(', ')}
                FROM read_parquet([${list}], filename = true, hive_partitioning = false) f
                JOIN ${parts} p ON f.filename = p.filename`
            : `CREATE VIEW ${view} AS SELECT ${[...table.StorageDescriptor.Columns, ...table.PartitionKeys]
                .map(({ Name }) => `NULL::VARCHAR AS ${quoted(Name)}`)
                .join(', ')} WHERE false`,
        )
      }
      await connection.run(`SET search_path = ${quoted(database)}`)
      const result = await connection.runAndReadAll(sql)
      const types = result.columnTypes().map(String)
      const columns = result.columnNames().map((name, i) => ({ name, type: TYPES[types[i] ?? ''] ?? 'varchar' }))
      const rows = result.getRows().map((row) => row.map((value) => (value === null ? null : String(value))))
      return { ...running, columns, rows }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { state: 'FAILED', looks: 0, reason: `SYNTAX_ERROR: ${reason}`, columns: [], rows: [] }
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }

  #look({ body }: JsonCall): JsonAnswer {
    const { QueryExecutionId } = queryBody.parse(body)
    const execution = this.#executions.get(QueryExecutionId)
    if (!execution) return awsError('InvalidRequestException', `QueryExecution ${QueryExecutionId} was not found`)
    if (execution.state === 'RUNNING' && execution.looks-- <= 0) execution.state = 'SUCCEEDED'
    const Status = { State: execution.state, ...(execution.reason ? { StateChangeReason: execution.reason } : {}) }
    return {
      status: 200,
      body: { QueryExecution: { QueryExecutionId, Status, StatementType: 'DML', SubstatementType: 'SELECT' } },
    }
  }

  #results({ body }: JsonCall): JsonAnswer {
    const { QueryExecutionId, MaxResults, NextToken } = queryBody.parse(body)
    const execution = this.#executions.get(QueryExecutionId)
    if (execution?.state !== 'SUCCEEDED') return awsError('InvalidRequestException', 'the query has no result yet')
    // The names stand before the rows and count as one.
    const lines = [execution.columns.map(({ name }) => name), ...execution.rows]
    const begin = Number(NextToken)
    const more = begin + MaxResults < lines.length
    return {
      status: 200,
      body: {
        ResultSet: {
          ResultSetMetadata: {
            ColumnInfo: execution.columns.map(({ name, type }) => ({ Name: name, Label: name, Type: type })),
          },
          Rows: lines.slice(begin, begin + MaxResults).map((line) => ({
            Data: line.map((value) => (value === null ? {} : { VarCharValue: value })),
          })),
        },
        ...(more ? { NextToken: String(begin + MaxResults) } : {}),
      },
    }
  }

  #stop({ body }: JsonCall): JsonAnswer {
    const execution = this.#executions.get(queryBody.parse(body).QueryExecutionId)
    if (execution?.state === 'RUNNING') execution.state = 'CANCELLED'
    return { status: 200, body: {} }
  }
}

/** A query that has no result yet, however often it is looked at. */
const UNDER_WAY: Execution = { state: 'RUNNING', looks: Number.POSITIVE_INFINITY, columns: [], rows: [] }

const LONGEST_START_MS = 3_000

const TYPES: Readonly<Record<string, string>> = {
  BIGINT: 'bigint',
  DOUBLE: 'double',
  INTEGER: 'integer',
  BOOLEAN: 'boolean',
  DATE: 'date',
}

interface TableFile {
  readonly path: string
  readonly values: readonly (string | null)[]
}

interface Place {
  readonly database: string
  readonly ask: Ask
  readonly folderOf: FolderOf
}

async function filesOf(table: Table, { database, ask, folderOf }: Place): Promise<TableFile[]> {
  if (table.Parameters['table_type'] === 'ICEBERG') return await icebergFiles(table, folderOf)
  if (table.PartitionKeys.length === 0) return below(folderOf(table.StorageDescriptor.Location), [])
  if (table.Parameters['projection.enabled'] === 'true') return projectedFiles(table, folderOf)
  const files: TableFile[] = []
  let token: string | undefined
  do {
    const body = { DatabaseName: database, TableName: table.Name, ...(token === undefined ? {} : { NextToken: token }) }
    const answer = await ask('GetPartitions', body)
    for (const { Values, StorageDescriptor } of partitionsAnswer.parse(answer).Partitions) {
      files.push(
        ...below(
          folderOf(StorageDescriptor.Location),
          Values.map((value) => (value === HIVE_NULL ? null : value)),
        ),
      )
    }
    token = z.object({ NextToken: z.string().optional() }).parse(answer).NextToken
  } while (token !== undefined)
  return files
}

const metadataSchema = z.object({
  'current-snapshot-id': z.number(),
  snapshots: z.array(z.object({ 'snapshot-id': z.number(), 'manifest-list': z.string() })),
})
const listedManifest = z.object({ manifest_path: z.string() })
const manifestEntry = z.object({ status: z.number(), data_file: z.object({ file_path: z.string() }) })
/** The status of a file that the snapshot has no longer (Iceberg specification, "Manifests"). */
const DELETED = 2

/** The files of an Iceberg table's current snapshot: by its metadata file, its manifest list and its manifests. */
async function icebergFiles({ Parameters }: Table, folderOf: FolderOf): Promise<TableFile[]> {
  const text = readFileSync(folderOf(Parameters['metadata_location'] ?? ''), 'utf8')
  const metadata = metadataSchema.parse(JSON.parse(text))
  const current = metadata.snapshots.find((one) => one['snapshot-id'] === metadata['current-snapshot-id'])
  const files: TableFile[] = []
  for (const listed of current ? await avroRecords(folderOf(current['manifest-list'])) : []) {
    for (const entry of await avroRecords(folderOf(listedManifest.parse(listed).manifest_path))) {
      const { status, data_file: file } = manifestEntry.parse(entry)
      if (status !== DELETED) files.push({ path: folderOf(file.file_path), values: [] })
    }
  }
  return files
}

async function avroRecords(path: string): Promise<unknown[]> {
  const records: unknown[] = []
  for await (const record of avro.createFileDecoder(path)) records.push(record)
  return records
}

/** Every combination of the listed values, at the place that the template makes of it. */
function projectedFiles({ PartitionKeys, Parameters }: Table, folderOf: FolderOf): TableFile[] {
  const property = (name: string): string => Parameters[name] ?? ''
  let combinations: string[][] = [[]]
  for (const { Name } of PartitionKeys) {
    const values = projectedValues(Name, property)
    combinations = combinations.flatMap((before) => values.map((value) => [...before, value]))
  }
  return combinations.flatMap((values) => {
    const location = PartitionKeys.reduce(
      (text, { Name }, i) => text.replace(`\${${Name}}`, () => values[i] ?? ''),
      property('storage.location.template'),
    )
    return below(folderOf(location), values)
  })
}

function projectedValues(name: string, property: (name: string) => string): string[] {
  const of = (suffix: string): string => property(`projection.${name}.${suffix}`)
  if (of('type') === 'enum') return of('values').split(',')
  if (of('type') !== 'integer') throw new Error(`projection.${name}.type '${of('type')}' needs a value in every query`)
  const [first = 0, last = 0] = of('range').split(',').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) =>
    String(first + i).padStart(Number(of('digits') || '1'), '0'),
  )
}

function below(folder: string, values: readonly (string | null)[]): TableFile[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ path: join(entry.parentPath, entry.name), values }))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
