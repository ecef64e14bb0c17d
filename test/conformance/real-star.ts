/**
 * The analytics table of the real star, 1,444,461 rows: every column of every row in checksums that Trino and DuckDB
 * compute alike, and six typical questions, which Trino answers from bounds, row groups and Bloom filters.
 */
import { join } from 'node:path'
import { CATALOG_COLUMNS } from '../../src/activities/register-tables.js'
import { tablesUnder } from '../oracle/oracle-table.js'
import type { Check } from './foreign-writes.js'
import { embedded, type Lake, type LakeInput, TABLE } from './lakes.js'
import type { Trino } from './trino.js'

const GRAFTED = new Set(['dim_npi', 'dim_npi_address_geolocation'])

/** Rows of a file as they are by default, and the paths of the star's tables in its flat folder. */
export function realStar(star: string): Pick<LakeInput, 'tables' | 'rowsPerFile'> {
  const names = [...Object.keys(tablesUnder('')), 'dim_provider_group']
  const pathOf = (name: string): string => join(star, GRAFTED.has(name) ? 'grafted' : '', `${name}.parquet`)
  return { tables: Object.fromEntries(names.map((name) => [name, pathOf(name)])), rowsPerFile: 2_000_000 }
}

/** Asked of both engines; `?` is the table. Sums in one order of rows differ in the last digits from those in another. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'rows by payer': 'SELECT payer_slug, count(*) FROM ? GROUP BY 1 ORDER BY 1',
  'mean rate of one code by state': `SELECT state, round(avg(negotiated_rate), 6) FROM ? WHERE code = '99213' GROUP BY 1 ORDER BY 1`,
  'one state, one code, one payer': `SELECT npi, negotiated_rate FROM ?
    WHERE state = 'TX' AND code = '99213' AND payer_slug = 'evry-health' ORDER BY 1, 2`,
  'extremes of all rates by class':
    'SELECT procedure_class, min(negotiated_rate), max(negotiated_rate), count(DISTINCT negotiated_rate) FROM ? GROUP BY 1 ORDER BY 1',
  'one NPI': `SELECT code, negotiated_rate FROM ? WHERE npi = '1497019863' ORDER BY 1, 2`,
  'organizations with the most rows':
    'SELECT organization_name, count(*) FROM ? GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10',
}

/** What is checked, and where. */
export interface RealStarInput {
  readonly trino: Trino
  readonly lake: Lake
  /** Name of the analytics table. */
  readonly table: string
  readonly check: Check
  readonly say: (line: string) => void
}

/** Compares what Trino reads of the analytics table with what DuckDB reads of the partitions of the same run. */
export async function checkRealStar({ trino, lake, table, check, say }: RealStarInput): Promise<void> {
  const compare = async (what: string, inTrino: string, inDuckDb: string): Promise<void> => {
    const began = performance.now()
    const found = (await trino.ask(inTrino, lake.database, 'iceberg')).rows
    const seconds = (performance.now() - began) / 1000
    const due = await embedded(lake, inDuckDb)
    check(what, inTexts(found), inTexts(due))
    say(`  ${what}: ${found.length} rows of an answer in ${seconds.toFixed(1)} s`)
  }
  for (const [what, sql] of Object.entries(QUESTIONS)) {
    await compare(what, sql.replace('?', table), sql.replace('?', TABLE))
  }
  await compare('rows and checksums of each column', checksums(table, TRINO), checksums(TABLE, DUCK_DB))
  await compare('rows and checksums of whole rows, by payer and month', rowSums(table, TRINO), rowSums(TABLE, DUCK_DB))
}

/** Both engines' words for the same. */
interface Dialect {
  /** The first 32 bits of a text's MD5. */
  readonly hash: (text: string) => string
  readonly joined: (list: string) => string
}

const TRINO: Dialect = {
  hash: (text) => `from_base(substr(to_hex(md5(to_utf8(${text}))), 1, 8), 16)`,
  joined: (list) => `array_join(${list}, '\u001f', '~')`,
}
const DUCK_DB: Dialect = {
  hash: (text) => `('0x' || substr(md5(${text}), 1, 8))::BIGINT`,
  joined: (list) => `array_to_string(list_transform(${list}, x -> coalesce(x, '~')), '\u001f')`,
}

function checksums(table: string, dialect: Dialect): string {
  const sums = CATALOG_COLUMNS.map(
    ({ name, type }) => `count(${name}), sum(${dialect.hash(asText(name, type, dialect))})`,
  )
  return `SELECT count(*), ${sums.join(', ')} FROM ${table}`
}

function rowSums(table: string, dialect: Dialect): string {
  const texts = CATALOG_COLUMNS.map(({ name, type }) => `coalesce(${asText(name, type, dialect)}, '~')`)
  return `SELECT payer_slug, month, count(*), sum(${dialect.hash(`concat_ws('\u001e', ${texts.join(', ')})`)}) FROM ${table} GROUP BY 1, 2 ORDER BY 1, 2`
}

/** A value as a text that both engines write alike; a double to a millionth, by arithmetic that is exact in both. */
function asText(name: string, type: string, { joined }: Dialect): string {
  if (type === 'double') return `CAST(CAST(floor(${name} * 1e6) AS BIGINT) AS VARCHAR)`
  if (type === 'array<string>') return joined(name)
  return type === 'string' ? name : `CAST(${name} AS VARCHAR)`
}

/** Sums are decimals in one engine, whole numbers in the other. */
function inTexts(rows: readonly (readonly unknown[])[]): string[] {
  return rows.map((row) => JSON.stringify(row.map((value) => (value === null ? null : String(value)))))
}
