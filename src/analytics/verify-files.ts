/**
 * Reads files of the analytics table again and compares them with a plain join of the staged star: for each partition of
 * the other table that they hold, the rows and a checksum over all columns. Partitions that the run writes are joined once
 * for both tables; the others are joined here. It shares no code with the writer but the staged
 * files and the data dictionary.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import type { DuePartition } from '../partition-files/due-partition.js'
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
  /** What the partitions that a unit of the other table writes are due to be. */
  readonly dueRows: (unit: number) => Promise<readonly DuePartition[]>
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
async function sumDue(input: VerifyInput): Promise<void> {
  const { engine } = input
  await findParts(input)
  await engine.run('CREATE OR REPLACE TABLE due_of_parts (ordinal INTEGER, rows BIGINT, checksum VARCHAR)')
  for (const unit of await engine.column('SELECT DISTINCT unit FROM parts WHERE unit >= 0 ORDER BY unit')) {
    const due = await input.dueRows(Number(unit))
    await engine.append(
      'due_of_parts',
      due.map(({ ordinal, rows, checksum }) => [ordinal, rows, checksum]),
    )
  }
  await joinUnwritten(input)
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS
    SELECT p.file AS ordinal, p.key, sum(d.rows)::BIGINT AS rows, sum(d.checksum::HUGEINT)::HUGEINT AS checksum
    FROM parts p JOIN due_of_parts d ON d.ordinal = p.ordinal GROUP BY ALL`)
}

/** Makes the table `parts`: the partitions of the other table that the files hold. */
async function findParts({ engine, paths, plan, keyColumns, files }: VerifyInput): Promise<void> {
  const ranges = files.flatMap(({ ordinal, ranges }) => ranges.map((range) => ({ ordinal, ...range })))
  const ofFiles = ranges.map(({ ordinal, from, to }) => `(${ordinal}, ${from}, ${to})`).join(', ')
  const planned = planRelation([plan], {
    columns: ['ordinal', 'unit', 'block', 'slice_id', 'cell_id'],
    partitionColumns: keyColumns,
  })
  await engine.run(`CREATE OR REPLACE TEMP TABLE parts AS
    WITH slices_of AS (SELECT l.slice_id, f.file FROM ${readParquet([paths.slices])} l
      JOIN (VALUES ${ofFiles}) f (file, from_row, to_row) ON l.first_row >= f.from_row AND l.first_row < f.to_row)
    SELECT s.file, p.ordinal, p.unit, p.slice_id, p.cell_id, ${keyHash(keyColumns)} AS key
    FROM ${planned} p JOIN slices_of s ON s.slice_id = p.slice_id WHERE p.block = ${blockOf(files)}`)
}

/** Adds what the partitions that no unit writes are due to be: the table has them from an earlier run. */
async function joinUnwritten({ engine, paths, files }: VerifyInput): Promise<void> {
  await engine.run(
    'CREATE OR REPLACE TEMP TABLE unwritten AS SELECT ordinal, slice_id, cell_id FROM parts WHERE unit < 0',
  )
  if ((await engine.count('SELECT count(*) FROM unwritten')) === 0) return
  const ranges = files.flatMap((file) => file.ranges)
  await sumDueRows(engine, { paths, block: blockOf(files), ranges, only: 'unwritten' })
  await engine.run(`INSERT INTO due_of_parts SELECT u.ordinal, d.rows, d.checksum::VARCHAR
    FROM due_sums d JOIN unwritten u ON u.slice_id = d.slice_id AND u.cell_id = d.cell_id`)
}

function blockOf(files: readonly FileToVerify[]): number {
  return files[0]?.block ?? 0
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
