/** Asks the embedded catalog in SQL (`etl3 query`). */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  DuckDBTypeId,
  type DuckDBValueConverter,
  type Json,
  JsonDuckDBValueConverter,
  StatementType,
} from '@duckdb/node-api'
import { z } from 'zod'
import type { Config } from '../../config/schema.js'
import { type Cell, interruptOn } from '../../engine/engine.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import { Etl3Error, InputError, ResourceError, UnavailableError, UsageError } from '../../runtime/errors.js'
import { ABOUT_SCHEMA, CATALOG_FILE, readColumns, readPartitionColumns } from './catalog.js'
import { KeyList } from './key-list.js'
import { type PrunedTable, partitionCondition } from './partition-pruning.js'
import { tableSelect } from './table-select.js'

const DEFAULT_MEMORY_LIMIT_MB = 512
const MAX_THREADS = 2

/** A question to the catalog. */
export interface QueryRequest {
  readonly config: Config
  /** One statement that reads. */
  readonly sql: string
  readonly signal: AbortSignal
  /** DuckDB's own limit in MB. Default: 512. */
  readonly memoryLimitMb?: number
}

/** Its answer. */
export interface QueryResult {
  /** Names and DuckDB's types, in order. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** What JSON can hold: whole numbers beyond 2^53 and decimals as text, dates and times as ISO 8601, lists as arrays. */
  readonly rows: readonly (readonly unknown[])[]
  readonly seconds: number
  /** Files of the table that the predicates on partition columns leave; undefined where the table is not asked. */
  readonly filesScanned: number | undefined
}

/**
 * Runs one statement over the published table, which is called by its bare name.
 *
 * @throws InputError `ETL3-QU-02` where nothing is published yet
 * @throws UsageError `ETL3-QU-01` where the statement is wrong, or does more than read
 * @throws UnavailableError `ETL3-QU-03` where another program has the catalog open for writing
 * @throws UnavailableError `ETL3-QU-04` where a file of the table cannot be read
 * @throws ResourceError `ETL3-QU-05` where the memory does not suffice
 */
