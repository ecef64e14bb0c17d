/** Compares published files with the oracle's join: every value of every row, both ways, order and place included. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import { exactRows } from './exact-rows.js'
import {
  createOracleView,
  DEFAULT_OPTIONS,
  ENRICHED_COLUMNS,
  type OracleOptions,
  type StarTables,
} from './oracle-table.js'
import { expectedPath } from './partition-path.js'
import { quoted, text } from './sql.js'

/** What to compare. */
export interface CompareInput extends Partial<OracleOptions> {
  readonly star: StarTables
  /** Folder under which the table's files lie. */
  readonly tableRoot: string
  /** Absolute paths of the published files. Default: every file under `tableRoot`. */
  readonly files?: readonly string[]
  /** Of the comparison itself. Default: 2,048. */
  readonly memoryLimitMb?: number
  readonly threads?: number
}

/** Figures of one side. */
export interface TableFigures {
  readonly rows: number
  readonly facts: number
  readonly partitions: number
  readonly nullNpi: number
  /** Sum of negotiated_rate, rounded to the cent. */
  readonly rateSum: number
}

/** The outcome; equal tables have no problems. */
export interface Comparison {
  readonly expected: TableFigures
  readonly published: TableFigures
  /** One sentence each. */
  readonly problems: readonly string[]
}

const FILES_PER_READ = 1_000
const MOST_ROWS_SHOWN = 10_000
const TYPES = new Map(ENRICHED_COLUMNS)
const COLUMNS = ENRICHED_COLUMNS.map(([name]) => name)
// 128 bits over all values, in two orders. DuckDB hashes 0 and −0 alike, so signs come along.
const HASHED = ENRICHED_COLUMNS.map(([name, type]) =>
  type === 'DOUBLE' ? `${quoted(name)}, signbit(${quoted(name)})` : quoted(name),
)
const DIGEST = `[hash(${HASHED.join(', ')}), hash(${HASHED.toReversed().join(', ')})]::UBIGINT[2]`

