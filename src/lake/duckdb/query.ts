/** Asks the embedded catalog in SQL (`etl3 query`). */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTypeId,
  type DuckDBValueConverter,
  type Json,
  JsonDuckDBValueConverter,
  StatementType,
} from '@duckdb/node-api'
import { z } from 'zod'
import { analyticsUri } from '../../config/analytics-place.js'
import { columnValues, convertedRows, firstColumn } from '../../engine/column-values.js'
import { allRows, type Cell, type Engine, forgetMachine, interruptOn } from '../../engine/engine.js'
import { queryEngineMb } from '../../engine/engine-memory.js'
import { shortageOf } from '../../engine/engine-shortage.js'
import { exactPath } from '../../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import { beginWhole, endWhole, IncompleteResult, wholeChunks } from '../../engine/whole-result.js'
import { Etl3Error, InputError, ResourceError, UnavailableError, UsageError } from '../../runtime/errors.js'
import { SYSTEM_MEMORY_HINT } from '../../runtime/system-memory.js'
import type { QueryRequest, QueryRow, StreamedAnswer } from '../query.js'
import { withQueryScratch } from '../query-scratch.js'
import { analyticsSelect, partitionedName } from './analytics-select.js'
import {
  ABOUT_SCHEMA,
  CATALOG_FILE,
  DEFAULT_SCHEMA,
  readAnalytics,
  readColumns,
  readPartitionColumns,
} from './catalog.js'
import { KeyList } from './key-list.js'
import { partitionCounts } from './partition-counts.js'
import { namesSchemaOf, type PrunedTable, partitionCondition } from './partition-pruning.js'
import { tableSelect } from './table-select.js'

const MAX_THREADS = 2

/**
 * Runs one statement over the published table, and hands the answer over while it comes. The statement is ended when
 * `receive` has ended, whether it has taken all rows or not.
 *
 * @returns what `receive` does
 * @throws what `receive` does, as it is
 * @throws InputError `ETL3-QU-02` where nothing is published yet
 * @throws UsageError `ETL3-QU-01` where the statement is wrong, or does more than read
 * @throws UnavailableError `ETL3-QU-03` where another program has the catalog open for writing
 * @throws UnavailableError `ETL3-QU-04` where a file of the table cannot be read
 * @throws ResourceError `ETL3-QU-05` or `ETL3-ME-06` where the memory does not suffice, `ETL3-DK-02` where the disk for spill files does not
 * @throws ConfigError `ETL3-DK-03` where there is no place for spill files
 */
export async function withDuckDbAnswer<T>(
  request: QueryRequest,
  receive: (answer: StreamedAnswer) => Promise<T>,
): Promise<T> {
  return await withCatalog(request, async (connection) => {
    const { files, result } = await explainingErrors(request.signal, async () => {
      const files = await defineTable(connection, request)
      const statement = await readingStatement(connection, files.sql)
      await beginWhole(connection)
      return { files, result: await statement.stream() }
    })
    return await receive({
      columns: result.columnNames().map((name, i) => ({ name, type: String(result.columnType(i)) })),
      filesScanned: files.scanned,
      filesOfTable: files.all,
      pieces: piecesOf(connection, result, { ...request, sql: files.sql }),
    })
  })
}

/**
 * Runs one SELECT and writes the answer as a Parquet file, with DuckDB's own types.
 *
 * @param path of a file that is not there, or may be written over
 * @returns how many rows it has
 * @throws the errors of {@link withDuckDbAnswer}
 */
export async function duckDbAnswerToParquet(request: QueryRequest, path: string): Promise<number> {
  return await withCatalog(request, (connection) =>
    explainingErrors(request.signal, async () => {
      const { sql } = await defineTable(connection, request, path)
      const { statementType } = await readingStatement(connection, sql)
      const isSelect = statementType === StatementType.SELECT && !SHOWS.test(request.sql)
      if (!isSelect) {
        throw new UsageError('ETL3-QU-01', 'only what a SELECT answers can be written as Parquet', {
          hint: 'Ask with SELECT, or take another form: -o csv, -o json.',
        })
      }
      // A view takes the statement as it is, whatever comments it ends with; COPY would want it in brackets.
      await connection.run(`CREATE TEMP VIEW ${ANSWER_VIEW} AS ${sql}`)
      const copied = await connection.run(
        `COPY (FROM ${ANSWER_VIEW}) TO ${sqlString(path)} (FORMAT parquet, USE_TMP_FILE false)`,
      )
      return Number((await firstColumn(copied))[0])
    }),
  )
}

