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
  const { engine, files } = input
  await sumDue(input)
  await engine.run('CREATE OR REPLACE TEMP TABLE found (ordinal INTEGER, key UBIGINT, rows BIGINT, checksum HUGEINT)')
  const differing = new Set<number>()
  for (const file of files) {
    await engine.run(`INSERT INTO found ${foundSums(file, input.keyColumns)}`)
    if (await isElsewhere(input, file)) differing.add(file.ordinal)
  }
  const wrong = await engine.column(`SELECT DISTINCT coalesce(d.ordinal, f.ordinal) AS ordinal
    FROM due d FULL JOIN found f ON f.ordinal = d.ordinal AND f.key = d.key
    WHERE (d.rows, d.checksum) IS DISTINCT FROM (f.rows, f.checksum) ORDER BY 1`)
  for (const ordinal of wrong) differing.add(Number(ordinal))
  const totals = new Map(
    (await engine.rows('SELECT ordinal, sum(rows)::BIGINT AS rows FROM found GROUP BY ordinal')).map((row) => [
      Number(row['ordinal']),
      Number(row['rows']),
    ]),
  )
  for (const { ordinal, rows } of files) if (totals.get(ordinal) !== rows) differing.add(ordinal)
  return [...differing].toSorted((a, b) => a - b)
}

/** Makes the table `due`: of each file and partition the rows and the checksum that the join has. */
async function sumDue({ engine, paths, plan, keyColumns, files }: VerifyInput): Promise<void> {
  const block = files[0]?.block ?? 0
  const ranges = files.flatMap(({ ordinal, ranges }) => ranges.map((range) => ({ ordinal, ...range })))
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE due_files AS SELECT * FROM (VALUES ${ranges
      .map(({ ordinal, from, to }) => `(${ordinal}, ${from}, ${to})`)
      .join(', ')}) f (ordinal, from_row, to_row)`,
  )
  await sumDueRows(engine, { paths, block, ranges })
  const planned = planRelation([plan], { columns: ['block', 'slice_id', 'cell_id'], partitionColumns: keyColumns })
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS
    SELECT f.ordinal, p.key, sum(s.rows)::BIGINT AS rows, sum(s.checksum)::HUGEINT AS checksum
    FROM due_sums s
    JOIN ${readParquet([paths.slices])} l ON l.slice_id = s.slice_id
    JOIN due_files f ON l.first_row >= f.from_row AND l.first_row < f.to_row
    LEFT JOIN (SELECT slice_id, cell_id, ${keyHash(keyColumns)} AS key FROM ${planned} WHERE block = ${block}) p
      ON p.slice_id = s.slice_id AND p.cell_id = s.cell_id
    GROUP BY ALL`)
}

/**
 * A partition as a number: as many text keys as a file has partitions would not fit. Two partitions with the same number are
 * compared as one, which misses nothing: a row's own checksum is over its keys as well.
 */
function keyHash(keyColumns: readonly string[]): string {
  return `hash(${keyColumns.map(sqlIdentifier).join(', ')})`
}

function foundSums({ ordinal, path }: FileToVerify, keyColumns: readonly string[]): string {
  return `SELECT ${ordinal} AS ordinal, ${keyHash(keyColumns)} AS key, count(*) AS rows, sum(${rowHash()}::HUGEINT) AS checksum
    FROM ${readParquet([path])} GROUP BY ALL`
}

/** Whether a file has rows that are not of its partition of the analytics table. */
async function isElsewhere(
  { engine, partitionColumns }: VerifyInput,
  { path, partition }: FileToVerify,
): Promise<boolean> {
  const same = partitionColumns.map((column, i) => {
    const value = partition[i] ?? null
    return `${sqlIdentifier(column)} IS NOT DISTINCT FROM ${value === null ? 'NULL' : sqlString(value)}`
  })
  if (same.length === 0) return false
  return (await engine.count(`SELECT count(*) FROM ${readParquet([path])} WHERE NOT (${same.join(' AND ')})`)) > 0
}
