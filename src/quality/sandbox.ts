/** The engine in which statements of the configuration run: it reads the staged tables, and nothing else. */
import { type DuckDBConnection, DuckDBInstance, StatementType } from '@duckdb/node-api'
import { columnValues, firstColumn } from '../engine/column-values.js'
import { forgetMachine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { wholeChunks } from '../engine/whole-result.js'
import { firstLineOf } from '../runtime/errors.js'
import { columnsOf } from '../star/dictionary.js'
import { MOST_EXAMPLES } from './active-rule.js'
import { ChangingFunctions } from './changing-functions.js'
import { maskedSql } from './mask.js'
import type { Opening, SandboxPaths, Statement } from './statement-messages.js'

/** Staged files that statements may read, each as a view of its name. */
export const SANDBOX_TABLES = [
  'facts',
  'attrs',
  'codes',
  'groups',
  'npis',
  'members',
  'cells',
  'benchmarks',
] as const satisfies readonly (keyof SandboxPaths)[]

/** Table functions that make rows of their arguments alone. Others can reach files, settings or logs. */
const HARMLESS_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest', 'repeat', 'repeat_row'])

/** Types whose values identify nobody. */
const SHOWN_TYPES = '^(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|DATE|TIME.*|INTERVAL)$'

const NOTHING = new Uint8Array()

/** A statement that may not run. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused'
}

/** What a statement returned. */
export interface Found {
  /** Rows; where facts are listed: facts. */
  readonly failed: number
  readonly examples: readonly string[]
  /** One bit a fact, lowest first; empty where none are listed. */
  readonly marks: Uint8Array<ArrayBuffer>
}

/** Opens the engine over staged files. It lives as long as the process. */
export async function openSandbox({ paths, engineMb, spill }: Opening): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${engineMb}MiB`,
    temp_directory: spill,
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  await forgetMachine(connection)
  await defineTables(connection, paths)
  return connection
}

/**
 * Runs a statement.
 * @throws StatementRefused when it is wrong, or does more than read the staged tables
 * @throws Error of DuckDB's where it fails
 */
export async function runStatement(connection: DuckDBConnection, { sql, listsFacts }: Statement): Promise<Found> {
  const statement = await readingStatement(connection, sql)
  return listsFacts ? await listFacts(connection, statement) : await countRows(connection, statement)
}

async function defineTables(connection: DuckDBConnection, paths: SandboxPaths): Promise<void> {
  for (const name of SANDBOX_TABLES)
    await connection.run(`CREATE VIEW ${name} AS SELECT * FROM ${readParquet([paths[name]])}`)
  const columns = (['attr', 'code', 'group'] as const).flatMap((axis) =>
    columnsOf(axis).map((c) => `${axis}s.${sqlIdentifier(c.name)}`),
  )
  await connection.run(`CREATE VIEW fact_rates AS
    SELECT facts.fact_row, facts.fact_uid, facts.negotiated_rate, ${columns.join(', ')}
    FROM facts JOIN attrs USING (attr_id) JOIN codes USING (code_id) JOIN groups USING (group_id)`)
  await connection.run(`SET allowed_paths = [${SANDBOX_TABLES.map((name) => sqlString(paths[name])).join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
}

/** The statement without what may follow it. @throws StatementRefused unless it is one SELECT over known tables */
async function readingStatement(connection: DuckDBConnection, given: string): Promise<string> {
  const sql = given.trim().replace(/;\s*$/, '')
  const extracted = await connection.extractStatements(sql).catch((cause: unknown) => {
    throw new StatementRefused(firstLineOf(cause), { cause })
  })
  if (extracted.count !== 1) throw new StatementRefused(`it holds ${extracted.count} statements`)
  // A statement that is no SELECT is not serialised: the parser says so before anything is bound or run.
  const parsed = await connection.run('SELECT json_serialize_sql($1::VARCHAR)::VARCHAR', [sql])
  const tree: unknown = JSON.parse(String((await firstColumn(parsed))[0]))
  if (isRecord(tree) && tree['error'] === true)
    throw new StatementRefused(String(tree['error_message'] ?? 'it is no SELECT'))
  const foreign = foreignIn(tree, await ChangingFunctions.of(connection))
  if (foreign !== undefined) throw new StatementRefused(`it uses ${foreign}`)
  const prepared = await extracted.prepare(0)
  const reads = prepared.statementType === StatementType.SELECT
  prepared.destroySync()
  if (!reads) throw new StatementRefused('it is no SELECT')
  // On lines of its own: a comment at its end must not swallow what follows.
  return `(\n${sql}\n)`
}

/** What a parsed statement uses that is neither the staged tables nor the same in each run; undefined for nothing. */
function foreignIn(node: unknown, changing: ChangingFunctions): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const own = isRecord(node) ? foreignOf(node, changing) : undefined
  if (own !== undefined) return own
  for (const part of Object.values(node)) {
    const found = foreignIn(part, changing)
    if (found !== undefined) return found
  }
  return undefined
}

function foreignOf(node: Readonly<Record<string, unknown>>, changing: ChangingFunctions): string | undefined {
  const called = node['function']
  if (node['type'] === 'TABLE_FUNCTION' && isRecord(called)) {
    const name = String(called['function_name']).toLowerCase()
    if (!HARMLESS_FUNCTIONS.has(name)) return `the table function ${name}`
  }
  if (node['type'] === 'SHOW_REF') return 'DESCRIBE, SHOW or SUMMARIZE'
  if (isRecord(node['sample'])) return 'a sample, which is another one each time'
  const changes = changing.calledBy(node)
  return changes === undefined ? undefined : `${changes}, which changes from run to run`
}

async function countRows(connection: DuckDBConnection, statement: string): Promise<Found> {
  const [counted] = await firstColumn(await connection.run(`SELECT count(*) FROM ${statement}`))
  const failed = Number(counted ?? 0)
  if (failed === 0) return { failed, examples: [], marks: NOTHING }
  const names = await columnNames(connection, statement)
  const shown = names.map((name) => `coalesce(${shownValue(name)}, 'NULL')`)
  const examples = await connection.run(
    `SELECT concat_ws(', ', ${shown.join(', ')}) FROM ${statement} ORDER BY ALL LIMIT ${MOST_EXAMPLES}`,
  )
  return { failed, examples: (await firstColumn(examples)).map(String), marks: NOTHING }
}

async function columnNames(connection: DuckDBConnection, statement: string): Promise<string[]> {
  return (await firstColumn(await connection.run(`DESCRIBE SELECT * FROM ${statement}`))).map(String)
}

/** What a column of an unknown statement holds cannot be known: numbers and dates are shown, all else is masked. */
function shownValue(name: string): string {
  const value = sqlIdentifier(name)
  return `${sqlString(`${name} `)} || CASE WHEN regexp_matches(typeof(${value}), '${SHOWN_TYPES}') THEN ${value}::VARCHAR ELSE ${maskedSql(`${value}::VARCHAR`)} END`
}

async function listFacts(connection: DuckDBConnection, statement: string): Promise<Found> {
  if (!(await columnNames(connection, statement)).includes('fact_row'))
    throw new StatementRefused("it is to set facts aside and returns no column 'fact_row'")
  const [facts] = await firstColumn(await connection.run('SELECT count(*) FROM facts'))
  // One bit a fact: a statement may well return most of them.
  const marks = new Uint8Array(Math.ceil(Number(facts ?? 0) / 8))
  let failed = 0
  const sql = `SELECT DISTINCT s.fact_row::INTEGER FROM ${statement} s JOIN facts ON facts.fact_row = s.fact_row`
  for await (const chunk of wholeChunks(connection, sql)) {
    failed += chunk.rowCount
    for (const row of columnValues(chunk, 0).map(Number)) marks[row >> 3]! |= 1 << (row & 7)
  }
  return { failed, examples: [], marks }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