const ANSWER_VIEW = 'etl3_answer'

/** Statements that the parser takes for a SELECT, and a view does not. */
const SHOWS = /^\s*(?:describe|desc|show|summarize)\b/i

async function withCatalog<T>(request: QueryRequest, act: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const { config, signal } = request
  signal.throwIfAborted()
  const path = join(resolve(config.output.metadata_uri), CATALOG_FILE)
  if (!existsSync(path)) {
    throw new InputError('ETL3-QU-02', `nothing is published yet: run \`etl3 run\` [${path}]`)
  }
  return await withQueryScratch(config.processing.scratch, async (scratch) => {
    const memoryLimitMb = request.memoryLimitMb ?? queryEngineMb(config.processing.memory_limit_mb)
    const instance = await explainingErrors(signal, () => openCatalogFile(path, scratch, memoryLimitMb))
    const connection = await instance.connect()
    await forgetMachine(connection)
    const stopInterrupting = interruptOn(signal, connection)
    try {
      return await act(connection)
    } finally {
      stopInterrupting()
      // What was not taken is not made either.
      connection.interrupt()
      connection.closeSync()
      instance.closeSync()
    }
  })
}

async function explainingErrors<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    signal.throwIfAborted()
    throw queryError(error)
  }
}

async function* piecesOf(
  connection: DuckDBConnection,
  result: DuckDBResult,
  { sql, signal }: QueryRequest,
): AsyncGenerator<readonly QueryRow[]> {
  const coming = result[Symbol.asyncIterator]()
  for (;;) {
    const next = await explainingErrors(signal, () => coming.next())
    if (next.done === true) break
    yield convertedRows(next.value, jsonConverter)
  }
  // An interruption looks like the end.
  signal.throwIfAborted()
  await explainingErrors(signal, () => endWhole(connection, explained(sql) ?? sql))
}

