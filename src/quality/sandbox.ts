import { type DuckDBConnection, DuckDBInstance, StatementType } from '@duckdb/node-api'
import { columnValues, firstColumn } from '../engine/column-values.js'
import { forgetMachine, interruptOn } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { wholeChunks } from '../engine/whole-result.js'
import { Etl3Error, firstLineOf, messageOf, QualityError, ResourceError } from '../runtime/errors.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { columnsOf } from '../star/dictionary.js'
import type { StagedPaths } from '../star/staged-files.js'
import { type ActiveRule, MOST_EXAMPLES, resultOf } from './active-rule.js'
import { maskedSql } from './mask.js'
import type { RuleResult } from './quality-record.js'
import { unusableRule } from './rule-columns.js'

/** Staged files that statements may read, each as a view of its name. */
const TABLES = ['facts', 'attrs', 'codes', 'groups', 'npis', 'members', 'cells', 'benchmarks'] as const

/** Local paths of these files. */
export type SandboxPaths = Pick<StagedPaths, (typeof TABLES)[number]>

/** Table functions that make rows of their arguments alone. Others can reach files, settings or logs. */
const HARMLESS_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest', 'repeat', 'repeat_row'])

/** Words that stand for a function of the clock without parentheses. */
const CLOCKS: ReadonlySet<string> = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
])

/** Types whose values identify nobody. */
const SHOWN_TYPES = '^(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|DATE|TIME.*|INTERVAL)$'

