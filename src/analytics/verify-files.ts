/**
 * Reads files of the analytics table again and compares them with a plain join of the staged star: for each partition of
 * the other table that they hold, the rows and a checksum over all columns. It shares no code with the writer but the
 * staged files and the data dictionary.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { planRelation } from '../partition-files/plan-file.js'
import { rowHash, sumDueRows } from '../star/due-checksums.js'
import type { FactRange } from '../star/fact-window.js'
import type { StagedPaths } from '../star/staged-files.js'

/** A file that is to be verified. */
export interface FileToVerify {
  readonly ordinal: number
  readonly block: number
  readonly rows: number
  readonly partition: readonly (string | null)[]
  readonly ranges: readonly FactRange[]
  /** Absolute path of the file, or of a copy. */
  readonly path: string
}

/** What the files are verified against. */
export interface VerifyInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan of the partitions. */
  readonly plan: string
  /** Partition columns of the other table. */
  readonly keyColumns: readonly string[]
  /** Partition columns of the analytics table: some of `keyColumns`. */
  readonly partitionColumns: readonly string[]
  /** All of one block. */
  readonly files: readonly FileToVerify[]
}

/** Ordinals of the files that do not hold what they are to hold. */
export async function differingFiles(input: VerifyInput): Promise<number[]> {
  const { engine, paths, plan, keyColumns, partitionColumns, files } = input
  const block = files[0]?.block ?? 0
  const keys = keyColumns.map(sqlIdentifier)
  const ranges = files.flatMap(({ ordinal, ranges }) => ranges.map((range) => ({ ordinal, ...range })))
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE due_files AS SELECT * FROM (VALUES ${ranges
      .map(({ ordinal, from, to }) => `(${ordinal}, ${from}, ${to})`)
      .join(', ')}) f (ordinal, from_row, to_row)`,
  )
  await sumDueRows(engine, { paths, block, ranges })
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS
    SELECT f.ordinal, ${keyText(keys.map((key) => `p.${key}`))} AS key, s.rows, s.checksum
    FROM due_sums s
    JOIN ${readParquet([paths.slices])} l ON l.slice_id = s.slice_id
    JOIN due_files f ON l.first_row >= f.from_row AND l.first_row < f.to_row
    LEFT JOIN ${planRelation([plan], { columns: ['slice_id', 'cell_id'], partitionColumns: keyColumns })} p ON p.slice_id = s.slice_id AND p.cell_id = s.cell_id`)
  const named = files
    .map(({ ordinal, path, partition }) => {
      const values = partition.map((value) => (value === null ? 'NULL' : sqlString(value)))
      return `(${ordinal}, ${sqlString(path)}, ${keyText(values)})`
    })
    .join(', ')
  const partitions = keyText(partitionColumns.map((column) => `s.${sqlIdentifier(column)}`))
  await engine.run(`CREATE OR REPLACE TEMP TABLE found AS
    WITH sums AS (${foundSums(files, keys)})
    SELECT f.ordinal, ${keyText(keys.map((key) => `s.${key}`))} AS key, s.rows, s.checksum,
      ${partitions} <> f.partition AS elsewhere
    FROM sums s JOIN (VALUES ${named}) f (ordinal, path, partition) ON f.path = s.filename`)
  const wrong = await engine.column(`SELECT DISTINCT coalesce(d.ordinal, f.ordinal) AS ordinal
    FROM due d FULL JOIN found f ON f.ordinal = d.ordinal AND f.key = d.key
    WHERE (d.rows, d.checksum) IS DISTINCT FROM (f.rows, f.checksum) OR f.elsewhere ORDER BY 1`)
  const totals = new Map(
    (await engine.rows('SELECT ordinal, sum(rows)::BIGINT AS rows FROM found GROUP BY ordinal')).map((row) => [
      Number(row['ordinal']),
      Number(row['rows']),
    ]),
  )
  const differing = new Set(wrong.map(Number))
  for (const { ordinal, rows } of files) if (totals.get(ordinal) !== rows) differing.add(ordinal)
  return [...differing].toSorted((a, b) => a - b)
}

/** NULL and a text are told apart, and so are values that hold what stands between two of them. */
function keyText(columns: readonly string[]): string {
  return `json_array(${columns.join(', ')})::VARCHAR`
}

function foundSums(files: readonly FileToVerify[], keys: readonly string[]): string {
  return `SELECT filename, ${keys.join(', ')}, count(*) AS rows, sum(${rowHash()}::HUGEINT) AS checksum
    FROM ${readParquet(
      files.map(({ path }) => path),
      ', filename = true',
    )} GROUP BY ALL`
}
