/**
 * Whether the tables are right for the engine of Athena: Trino reads them from S3 through Glue, and every answer is
 * compared with what the embedded catalog says of the partitions of the same run.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CATALOG_COLUMNS } from '../../src/activities/register-tables.js'
import { writeDemoStar } from '../../src/demo/write-star.js'
import { startMoto } from '../aws/moto.js'
import { CREDENTIAL_VARIABLES, CREDENTIALS, startVersitygw } from '../aws/support/servers.js'
import { writeStar } from '../stars/star.js'
import { predicatesOf, sortedValues } from './column-predicates.js'
import { type Check, checkForeignWrites } from './foreign-writes.js'
import { HARD_VALUES, hardStar, PROVIDERS_PER_FACT } from './hard-star.js'
import { type ConformanceOptions, embedded, type Lake, type LakeInput, makeLake, runCli, TABLE } from './lakes.js'
import { checkRealStar, realStar } from './real-star.js'
import { Trino, type TrinoCatalog } from './trino.js'
import { literal, patternOf } from './trino-text.js'

/** A table as Trino finds it. */
interface TableInTrino {
  readonly name: string
  readonly catalog: TrinoCatalog
  /** Whether the values of its partitions are those of the folders' names. */
  readonly isExact: boolean
}

const ANALYTICS: TableInTrino = { name: `${TABLE}_iceberg`, catalog: 'iceberg', isExact: false }
const TABLES: readonly TableInTrino[] = [
  { name: TABLE, catalog: 'hive', isExact: true },
  { name: `${TABLE}_projected`, catalog: 'hive', isExact: false },
  ANALYTICS,
]
/** Enough for some hundred partitions; the engine opens each file of them for many a question. */
const DEMO_FACTS = 60

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
    const s3 = await startVersitygw()
    stops.push(() => s3.stop())
    Object.assign(process.env, CREDENTIAL_VARIABLES, {
      AWS_ENDPOINT_URL_GLUE: moto.url,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    })
    const starting = Trino.start({
      java: options.java,
      home: options.trinoHome,
      glueEndpoint: moto.url,
      s3Endpoint: s3.endpoint,
      accessKey: CREDENTIALS.accessKeyId,
      secretKey: CREDENTIALS.secretAccessKey,
    }).then((trino) => {
      stops.push(() => trino.stop())
      say('· Trino has started')
      return trino
    })
    const making =
      options.star === undefined ? makeSmall({ home, s3, options }) : makeReal({ home, s3, options }, options.star)
    // Both, before anything is stopped: a server that is still starting would stay behind.
    await Promise.allSettled([starting, making])
    const [trino, lakes] = await Promise.all([starting, making])
    const counted: Counted = async (what, checks) => {
      const before = { ...counts }
      await checks()
      say(`  ${what}: ${counts.passed - before.passed} passed, ${counts.failed - before.failed} failed`)
    }
    if ('real' in lakes) {
      await counted(`${lakes.real.database}.${ANALYTICS.name}`, () =>
        checkRealStar({ trino, lake: lakes.real, table: ANALYTICS.name, check, say }),
      )
    } else {
      await checkSmall({ trino, lakes, options, check, counted })
    }
    return counts
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(home, { recursive: true, force: true })
  }
}

type Counted = (what: string, checks: () => Promise<void>) => Promise<void>
type Common = Pick<LakeInput, 'home' | 's3' | 'options'>

interface SmallLakes {
  readonly hard: Lake
  readonly demo: Lake
  readonly dense: Lake
}

async function makeSmall(common: Common): Promise<SmallLakes> {
  const hardRoot = join(common.home, 'hard-star')
  await writeStar(hardRoot, hardStar())
  const demoRoot = join(common.home, 'demo-star')
  await writeDemoStar({ out: demoRoot, facts: DEMO_FACTS, seed: 1 })
  const hard = await makeLake({ ...common, name: 'hard', star: hardRoot })
  const demo = await makeLake({ ...common, name: 'demo', star: demoRoot })
  // So plain that even the exact table is projected.
  const dense = await makeLake({ ...common, name: 'dense', star: demoRoot, partitionColumns: ['payer_slug'] })
  return { hard, demo, dense }
}

