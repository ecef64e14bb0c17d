/** Compares published files with the oracle's join: every value of every row, both ways, order and place included. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'
import {
  createOracleTable,
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
const ROWS_PER_JOIN = 200_000
const TYPES = new Map(ENRICHED_COLUMNS)
const COLUMNS = ENRICHED_COLUMNS.map(([name]) => name)

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
    await createOracleTable(connection, input.star, options)
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
  const expected = await figuresOf(connection, 'oracle', partitionColumns)
  const schemaProblems = await checkSchemas(connection, root, files)
  if (schemaProblems.length > 0) {
    const nothing = { rows: 0, facts: 0, partitions: files.length, nullNpi: 0, rateSum: 0 }
    return { expected, published: nothing, problems: schemaProblems }
  }
  await readPublished(connection, files)
  const published = await figuresOf(connection, 'published', partitionColumns)
  const problems = [
    ...(await checkPlaces(connection, root, files, partitionColumns)),
    ...(await checkOrder(connection, root, files)),
    ...(await checkRepeats(connection)),
    ...(await checkValues(connection, Math.max(expected.rows, published.rows))),
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

async function readPublished(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
  await connection.run('CREATE TABLE file_of (path VARCHAR, file INTEGER)')
  const columns = ENRICHED_COLUMNS.map(([name, type]) => `${quoted(name)} ${type}`)
  await connection.run(`CREATE TABLE published (${columns.join(', ')}, file INTEGER, position BIGINT)`)
  let file = 0
  for (const batch of batches(files)) {
    const numbered = batch.map((path) => `(${text(path)}, ${file++})`)
    await connection.run(`INSERT INTO file_of VALUES ${numbered.join(', ')}`)
    await connection.run(
      `INSERT INTO published SELECT ${COLUMNS.map((c) => `p.${quoted(c)}`).join(', ')}, f.file, p.file_row_number
       FROM ${reading(batch, ', filename = true, file_row_number = true')} AS p JOIN file_of AS f ON f.path = p.filename`,
    )
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
  for (const values of await rowsOf(connection, `SELECT DISTINCT ${keys} FROM oracle`)) {
    expected.add(expectedPath(partitionColumns, values.map(asText)))
  }
  const found = new Set(files.map((file) => relative(root, file).split(sep).join('/')))
  const problems = [
    ...some('partition is not published', differenceOf([...expected], [...found])),
    ...some('file is of no partition', differenceOf([...found], [...expected])),
  ]
  const filled = new Set<number>()
  const misplaced: string[] = []
  for (const [file, ...values] of await rowsOf(
    connection,
    `SELECT DISTINCT file, ${keys} FROM published ORDER BY ALL`,
  )) {
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

/** (fact_uid, npi) is the key of both sides, so a full join in slices of the facts shows every difference. */
async function checkValues(connection: DuckDBConnection, rows: number): Promise<string[]> {
  const slices = Math.max(1, Math.ceil(rows / ROWS_PER_JOIN))
  const missing: string[] = []
  const unexpected: string[] = []
  const differing = new Map<string, { count: number; example: string }>()
  for (let slice = 0; slice < slices; slice++) {
    const part = (table: string): string =>
      `(SELECT *, true AS here FROM ${table} WHERE hash(coalesce(fact_uid, '')) % ${slices} = ${slice})`
    await connection.run(
      `CREATE OR REPLACE TEMP VIEW side_by_side AS SELECT o, p FROM ${part('oracle')} AS o FULL JOIN ${part('published')} AS p
       ON o.fact_uid = p.fact_uid AND coalesce(o.npi, '') = coalesce(p.npi, '')`,
    )
    const counts = COLUMNS.map((c) => `(count(*) FILTER (o.here AND p.here AND ${differs(c)}))::DOUBLE`)
    const [[lost, extra, ...byColumn] = []] = await rowsOf(
      connection,
      `SELECT (count(*) FILTER (p.here IS NULL))::DOUBLE, (count(*) FILTER (o.here IS NULL))::DOUBLE, ${counts.join(', ')} FROM side_by_side`,
    )
    if (Number(lost) > 0) missing.push(...(await keysWhere(connection, 'o', 'p.here IS NULL')))
    if (Number(extra) > 0) unexpected.push(...(await keysWhere(connection, 'p', 'o.here IS NULL')))
    const odd = COLUMNS.filter((_, i) => Number(byColumn[i]) > 0)
    const examples = odd.length === 0 ? [] : await examplesOf(connection, odd)
    for (const [i, column] of odd.entries()) {
      const { count = 0, example = examples[i] ?? '' } = differing.get(column) ?? {}
      differing.set(column, { count: count + Number(byColumn[COLUMNS.indexOf(column)]), example })
    }
  }
  return [
    ...some('row is not published', missing),
    ...some('row is not in the oracle', unexpected),
    ...[...differing].map(([column, { count, example }]) => `${column} differs in ${count} rows, e.g. ${example}`),
  ]
}

/** Equal doubles are equal in all bits, but for the sign of zero. */
function differs(column: string): string {
  const [o, p] = [`o.${quoted(column)}`, `p.${quoted(column)}`]
  const values = `${o} IS DISTINCT FROM ${p}`
  return TYPES.get(column) === 'DOUBLE' ? `(${values} OR signbit(${o}) IS DISTINCT FROM signbit(${p}))` : values
}

async function keysWhere(connection: DuckDBConnection, side: 'o' | 'p', condition: string): Promise<string[]> {
  const rows = await rowsOf(
    connection,
    `SELECT ${side}.fact_uid, ${side}.npi FROM side_by_side WHERE ${condition} ORDER BY ALL`,
  )
  return rows.map(([uid, npi]) => `fact ${uid}, npi ${npi}`)
}

/** One differing row for each column. */
async function examplesOf(connection: DuckDBConnection, columns: readonly string[]): Promise<string[]> {
  const shown = (side: string, column: string): string =>
    `coalesce(to_json(${side}.${quoted(column)})::VARCHAR, 'null')`
  const examples = columns.map(
    (
      column,
    ) => `min(concat('fact ', o.fact_uid, ', npi ', coalesce(o.npi, 'null'), ': expected ', ${shown('o', column)},
      ', published ', ${shown('p', column)})) FILTER (o.here AND p.here AND ${differs(column)})`,
  )
  const [row = []] = await rowsOf(connection, `SELECT ${examples.join(', ')} FROM side_by_side`)
  return row.map(String)
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