export async function queryCatalog(request: QueryRequest): Promise<QueryResult> {
  const { config, sql, signal } = request
  const started = performance.now()
  signal.throwIfAborted()
  const path = join(resolve(config.output.metadata_uri), CATALOG_FILE)
  if (!existsSync(path)) {
    throw new InputError('ETL3-QU-02', `nothing is published yet: run \`etl3 run\` [${path}]`)
  }
  const scratch = join(config.processing.scratch, `query-${process.pid}-${randomBytes(6).toString('hex')}`)
  mkdirSync(scratch, { recursive: true })
  try {
    const instance = await openCatalogFile(path, scratch, request.memoryLimitMb ?? DEFAULT_MEMORY_LIMIT_MB)
    const connection = await instance.connect()
    const stopInterrupting = interruptOn(signal, connection)
    try {
      const filesScanned = await defineTable(connection, sql, resolve(config.output.uri))
      const statement = await readingStatement(connection, sql)
      const result = await statement.stream()
      const rows: unknown[][] = []
      for await (const chunk of result.yieldConvertedRows(jsonConverter)) for (const row of chunk) rows.push(row)
      return {
        columns: result.columnNames().map((name, i) => ({ name, type: String(result.columnType(i)) })),
        rows,
        seconds: (performance.now() - started) / 1000,
        filesScanned,
      }
    } finally {
      stopInterrupting()
      connection.closeSync()
      instance.closeSync()
    }
  } catch (error) {
    signal.throwIfAborted()
    throw queryError(error)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function openCatalogFile(path: string, scratch: string, memoryLimitMb: number): Promise<DuckDBInstance> {
  return await DuckDBInstance.create(path, {
    access_mode: 'READ_ONLY',
    threads: String(Math.min(MAX_THREADS, availableParallelism())),
    memory_limit: `${memoryLimitMb}MiB`,
    temp_directory: scratch,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
}

/**
 * Lets the table's bare name stand for the files that the statement can find rows in, below the configured root: a lake
 * that was moved is found where it lies now. Afterwards the session reads nothing but the table's folder.
 *
 * @returns how many files that are; undefined where the statement does not read the table
 */
async function defineTable(connection: DuckDBConnection, sql: string, root: string): Promise<number | undefined> {
  const ask = async (query: string): Promise<Record<string, Cell>[]> => await rowsOf(connection, query)
  const [published] = await ask('SELECT *, current_database() AS catalog FROM etl3.published')
  const { catalog, database, name, storedRoot } = publishedSchema.parse(published)
  const partitionColumns = await readPartitionColumns({ rows: ask }, catalog)

  const chosen = await chooseFiles(connection, sql, { name, partitionColumns })
  if (chosen) {
    const columns = await readColumns({ rows: ask }, catalog)
    const select = tableSelect({ columns, partitionColumns, tableRoot: root, keys: chosen })
    await connection.run(`CREATE TEMP VIEW ${sqlIdentifier(name)} AS ${select}`)
  }
  const folders = [root, storedRoot].map((folder) => sqlString(`${folder}/`))
  await connection.run(`SET search_path = ${sqlString(`${catalog}.${database},${catalog}.${ABOUT_SCHEMA}`)}`)
  await connection.run(`SET allowed_directories = [${folders.join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  return chosen?.size
}

const publishedSchema = z
  .object({ catalog: z.string(), database: z.string(), table_name: z.string(), table_uri: z.string() })
  .transform(({ catalog, database, table_name, table_uri }) => ({
    catalog,
    database,
    name: table_name,
    storedRoot: table_uri,
  }))

const ALL_KEYS = `SELECT key FROM ${ABOUT_SCHEMA}.partitions WHERE true`

async function chooseFiles(
  connection: DuckDBConnection,
  sql: string,
  table: PrunedTable,
): Promise<KeyList | undefined> {
  const statement = await serialise(connection, explained(sql) ?? sql)
  const condition = partitionCondition(statement, await serialise(connection, ALL_KEYS), table)
  if (condition.reads === 'nothing') return undefined
  if (condition.reads === 'some') {
    try {
      return await keysOf(connection, await deserialise(connection, condition.statement))
    } catch {
      // A cast that fails, a function with other arguments: the query itself will say what is wrong with it, if it is.
    }
  }
  return await keysOf(connection, ALL_KEYS)
}

async function keysOf(connection: DuckDBConnection, source: string): Promise<KeyList> {
  const keys = new KeyList()
  const result = await connection.stream(`FROM (${source}) ORDER BY key`)
  for await (const rows of result.yieldRows()) for (const [key] of rows) keys.add(String(key))
  return keys
}

async function serialise(connection: DuckDBConnection, sql: string): Promise<string> {
  return await text(connection, 'SELECT json_serialize_sql($1::VARCHAR)::VARCHAR', sql)
}

async function deserialise(connection: DuckDBConnection, tree: string): Promise<string> {
  return await text(connection, 'SELECT json_deserialize_sql($1::JSON)', tree)
}

async function text(connection: DuckDBConnection, sql: string, parameter: string): Promise<string> {
  const reader = await connection.runAndReadAll(sql, [parameter])
  return String(reader.value(0, 0))
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Record<string, Cell>[]> {
  const reader = await connection.runAndReadAll(sql)
  return z.array(z.record(z.string(), cellSchema)).parse(reader.getRowObjects())
}

const cellSchema = z.union([z.string(), z.number(), z.bigint(), z.boolean(), z.null()])

/** Prepares the one statement, which must read. */
async function readingStatement(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statement = await onlyStatement(connection, sql)
  const { statementType } = statement
  if (statementType === StatementType.SELECT) return statement
  const inner = explained(sql)
  if (statementType === StatementType.EXPLAIN && inner !== undefined) {
    // EXPLAIN ANALYZE runs what it explains.
    await readingStatement(connection, inner)
    return statement
  }
  throw new UsageError('ETL3-QU-01', `a query reads, and this is a statement of type ${StatementType[statementType]}`, {
    hint: 'Ask with SELECT, or EXPLAIN SELECT.',
  })
}

async function onlyStatement(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  if (sql.trim() === '') throw new UsageError('ETL3-QU-01', 'the query is empty')
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1) {
    throw new UsageError('ETL3-QU-01', `a query is one statement, and these are ${statements.count}`)
  }
  return await statements.prepare(0)
}

/** What an EXPLAIN explains, or undefined for any other statement. */
function explained(sql: string): string | undefined {
  return /^\s*explain\b(?:\s*analyze\b)?(?:\s*\([^)]*\))?\s*(.+)$/is.exec(sql)?.[1]
}

const WHOLE_NUMBERS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
])

const TIMESTAMPS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
])

/** Digits that a double holds exactly. */
const EXACT_DIGITS = 15

const jsonConverter: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (value === null) return null
  if (WHOLE_NUMBERS.has(type.typeId)) return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (TIMESTAMPS.has(type.typeId)) return String(value).replace(' ', 'T')
  if (type.typeId === DuckDBTypeId.DECIMAL) {
    const digits = String(value)
    return digits.replace(/\D/g, '').length <= EXACT_DIGITS ? Number(digits) : digits
  }
  return JsonDuckDBValueConverter(value, type, converter)
}

function queryError(error: unknown): unknown {
  if (error instanceof Etl3Error || !(error instanceof Error)) return error
  const message = error.message.replace(/^Failed to extract statements: /, '')
  const options = { cause: error }
  if (/Could not set lock|Conflicting lock/i.test(message)) {
    return new UnavailableError('ETL3-QU-03', `the catalog is open for writing in another program: ${message}`, {
      hint: 'Close it there, or open it there with -readonly.',
      ...options,
    })
  }
  if (/^Out of Memory Error/i.test(message)) {
    return new ResourceError('ETL3-QU-05', `the query needs more memory than it may take: ${message}`, {
      hint: 'Ask for fewer rows, or name payer_slug and state in the WHERE clause.',
      ...options,
    })
  }
  if (/^(IO Error|Invalid Input Error: (No magic bytes|Invalid))/i.test(message)) {
    return new UnavailableError('ETL3-QU-04', `a file of the table cannot be read: ${message}`, {
      hint: 'If the table lies elsewhere now, set output.uri. If files are missing, run `etl3 run`: it writes them anew.',
      ...options,
    })
  }
  return new UsageError('ETL3-QU-01', message, options)
}