async function makeReal(common: Common, star: string): Promise<{ readonly real: Lake }> {
  // The analytics table is the same with fewer partitions of the other ones.
  const partitionColumns = ['payer_slug', 'year', 'month']
  return { real: await makeLake({ ...common, name: 'real', star, ...realStar(star), partitionColumns }) }
}

interface SmallChecks {
  readonly trino: Trino
  readonly lakes: SmallLakes
  readonly options: ConformanceOptions
  readonly check: Check
  readonly counted: Counted
}

async function checkSmall({ trino, lakes, options, check, counted }: SmallChecks): Promise<void> {
  const { hard, demo, dense } = lakes
  for (const lake of [dense, hard, demo]) {
    for (const table of TABLES) {
      await counted(`${lake.database}.${table.name}`, () => checkTable(trino, lake, table, check))
    }
  }
  for (const lake of [hard, demo]) {
    await counted(`${lake.database}.${ANALYTICS.name}, by predicates on each column`, () =>
      checkPredicates(trino, lake, check),
    )
  }
  await checkHardRows(trino, hard, check)
  await checkRedirection(trino, hard, check)
  await checkProjection(trino, dense, check)
  await counted(`${demo.database}.${ANALYTICS.name}, written by others`, () =>
    checkForeignWrites({
      trino,
      database: demo.database,
      table: ANALYTICS.name,
      run: (settings) => runCli(options, demo, ['run'], settings),
      check,
    }),
  )
}

async function checkTable(
  trino: Trino,
  lake: Lake,
  { name: table, catalog, isExact }: TableInTrino,
  check: Check,
): Promise<void> {
  const { database, partitionColumns } = lake
  const ask: Ask = async (sql) => (await trino.ask(sql, database, catalog)).rows
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

  const columns = CATALOG_COLUMNS.map((column) => column.name)
  const allRows = await embedded(lake, `SELECT ${columns.join(', ')} FROM ${TABLE}`)
  const asShown = (value: unknown, i: number): unknown =>
    isExact && typeof value === 'string' && partitionColumns.includes(columns[i] ?? '') ? inExactTable(value) : value
  checkRows(
    `${name}: every row by a full scan`,
    (await ask(`SELECT ${columns.join(', ')} FROM ${table}`)).map(asJson),
    allRows.map((row) => asJson(row.map(asShown))),
    check,
  )

  // Of each key every value by equality and IS NULL, whether there is a NULL or not, and a value that is nowhere.
  const asked: { readonly where: string; readonly due: number }[] = []
  for (const column of partitionColumns) {
    const rows = await embedded(lake, `SELECT ${column}, count(*) FROM ${TABLE} GROUP BY 1 ORDER BY 1`)
    const counted = new Map(rows.map(([value, count]) => [value === null ? null : String(value), Number(count)]))
    const values = [...counted.keys()].filter((value) => value !== null).slice(0, MOST_VALUES)
    asked.push(
      ...values.map((value) => ({ where: condition(column, value, isExact), due: counted.get(value) ?? 0 })),
      { where: `${column} IS NULL`, due: counted.get(null) ?? 0 },
      { where: `${column} = 'nowhere'`, due: 0 },
    )
  }
  const found = await countsOf(
    ask,
    table,
    asked.map(({ where }) => where),
  )
  for (const [i, { where, due }] of asked.entries()) check(`${name}: WHERE ${where}`, found[i], due)
}

/** Predicates on all columns of the analytics table, by whose bounds Trino leaves out files and row groups. */
async function checkPredicates(trino: Trino, lake: Lake, check: Check): Promise<void> {
  const columns = CATALOG_COLUMNS.filter(({ type }) => type !== 'array<string>')
  const [values = []] = await embedded(lake, `SELECT ${columns.map(sortedValues).join(', ')} FROM ${TABLE}`)
  const predicates = columns.flatMap((column, i) => predicatesOf(column, textsOf(values[i])))
  const [due = []] = await embedded(
    lake,
    `SELECT ${predicates.map(({ duckDb }) => `count(*) FILTER (${duckDb})`).join(', ')} FROM ${TABLE}`,
  )
  const ask: Ask = async (sql) => (await trino.ask(sql, lake.database, ANALYTICS.catalog)).rows
  const found = await countsOf(
    ask,
    ANALYTICS.name,
    predicates.map(({ trino: where }) => where),
  )
  for (const [i, { trino: where }] of predicates.entries()) {
    check(`${lake.database}.${ANALYTICS.name}: WHERE ${where}`, found[i], Number(due[i]))
  }
}