async function openCatalogFile(path: string, scratch: string, memoryLimitMb: number): Promise<DuckDBInstance> {
  return await DuckDBInstance.create(path, {
    access_mode: 'READ_ONLY',
    threads: String(Math.min(MAX_THREADS, availableParallelism())),
    memory_limit: `${memoryLimitMb}MiB`,
    temp_directory: scratch,
    // Every file is read about once, and what a statement frees goes back to the system at once.
    enable_external_file_cache: 'false',
    allocator_flush_threshold: '1MiB',
    allocator_bulk_deallocation_flush_threshold: '1MiB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
}

/** How many files there are, and how many of them the statement can find rows in; see {@link StreamedAnswer}. */
interface TableFiles {
  /** What is to be run: the statement, or the question to the partition list that has the same answer. */
  readonly sql: string
  readonly scanned: number | undefined
  readonly all: number
}

/**
 * Lets the table's bare name stand for the files that the statement can find rows in, below the configured root: a lake
 * that was moved is found where it lies now. Afterwards the session reads nothing but the table's folder, and writes
 * nothing but `target`. This is the one place that says what the table's name stands for.
 */
async function defineTable(
  connection: DuckDBConnection,
  { sql, config, snapshot }: QueryRequest,
  target?: string,
): Promise<TableFiles> {
  const root = resolve(config.output.uri)
  const engine = { rows: async (query: string) => await rowsOf(connection, query) }
  const shown = await readShown(engine)
  const { catalog, name } = shown

  const statement = await serialise(connection, explained(sql) ?? sql)
  if (snapshot && namesSchemaOf(statement.tree, name)) {
    throw new UsageError(
      'ETL3-QU-01',
      `an earlier state is asked for, and '${name}' with its schema is the current one`,
      {
        hint: `Name the table without its schema: ${name}.`,
      },
    )
  }
  const stored = snapshot?.uri ?? shown.analyticsUri
  const analytics = stored === undefined ? undefined : { uri: snapshot?.uri ?? analyticsUri(config), storedUri: stored }
  const partitioned = analytics ? partitionedName(name) : name
  if (analytics && readsTable(statement, name) && (snapshot || resolve(analytics.uri) !== analytics.storedUri)) {
    const files = snapshot?.files ?? (await readAnalytics(engine, catalog))?.files ?? []
    const select = analyticsSelect(await readColumns(engine, catalog), { uri: analytics.uri, files })
    await connection.run(`CREATE TEMP VIEW ${sqlIdentifier(name)} AS ${select}`)
  }
  let counts: string | undefined
  let chosen: ChosenFiles | undefined
  if (readsTable(statement, partitioned)) {
    const partitionColumns = await readPartitionColumns(engine, catalog)
    counts = analytics ? undefined : await askedOfList(connection, sql, statement, { name, partitionColumns })
    chosen = await chooseFiles(connection, statement, { name: partitioned, partitionColumns })
    if (counts === undefined) {
      const columns = await readColumns(engine, catalog)
      const select = tableSelect({ columns, partitionColumns, tableRoot: root, keys: chosen.keys })
      await connection.run(`CREATE TEMP VIEW ${sqlIdentifier(partitioned)} AS ${select}`)
    }
  }
  // DuckDB asks for the right to read a pattern as well as for that to read what it matches.
  const roots = [root, shown.tableUri, ...(analytics ? [analytics.uri, analytics.storedUri] : [])]
  const readable = roots.flatMap((folder) => [folder, exactPath(folder)])
  const folders = [...new Set(readable)].map((folder) => sqlString(`${folder}/`))
  // DuckDB looks into `main` whatever the path says; the database's schema beside it would list each name twice.
  const listed = shown.inDefaultSchema ? DEFAULT_SCHEMA : shown.database
  // One text: each statement by itself would cost a question a few milliseconds together.
  const settings = [
    `search_path = ${sqlString(`${catalog}.${listed},${catalog}.${ABOUT_SCHEMA}`)}`,
    `allowed_directories = [${folders.join(', ')}]`,
    ...(target === undefined ? [] : [`allowed_paths = [${sqlString(target)}]`]),
    'enable_external_access = false',
    'lock_configuration = true',
  ]
  await connection.run(settings.map((setting) => `SET ${setting}`).join('; '))
  return { sql: counts ?? sql, scanned: chosen?.forShape === false ? chosen.keys.size : undefined, all: shown.files }
}

/** What a catalog shows. */
interface Shown {
  /** Name under which the file is attached. */
  readonly catalog: string
  readonly database: string
  readonly name: string
  readonly tableUri: string
  /** Files of the partitioned table. */
  readonly files: number
  /** Place of the analytics table that the view of the name reads; undefined where the catalog shows none. */
  readonly analyticsUri: string | undefined
  /** Whether the views stand in {@link DEFAULT_SCHEMA} as well. */
  readonly inDefaultSchema: boolean
}

/** One statement: each costs a question about a millisecond. Of catalogs of earlier versions, more is asked. */
async function readShown(engine: Pick<Engine, 'rows'>): Promise<Shown> {
  const [row] = await engine.rows(
    'SELECT *, current_database() AS catalog, (SELECT count(*) FROM etl3.partitions) AS files FROM etl3.published',
  )
  const { analytics_uri, ...published } = publishedSchema.parse(row)
  if (analytics_uri !== undefined) {
    return { ...published, analyticsUri: analytics_uri ?? undefined, inDefaultSchema: true }
  }
  const { catalog, name } = published
  return {
    ...published,
    analyticsUri: (await readAnalytics(engine, catalog))?.uri,
    inDefaultSchema: await hasView(engine, catalog, DEFAULT_SCHEMA, name),
  }
}

/** Catalogs of earlier versions have their views in one schema only. */
async function hasView(engine: Pick<Engine, 'rows'>, catalog: string, schema: string, name: string): Promise<boolean> {
  const [found] = await engine.rows(
    `SELECT count(*) AS views FROM duckdb_views() WHERE database_name = ${sqlString(catalog)} AND schema_name = ${sqlString(schema)} AND view_name = ${sqlString(name)}`,
  )
  return Number(found?.['views']) > 0
}

const publishedSchema = z
  .object({
    catalog: z.string(),
    database: z.string(),
    table_name: z.string(),
    table_uri: z.string(),
    analytics_uri: z.string().nullish(),
    files: z.coerce.number(),
  })
  .transform(({ table_name, table_uri, ...others }) => ({ ...others, name: table_name, tableUri: table_uri }))

const ALL_KEYS = `SELECT key FROM ${ABOUT_SCHEMA}.partitions WHERE true`

interface ChosenFiles {
  readonly keys: KeyList
  /** They only say which columns there are. */
  readonly forShape: boolean
}

async function chooseFiles(
  connection: DuckDBConnection,
  statement: Serialised,
  table: PrunedTable,
): Promise<ChosenFiles> {
  const condition = partitionCondition(statement.tree, statement.template, table)
  if (condition.reads === 'shape') return { keys: await keysOf(connection, `${ALL_KEYS} LIMIT 1`), forShape: true }
  if (condition.reads === 'some') {
    try {
      const keys = await keysOf(connection, await deserialise(connection, condition.statement))
      return { keys, forShape: false }
    } catch {
      // A cast that fails, a function with other arguments: the query itself will say what is wrong with it, if it is.
    }
  }
  return { keys: await keysOf(connection, ALL_KEYS), forShape: false }
}

/** The statement that asks the partition list for the same answer, or undefined where it has none. */
async function askedOfList(
  connection: DuckDBConnection,
  sql: string,
  { tree, template }: Serialised,
  table: PrunedTable,
): Promise<string | undefined> {
  // What EXPLAIN explains is what reads the files.
  if (explained(sql) !== undefined) return undefined
  const columns = await rowsOf(
    connection,
    `SELECT name FROM ${ABOUT_SCHEMA}.columns UNION SELECT column_name FROM (DESCRIBE ${ABOUT_SCHEMA}.partitions)`,
  )
  const otherNames = columns.map(({ name }) => String(name))
  const asked = partitionCounts(tree, template, { ...table, otherNames })
  return asked === undefined ? undefined : await deserialise(connection, asked)
}

/** The statement, and {@link ALL_KEYS}, as `json_serialize_sql` gives them. */
interface Serialised {
  readonly tree: string
  readonly template: string
}

/** A view that the statement does not read would stand in SHOW TABLES beside the catalog's own of that name. */
function readsTable({ tree, template }: Serialised, name: string): boolean {
  return partitionCondition(tree, template, { name, partitionColumns: [] }).reads !== 'nothing'
}

async function keysOf(connection: DuckDBConnection, source: string): Promise<KeyList> {
  const keys = new KeyList()
  const sql = `FROM (${source}) ORDER BY key`
  for await (const chunk of wholeChunks(connection, sql))
    for (const key of columnValues(chunk, 0)) keys.add(String(key))
  return keys
}

async function serialise(connection: DuckDBConnection, sql: string): Promise<Serialised> {
  const serialised = await connection.run(
    'SELECT json_serialize_sql($1::VARCHAR)::VARCHAR AS tree, json_serialize_sql($2::VARCHAR)::VARCHAR AS template',
    [sql, ALL_KEYS],
  )
  const [row] = await allRows(serialised)
  return { tree: String(row?.['tree']), template: String(row?.['template']) }
}

async function deserialise(connection: DuckDBConnection, tree: string): Promise<string> {
  const found = await connection.run('SELECT json_deserialize_sql($1::JSON)', [tree])
  return String((await firstColumn(found))[0])
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Record<string, Cell>[]> {
  return await allRows(await connection.run(sql))
}

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
  if (error instanceof IncompleteResult) {
    return new UnavailableError('ETL3-QU-06', `the answer is incomplete: ${error.message}`, {
      hint: 'Ask again; if it stays, look whether the files of the table and the disk are sound.',
      cause: error,
    })
  }
  const message = error.message.replace(/^Failed to extract statements: /, '')
  const options = { cause: error }
  if (/Could not set lock|Conflicting lock/i.test(message)) {
    return new UnavailableError('ETL3-QU-03', `the catalog is open for writing in another program: ${message}`, {
      hint: 'Close it there, or open it there with -readonly.',
      ...options,
    })
  }
  switch (shortageOf(message)) {
    case 'disk':
      return new ResourceError('ETL3-DK-02', `no free disk for what the query writes: ${message}`, {
        hint: 'Free some space, or set processing.scratch (or the place of the output) to a larger disk.',
        ...options,
      })
    case 'share':
      return new ResourceError('ETL3-QU-05', `the query needs more memory than it may take: ${message}`, {
        hint: 'Raise --memory-limit, or name payer_slug and state in the WHERE clause.',
        ...options,
      })
    case 'system':
      return new ResourceError('ETL3-ME-06', `the system gave the query no memory: ${message}`, {
        hint: SYSTEM_MEMORY_HINT,
        ...options,
      })
    case undefined:
  }
  if (/^(IO Error|Invalid Input Error: (No magic bytes|Invalid))/i.test(message)) {
    return new UnavailableError('ETL3-QU-04', `a file of the table cannot be read: ${message}`, {
      hint: 'If the table lies elsewhere now, set output.uri. If files are missing, run `etl3 run`: it writes them anew.',
      ...options,
    })
  }
  return new UsageError('ETL3-QU-01', message, options)
}