/** Every file under a folder, in the order of the paths. */
export function filesUnder(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Compares a published table with the oracle's join of `star`. Spills to disk beyond its limit. */
export async function compareTable(input: CompareInput): Promise<Comparison> {
  const options: OracleOptions = {
    partitionColumns: input.partitionColumns ?? DEFAULT_OPTIONS.partitionColumns,
    rateRange: input.rateRange ?? DEFAULT_OPTIONS.rateRange,
    required: input.required ?? DEFAULT_OPTIONS.required,
  }
  const folder = mkdtempSync(join(tmpdir(), 'etl3-oracle-'))
  mkdirSync(join(folder, 'spill'))
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${input.memoryLimitMb ?? 2048}MiB`,
    threads: String(input.threads ?? 2),
    temp_directory: join(folder, 'spill'),
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  try {
    await createOracleView(connection, input.star, options)
    return await compare(connection, input.tableRoot, input.files ?? filesUnder(input.tableRoot), options)
  } finally {
    connection.closeSync()
    instance.closeSync()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(
  connection: DuckDBConnection,
  root: string,
  files: readonly string[],
  options: OracleOptions,
): Promise<Comparison> {
  const { partitionColumns } = options
  const kept = [...new Set([...partitionColumns, 'fact_uid', 'npi', 'code', 'negotiated_rate'])]
  await connection.run(
    `CREATE TABLE expected AS SELECT ${kept.map(quoted).join(', ')}, ${DIGEST} AS digest FROM oracle_view`,
  )
  const expected = await figuresOf(connection, 'expected', partitionColumns)
  const schemaProblems = await checkSchemas(connection, root, files)
  if (schemaProblems.length > 0) {
    const nothing = { rows: 0, facts: 0, partitions: files.length, nullNpi: 0, rateSum: 0 }
    return { expected, published: nothing, problems: schemaProblems }
  }
  await readPublished(connection, files, kept)
  const published = await figuresOf(connection, 'published', partitionColumns)
  const problems = [
    ...(await checkPlaces(connection, root, files, partitionColumns)),
    ...(await checkOrder(connection, root, files)),
    ...(await checkRepeats(connection)),
    ...(await checkValues(connection, files)),
  ]
  return { expected, published, problems }
}

async function figuresOf(
  connection: DuckDBConnection,
  table: string,
  partitionColumns: readonly string[],
): Promise<TableFigures> {
  const [[rows, facts, nullNpi, rateSum] = []] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE, count(DISTINCT fact_uid)::DOUBLE, (count(*) FILTER (npi IS NULL))::DOUBLE,
       coalesce(round(sum(negotiated_rate::DECIMAL(30, 10)), 2), 0)::DOUBLE FROM ${table}`,
  )
  const [[partitions] = []] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE FROM (SELECT DISTINCT ${partitionColumns.map(quoted).join(', ')} FROM ${table})`,
  )
  return {
    rows: Number(rows),
    facts: Number(facts),
    partitions: Number(partitions),
    nullNpi: Number(nullNpi),
    rateSum: Number(rateSum),
  }
}

/** Names, order and types of the columns of every file. */
async function checkSchemas(connection: DuckDBConnection, root: string, files: readonly string[]): Promise<string[]> {
  const [first] = files
  if (first === undefined) return []
  const described = await rowsOf(connection, `DESCRIBE FROM ${reading([first])}`)
  const found = described.map(([name, type]) => `${name} ${type}`)
  const wanted = ENRICHED_COLUMNS.map(([name, type]) => `${name} ${type}`)
  if (found.join() !== wanted.join()) {
    return [
      `${relative(root, first)} has other columns: ${differenceOf(found, wanted).join(', ')} instead of ${differenceOf(wanted, found).join(', ') || 'the same in another order'}`,
    ]
  }
  const odd: string[] = []
  const schemas = new Map<string, string>()
  for (const batch of batches(files)) {
    const rows = await rowsOf(
      connection,
      `SELECT file_name, md5(string_agg(concat_ws(' ', name, type, repetition_type, converted_type, logical_type), ',' ORDER BY column_id))
       FROM parquet_schema([${batch.map(text).join(', ')}]) GROUP BY file_name ORDER BY file_name`,
    )
    for (const [file, schema] of rows) {
      if (!schemas.has(String(schema))) schemas.set(String(schema), String(file))
    }
  }
  if (schemas.size > 1)
    odd.push(`files differ in their schemas: ${[...schemas.values()].map((f) => relative(root, f)).join(' and ')}`)
  return odd
}

async function readPublished(
  connection: DuckDBConnection,
  files: readonly string[],
  kept: readonly string[],
): Promise<void> {
  const columns = kept.map((name) => `${quoted(name)} ${TYPES.get(name)}`)
  await connection.run(
    `CREATE TABLE published (${columns.join(', ')}, digest UBIGINT[2], file INTEGER, position BIGINT)`,
  )
  let before = 0
  for (const batch of batches(files)) {
    await connection.run(
      `INSERT INTO published SELECT ${kept.map(quoted).join(', ')}, ${DIGEST}, ${before} + file_index, file_row_number
       FROM ${reading(batch, ', file_row_number = true')}`,
    )
    before += batch.length
  }
}

/** Each file holds one partition and lies where its own values say; each partition of the oracle has one file. */
async function checkPlaces(
  connection: DuckDBConnection,
  root: string,
  files: readonly string[],
  partitionColumns: readonly string[],
): Promise<string[]> {
  const keys = partitionColumns.map(quoted).join(', ')
  const expected = new Set<string>()
  for (const values of await exactRows(connection, `SELECT DISTINCT ${keys} FROM expected`)) {
    expected.add(expectedPath(partitionColumns, values.map(asText)))
  }
  const found = new Set(files.map((file) => relative(root, file).split(sep).join('/')))
  const problems = [
    ...some('partition is not published', differenceOf([...expected], [...found])),
    ...some('file is of no partition', differenceOf([...found], [...expected])),
  ]
  const filled = new Set<number>()
  const misplaced: string[] = []
  for (const [file, ...values] of await exactRows(connection, `SELECT DISTINCT file, ${keys} FROM published`)) {
    const path = relative(root, files[Number(file)] ?? '')
      .split(sep)
      .join('/')
    filled.add(Number(file))
    if (path !== expectedPath(partitionColumns, values.map(asText))) {
      misplaced.push(`${path} holds ${JSON.stringify(values)}`)
    }
  }
  const empty = files.filter((_, i) => !filled.has(i)).map((file) => relative(root, file))
  return [...problems, ...some('file holds rows of another partition', misplaced), ...some('file is empty', empty)]
}

/** Rows of a file ascend by code, fact_uid, npi, in the order of their bytes, NULLs first. */
async function checkOrder(connection: DuckDBConnection, root: string, files: readonly string[]): Promise<string[]> {
  const rows = await rowsOf(
    connection,
    `SELECT DISTINCT file FROM (
       SELECT file, row(code IS NOT NULL, coalesce(code, ''), fact_uid, npi IS NOT NULL, coalesce(npi, '')) AS here,
         lag(here) OVER (PARTITION BY file ORDER BY position) AS before
       FROM published
     ) WHERE before IS NOT NULL AND NOT (before < here) ORDER BY file`,
  )
  return some(
    'file is not in the order of code, fact_uid, npi',
    rows.map(([file]) => relative(root, files[Number(file)] ?? '')),
  )
}

async function checkRepeats(connection: DuckDBConnection): Promise<string[]> {
  const rows = await rowsOf(
    connection,
    'SELECT fact_uid, npi, count(*)::DOUBLE FROM published GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL',
  )
  return some(
    'row is published more than once',
    rows.map(([uid, npi, n]) => `fact ${uid}, npi ${npi}: ${n} times`),
  )
}

/**
 * (fact_uid, npi) is the key of both sides, so a full join on it shows every difference. It compares digests of the
 * rows, for a join of all values would take gigabytes; rows with other digests are then looked at value by value.
 */
async function checkValues(connection: DuckDBConnection, files: readonly string[]): Promise<string[]> {
  await connection.run(
    `CREATE TABLE odd AS SELECT o.fact_uid AS fact_uid, o.npi AS npi, p.fact_uid AS published_uid, p.npi AS published_npi,
       o.digest IS NULL AS unexpected, p.digest IS NULL AS missing, p.file
     FROM expected AS o FULL JOIN published AS p
     ON o.fact_uid = p.fact_uid AND coalesce(o.npi, '') = coalesce(p.npi, '') WHERE o.digest IS DISTINCT FROM p.digest`,
  )
  const missing = await rowsOf(connection, 'SELECT fact_uid, npi FROM odd WHERE missing ORDER BY ALL')
  const unexpected = await rowsOf(
    connection,
    'SELECT published_uid, published_npi FROM odd WHERE unexpected ORDER BY ALL',
  )
  return [
    ...some('row is not published', missing.map(keyText)),
    ...some('row is not in the oracle', unexpected.map(keyText)),
    ...(await differingColumns(connection, files)),
  ]
}

/** Which columns make the digests of rows differ, with an example each. */
async function differingColumns(connection: DuckDBConnection, files: readonly string[]): Promise<string[]> {
  await connection.run(
    `CREATE TABLE differing AS FROM odd WHERE NOT missing AND NOT unexpected ORDER BY file, fact_uid, npi LIMIT ${MOST_ROWS_SHOWN}`,
  )
  const touched = await rowsOf(connection, 'SELECT DISTINCT file FROM differing ORDER BY file')
  if (touched.length === 0) return []
  const sources = touched.map(([file]) => files[Number(file)] ?? '')
  await connection.run(
    `CREATE TABLE side_by_side AS SELECT o, p FROM (FROM oracle_view SEMI JOIN differing AS d ON d.fact_uid = oracle_view.fact_uid) AS o
     JOIN ${reading(sources)} AS p ON o.fact_uid = p.fact_uid AND coalesce(o.npi, '') = coalesce(p.npi, '')`,
  )
  const shown = (side: string, column: string): string =>
    `coalesce(to_json(${side}.${quoted(column)})::VARCHAR, 'null')`
  const asked = COLUMNS.flatMap((column) => [
    `(count(*) FILTER (${differs(column)}))::DOUBLE`,
    `min(concat('fact ', o.fact_uid, ', npi ', coalesce(o.npi, 'null'), ': expected ', ${shown('o', column)},
      ', published ', ${shown('p', column)})) FILTER (${differs(column)})`,
  ])
  const [answer = []] = await rowsOf(connection, `SELECT ${asked.join(', ')} FROM side_by_side`)
  const [[all] = []] = await rowsOf(connection, 'SELECT count(*)::DOUBLE FROM odd WHERE NOT missing AND NOT unexpected')
  const where = Number(all) > MOST_ROWS_SHOWN ? ` of the first ${MOST_ROWS_SHOWN} of ${all} differing rows` : ''
  const problems = COLUMNS.flatMap((column, i) => {
    const count = Number(answer[2 * i])
    return count === 0 ? [] : [`${column} differs in ${count} rows${where}, e.g. ${answer[2 * i + 1]}`]
  })
  return problems.length > 0
    ? problems
    : [`${all} rows have other digests, but no value differs: the comparison is wrong`]
}

/** Equal doubles are equal in all bits, but for the sign of zero. */
function differs(column: string): string {
  const [o, p] = [`o.${quoted(column)}`, `p.${quoted(column)}`]
  const values = `${o} IS DISTINCT FROM ${p}`
  return TYPES.get(column) === 'DOUBLE' ? `(${values} OR signbit(${o}) IS DISTINCT FROM signbit(${p}))` : values
}

function keyText([uid, npi]: readonly Json[]): string {
  return `fact ${uid}, npi ${npi}`
}

function reading(files: readonly string[], options = ''): string {
  return `read_parquet([${files.map(text).join(', ')}], hive_partitioning = false${options})`
}

function* batches(files: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < files.length; i += FILES_PER_READ) yield files.slice(i, i + FILES_PER_READ)
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Json[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

function asText(value: Json): string | null {
  return value === null ? null : String(value)
}

function differenceOf(a: readonly string[], b: readonly string[]): string[] {
  const known = new Set(b)
  return a.filter((item) => !known.has(item))
}

/** One sentence for a kind of problem, with its count and the first three. */
function some(what: string, examples: readonly string[]): string[] {
  return examples.length === 0 ? [] : [`${what} (${examples.length}): ${examples.slice(0, 3).join(' · ')}`]
}