/** What an engine of the sandbox may use. */
export interface SandboxOptions {
  /** DuckDB's own limit in MB. */
  readonly memoryLimitMb: number
  /** Folder for spill files. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/** What a statement returned. */
export interface StatementFindings {
  /** Rows that it returned; for a rule that sets aside: facts. */
  readonly failed: number
  readonly examples: readonly string[]
  /** The facts that a rule sets aside, ascending. */
  readonly factRows: Iterable<number>
}

/**
 * Runs the statement of each rule, one after the other.
 *
 * @throws ConfigError ETL3-CF-13 when a statement is wrong, or does more than read the staged tables
 * @throws QualityError ETL3-QA-04 when a statement takes longer than its `timeout_ms`
 * @throws ResourceError ETL3-ME-02 when a statement needs more than the engine's share of the memory
 */
export async function runStatements(
  rules: readonly ActiveRule<'sql'>[],
  paths: SandboxPaths,
  options: SandboxOptions,
): Promise<ReadonlyMap<ActiveRule, StatementFindings>> {
  const findings = new Map<ActiveRule, StatementFindings>()
  if (rules.length === 0) return findings
  await withScratchFolder(options.scratch, 'sandbox', async (spill) => {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${options.memoryLimitMb}MiB`,
      temp_directory: spill,
      enable_external_file_cache: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    try {
      await forgetMachine(connection)
      await defineTables(connection, paths)
      for (const rule of rules) findings.set(rule, await runStatement(connection, rule, options.signal))
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })
  return findings
}

/** Result of a rule whose facts stay. */
export function statementResult(
  rule: ActiveRule<'sql'>,
  facts: number,
  { failed, examples }: StatementFindings,
): RuleResult {
  return resultOf(rule, { meaning: rule.options.meaning, unit: 'facts', checked: facts, failed, examples })
}

async function defineTables(connection: DuckDBConnection, paths: SandboxPaths): Promise<void> {
  for (const name of TABLES) await connection.run(`CREATE VIEW ${name} AS SELECT * FROM ${readParquet([paths[name]])}`)
  const columns = (['attr', 'code', 'group'] as const).flatMap((axis) =>
    columnsOf(axis).map((c) => `${axis}s.${sqlIdentifier(c.name)}`),
  )
  await connection.run(`CREATE VIEW fact_rates AS
    SELECT facts.fact_row, facts.fact_uid, facts.negotiated_rate, ${columns.join(', ')}
    FROM facts JOIN attrs USING (attr_id) JOIN codes USING (code_id) JOIN groups USING (group_id)`)
  await connection.run(`SET allowed_paths = [${TABLES.map((name) => sqlString(paths[name])).join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
}

async function runStatement(
  connection: DuckDBConnection,
  rule: ActiveRule<'sql'>,
  signal: AbortSignal,
): Promise<StatementFindings> {
  const { timeout_ms: timeoutMs } = rule.options
  const limit = AbortSignal.timeout(timeoutMs)
  const stopInterrupting = interruptOn(AbortSignal.any([signal, limit]), connection)
  try {
    const statement = await readingStatement(connection, rule)
    return rule.options.on_violation === 'quarantine'
      ? await listFacts(connection, rule, statement)
      : await countRows(connection, statement)
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) {
      throw new QualityError('ETL3-QA-04', `rule ${rule.name}: its statement took longer than ${timeoutMs} ms`, {
        hint: `Make the statement simpler, or raise data_quality.rules.${rule.name}.timeout_ms.`,
        cause: error,
      })
    }
    throw readable(rule, error)
  } finally {
    stopInterrupting()
  }
}

/** The statement without what may follow it. @throws ConfigError ETL3-CF-13 unless it is one SELECT over known tables */
async function readingStatement(connection: DuckDBConnection, rule: ActiveRule<'sql'>): Promise<string> {
  const sql = rule.options.sql.trim().replace(/;\s*$/, '')
  const extracted = await connection.extractStatements(sql).catch((cause: unknown) => {
    throw refused(rule, firstLineOf(cause), cause)
  })
  if (extracted.count !== 1) throw refused(rule, `it holds ${extracted.count} statements`)
  // A statement that is no SELECT is not serialised: the parser says so before anything is bound or run.
  const parsed = await connection.run('SELECT json_serialize_sql($1::VARCHAR)::VARCHAR', [sql])
  const tree: unknown = JSON.parse(String((await firstColumn(parsed))[0]))
  if (isRecord(tree) && tree['error'] === true) throw refused(rule, String(tree['error_message'] ?? 'it is no SELECT'))
  const foreign = foreignIn(tree, await changingFunctions(connection))
  if (foreign !== undefined) throw refused(rule, `it uses ${foreign}`)
  const prepared = await extracted.prepare(0)
  const reads = prepared.statementType === StatementType.SELECT
  prepared.destroySync()
  if (!reads) throw refused(rule, 'it is no SELECT')
  // On lines of its own: a comment at its end must not swallow what follows.
  return `(\n${sql}\n)`
}

/** Functions that give other values when they are called again: chance, the clock, the session. */
async function changingFunctions(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const names = await connection.run(
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'",
  )
  return new Set((await firstColumn(names)).map(String))
}

/** What a parsed statement uses that is neither the staged tables nor the same in each run; undefined for nothing. */
function foreignIn(node: unknown, changing: ReadonlySet<string>): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const own = isRecord(node) ? foreignOf(node, changing) : undefined
  if (own !== undefined) return own
  for (const part of Object.values(node)) {
    const found = foreignIn(part, changing)
    if (found !== undefined) return found
  }
  return undefined
}

function foreignOf(node: Readonly<Record<string, unknown>>, changing: ReadonlySet<string>): string | undefined {
  const called = node['function']
  if (node['type'] === 'TABLE_FUNCTION' && isRecord(called)) {
    const name = String(called['function_name']).toLowerCase()
    if (!HARMLESS_FUNCTIONS.has(name)) return `the table function ${name}`
  }
  if (node['type'] === 'SHOW_REF') return 'DESCRIBE, SHOW or SUMMARIZE'
  if (isRecord(node['sample'])) return 'a sample, which is another one each time'
  const names = node['column_names']
  const word = String(Array.isArray(names) ? names.at(-1) : (node['function_name'] ?? '')).toLowerCase()
  const changes = Array.isArray(names) ? names.length === 1 && CLOCKS.has(word) : changing.has(word)
  return changes ? `${word}, which changes from run to run` : undefined
}

async function countRows(connection: DuckDBConnection, statement: string): Promise<StatementFindings> {
  const [counted] = await firstColumn(await connection.run(`SELECT count(*) FROM ${statement}`))
  const failed = Number(counted ?? 0)
  if (failed === 0) return { failed, examples: [], factRows: [] }
  const names = await columnNames(connection, statement)
  const shown = names.map((name) => `coalesce(${shownValue(name)}, 'NULL')`)
  const examples = await connection.run(
    `SELECT concat_ws(', ', ${shown.join(', ')}) FROM ${statement} ORDER BY ALL LIMIT ${MOST_EXAMPLES}`,
  )
  return { failed, examples: (await firstColumn(examples)).map(String), factRows: [] }
}

async function columnNames(connection: DuckDBConnection, statement: string): Promise<string[]> {
  return (await firstColumn(await connection.run(`DESCRIBE SELECT * FROM ${statement}`))).map(String)
}

/** What a column of an unknown statement holds cannot be known: numbers and dates are shown, all else is masked. */
function shownValue(name: string): string {
  const value = sqlIdentifier(name)
  return `${sqlString(`${name} `)} || CASE WHEN regexp_matches(typeof(${value}), '${SHOWN_TYPES}') THEN ${value}::VARCHAR ELSE ${maskedSql(`${value}::VARCHAR`)} END`
}

async function listFacts(
  connection: DuckDBConnection,
  rule: ActiveRule<'sql'>,
  statement: string,
): Promise<StatementFindings> {
  if (!(await columnNames(connection, statement)).includes('fact_row'))
    throw refused(rule, "it is to set facts aside and returns no column 'fact_row'")
  const [facts] = await firstColumn(await connection.run('SELECT count(*) FROM facts'))
  // One bit a fact: a statement may well return most of them.
  const marks = new Uint8Array(Math.ceil(Number(facts ?? 0) / 8))
  let failed = 0
  const sql = `SELECT DISTINCT s.fact_row::INTEGER FROM ${statement} s JOIN facts ON facts.fact_row = s.fact_row`
  for await (const chunk of wholeChunks(connection, sql)) {
    failed += chunk.rowCount
    for (const row of columnValues(chunk, 0).map(Number)) marks[row >> 3]! |= 1 << (row & 7)
  }
  return { failed, examples: [], factRows: marked(marks) }
}

function* marked(marks: Uint8Array): Generator<number> {
  for (const [byte, bits] of marks.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) yield 8 * byte + bit
  }
}

function readable(rule: ActiveRule<'sql'>, error: unknown): unknown {
  if (error instanceof Etl3Error) return error
  const message = messageOf(error)
  if (/Out of Memory Error|failed to (allocate|pin)/i.test(message)) {
    return new ResourceError('ETL3-ME-02', `rule ${rule.name}: its statement ran out of the engine's memory`, {
      hint: 'Raise --memory-limit, or make the statement simpler.',
      cause: error,
    })
  }
  if (/^[A-Z][A-Za-z ]+ Error: /.test(message)) return refused(rule, firstLineOf(error), error)
  return error
}

function refused(rule: ActiveRule<'sql'>, why: string, cause?: unknown): Error {
  return unusableRule(
    rule.name,
    `the statement is refused: ${why}`,
    `Write one SELECT over ${TABLES.join(', ')} or fact_rates; see docs/quality.md.`,
    cause,
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