function textsOf(values: unknown): string[] {
  return Array.isArray(values) ? values.map(String) : []
}

/** Compares rows in any order, each as JSON; of those that differ the first ones are said. */
function checkRows(what: string, found: readonly string[], due: readonly string[], check: Check): void {
  const [left, right] = [found.toSorted(), due.toSorted()]
  const differing = left.length === right.length ? left.findIndex((row, i) => row !== right[i]) : -1
  if (differing >= 0) check(what, left[differing], right[differing])
  else check(what, left.length, right.length)
}

/** A number that JSON does not have is a text to Trino. */
function asJson(row: readonly unknown[]): string {
  return JSON.stringify(row.map((value) => (Number.isNaN(value) ? 'NaN' : value)))
}

type Ask = (sql: string) => Promise<readonly (readonly unknown[])[]>

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
function inExactTable(value: string): string {
  return value === '__HIVE_DEFAULT_PARTITION__' ? '%5F_HIVE_DEFAULT_PARTITION__' : value
}

function condition(column: string, raw: string, isExact: boolean): string {
  const value = isExact ? inExactTable(raw) : raw
  // Trino hands a quote to Glue as it is, and moto cannot read that; a pattern is not handed on.
  if (isExact && value.includes("'")) return `${column} LIKE ${literal(patternOf(value))} ESCAPE '!'`
  return `${column} = ${literal(value)}`
}

/** Rows that each condition finds, many conditions in one statement, two statements at once. */
async function countsOf(ask: Ask, table: string, conditions: readonly string[]): Promise<number[]> {
  const counts: number[] = []
  const begins = conditions.flatMap((_, i) => (i % CONDITIONS_PER_STATEMENT === 0 ? [i] : []))
  const asker = async (): Promise<void> => {
    for (let begin = begins.shift(); begin !== undefined; begin = begins.shift()) {
      const some = conditions.slice(begin, begin + CONDITIONS_PER_STATEMENT)
      const selects = some.map((where, i) => `SELECT ${i} AS i, count(*) AS n FROM ${table} WHERE ${where}`)
      for (const [i, count] of await ask(selects.join(' UNION ALL '))) counts[begin + Number(i)] = Number(count)
    }
  }
  await Promise.all(Array.from({ length: STATEMENTS_AT_ONCE }, asker))
  return counts
}

const CONDITIONS_PER_STATEMENT = 10
const STATEMENTS_AT_ONCE = 2

/** Of a column with more values than this the first ones are asked one by one; the full scan has all of them. */
const MOST_VALUES = 25

/** The hard values themselves, from the star and past both catalogs: each provider is in two groups. */
async function checkHardRows(trino: Trino, { database }: Lake, check: Check): Promise<void> {
  // The empty string is NULL in the table.
  const values = HARD_VALUES.map((value) => (value === '' ? null : value))
  for (const { name: table, catalog, isExact } of TABLES) {
    const due = new Map<string | null, number>()
    for (const value of values) {
      const shown = value !== null && isExact ? inExactTable(value) : value
      due.set(shown, (due.get(shown) ?? 0) + PROVIDERS_PER_FACT)
    }
    for (const column of ['state', 'primary_taxonomy_code', 'stat_area_name']) {
      const { rows } = await trino.ask(`SELECT ${column}, count(*) FROM ${table} GROUP BY 1`, database, catalog)
      check(`${database}.${table}: ${column} as in the star`, rows.toSorted(byText), [...due].toSorted(byText))
    }
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

/** Who names the analytics table in the catalog of the others finds it there as well. */
async function checkRedirection(trino: Trino, lake: Lake, check: Check): Promise<void> {
  const sql = `SELECT count(*) FROM ${ANALYTICS.name}`
  const [found, due] = [await trino.ask(sql, lake.database, 'hive'), await trino.ask(sql, lake.database, 'iceberg')]
  check(`${lake.database}.${ANALYTICS.name}, in the catalog of the other tables`, found.rows, due.rows)
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
