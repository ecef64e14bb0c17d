/** One group whose members change, and what must become of the table: worked out by the oracle, not by ETL3. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { createOracleView, DEFAULT_OPTIONS, type StarTables } from '../oracle/oracle-table.js'
import { expectedPath } from '../oracle/partition-path.js'
import { quoted, text } from '../oracle/sql.js'

/** A change of members and its consequences. Paths are under the table's root. */
export interface ChangedGroup {
  readonly group: string
  readonly leaves: string
  readonly joins: string
  /** The link table with the change. */
  readonly xref: string
  readonly rows: number
  readonly partitions: number
  readonly added: ReadonlySet<string>
  readonly replaced: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
  /** SQL condition for the rows of a partition that vanishes. */
  readonly vanished: string
}

type Values = readonly (string | null)[]

const { partitionColumns } = DEFAULT_OPTIONS
const KEYS = partitionColumns.map(quoted).join(', ')

/**
 * Takes one member out of a group and puts another one in; writes the changed link table to `xref`. Takes the first
 * member, by (pg_uid, npi), who is alone in one partition, which must vanish, and not in another, which must be replaced.
 */
export async function changeOneGroup(star: StarTables, xref: string): Promise<ChangedGroup> {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-change-'))
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '2GiB',
    threads: '2',
    temp_directory: folder,
  })
  const connection = await instance.connect()
  try {
    await createOracleView(connection, star)
    await connection.run(`CREATE TABLE before AS SELECT ${KEYS}, pg_uid, npi FROM oracle_view`)
    const { group, leaves, joins } = await chooseMembers(connection)
    await writeLinks(connection, star['xref_pg_member_npi'] ?? '', xref, { group, leaves, joins })
    await createOracleView(connection, { ...star, xref_pg_member_npi: xref })
    await connection.run(`CREATE TABLE after AS SELECT ${KEYS}, pg_uid, npi FROM oracle_view`)
    const [[rows] = []] = await textsOf(connection, 'SELECT count(*) FROM after')

    const before = await partitionsOf(connection, 'before')
    const after = await partitionsOf(connection, 'after')
    const left = await partitionsOf(connection, `before WHERE pg_uid = ${text(group)} AND npi = ${text(leaves)}`)
    const joined = await partitionsOf(connection, `after WHERE pg_uid = ${text(group)} AND npi = ${text(joins)}`)
    const touched = new Map([...left, ...joined])
    const [[, vanished] = ['', []]] = [...left].filter(([path]) => !after.has(path))
    return {
      group,
      leaves,
      joins,
      xref,
      rows: Number(rows),
      partitions: after.size,
      added: pathsWhere(touched, (path) => !before.has(path)),
      replaced: pathsWhere(touched, (path) => before.has(path) && after.has(path)),
      removed: pathsWhere(touched, (path) => !after.has(path)),
      vanished: partitionColumns
        .map((column, i) => {
          const value = vanished[i] ?? null
          return value === null ? `${quoted(column)} IS NULL` : `${quoted(column)} = ${text(value)}`
        })
        .join(' AND '),
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function chooseMembers(connection: DuckDBConnection): Promise<{ group: string; leaves: string; joins: string }> {
  const [[group, leaves] = []] = await textsOf(
    connection,
    `WITH present AS (SELECT DISTINCT ${KEYS}, pg_uid, npi FROM before),
     place AS (SELECT pg_uid, npi, count(*) OVER (PARTITION BY ${KEYS}) = 1 AS alone FROM present)
     SELECT pg_uid, npi FROM place WHERE npi IS NOT NULL AND pg_uid IS NOT NULL
     GROUP BY pg_uid, npi HAVING bool_or(alone) AND NOT bool_and(alone) ORDER BY pg_uid, npi LIMIT 1`,
  )
  if (typeof group !== 'string' || typeof leaves !== 'string')
    throw new Error('no member has one partition alone and shares another')
  const [[joins] = []] = await textsOf(
    connection,
    `SELECT min(npi) FROM before WHERE state IS NOT NULL AND npi NOT IN
       (SELECT npi FROM before WHERE pg_uid = ${text(group)} AND npi IS NOT NULL)`,
  )
  if (typeof joins !== 'string') throw new Error(`nobody could join group ${group}`)
  return { group, leaves, joins }
}

async function writeLinks(
  connection: DuckDBConnection,
  from: string,
  to: string,
  { group, leaves, joins }: { group: string; leaves: string; joins: string },
): Promise<void> {
  mkdirSync(dirname(to), { recursive: true })
  await connection.run(
    `COPY (
       SELECT pg_uid, npi FROM read_parquet(${text(from)}) WHERE NOT (pg_uid = ${text(group)} AND npi = ${text(leaves)})
       UNION ALL SELECT ${text(group)}, ${text(joins)}
     ) TO ${text(to)} (FORMAT parquet)`,
  )
}

/** Partitions of some rows: values by path. */
async function partitionsOf(connection: DuckDBConnection, rows: string): Promise<Map<string, Values>> {
  const partitions = await textsOf(connection, `SELECT DISTINCT ${KEYS} FROM ${rows}`)
  return new Map(partitions.map((values) => [expectedPath(partitionColumns, values), values]))
}

function pathsWhere(partitions: ReadonlyMap<string, Values>, holds: (path: string) => boolean): Set<string> {
  return new Set([...partitions.keys()].filter(holds))
}

async function textsOf(connection: DuckDBConnection, sql: string): Promise<(string | null)[][]> {
  const rows = await connection.runAndReadAll(sql)
  return rows.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value))))
}
