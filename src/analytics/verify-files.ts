/**
 * Reads files of the analytics table again and compares them with a plain join of the staged star: for each partition of
 * the other table that they hold, the rows and a checksum over all columns. It shares no code with the writer but the
 * staged files and the data dictionary.
 *
 * A row's checksum is made from one hash for each side of the join. On the due side each hash is computed once for each
 * entry of a dimension, on the other side for each row from what the file says: so no wide row is ever joined.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { type Axis, DICTIONARY } from '../star/dictionary.js'
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

/** Sides of the join. The order is that of the hashes. */
const SIDES: readonly Axis[] = ['attr', 'code', 'group', 'fact', 'rate', 'npi', 'benchmark', 'ratio', 'above']

/** Ordinals of the files that do not hold what they are to hold. */
export async function differingFiles(input: VerifyInput): Promise<number[]> {
  const { engine, paths, plan, keyColumns, partitionColumns, files } = input
  const block = files[0]?.block ?? 0
  const keys = keyColumns.map(sqlIdentifier)
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE due_files AS SELECT * FROM (VALUES ${files
      .flatMap(({ ordinal, ranges }) => ranges.map(({ from, to }) => `(${ordinal}, ${from}, ${to})`))
      .join(', ')}) f (ordinal, from_row, to_row)`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS
    WITH sums AS (${dueSums(paths, block, files)})
    SELECT f.ordinal, ${keyText(keys.map((key) => `p.${key}`))} AS key, s.rows, s.checksum
    FROM sums s
    JOIN ${readParquet([paths.slices])} l ON l.slice_id = s.slice_id
    JOIN due_files f ON l.first_row >= f.from_row AND l.first_row < f.to_row
    LEFT JOIN ${readParquet([plan])} p ON p.slice_id = s.slice_id AND p.cell_id = s.cell_id`)
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

function dueSums(paths: StagedPaths, block: number, files: readonly FileToVerify[]): string {
  const ranges = files.flatMap((file) => file.ranges)
  // Numbers, not a join: they let the engine pass over whole row groups of the facts.
  const wanted = ranges.map(({ from, to }) => `fact_row >= ${from} AND fact_row < ${to}`).join(' OR ')
  const hashed = (path: string, id: string, axis: Axis, more: readonly string[] = []): string =>
    `(SELECT ${[id, ...more, `${sideHash(axis)} AS h`].join(', ')} FROM ${readParquet([path])})`
  const comparable = `a.is_dollar AND NOT isnan(f.negotiated_rate)
      AND b.medicare_state_rate > 0 AND NOT isnan(b.medicare_state_rate)`
  const sides: Readonly<Record<string, string>> = {
    attr: 'a.h',
    code: 'c.h',
    group: 'g.h',
    fact: 'hash(f.fact_uid)',
    rate: 'hash(f.negotiated_rate)',
    npi: `coalesce(n.h, ${hashOfNothing(paths.npis, 'npi')})`,
    benchmark: `coalesce(b.h, ${hashOfNothing(paths.benchmarks, 'benchmark')})`,
    ratio: `hash(CASE WHEN ${comparable} THEN f.negotiated_rate / b.medicare_state_rate END)`,
    above: `hash(CASE WHEN ${comparable} THEN f.negotiated_rate > b.medicare_state_rate END)`,
  }
  return `SELECT f.slice_id, m.cell_id, count(*) AS rows, sum(hash(${SIDES.map((axis) => sides[axis]).join(', ')})::HUGEINT) AS checksum
    FROM (SELECT * FROM ${readParquet([paths.facts])} WHERE (${wanted})
          AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
    JOIN (SELECT group_id, cell_id, npi_id FROM ${readParquet([paths.members])} WHERE block = ${block}) m ON m.group_id = f.group_id
    JOIN ${hashed(paths.attrs, 'attr_id', 'attr', ['year', 'is_dollar', 'benchmark_state'])} a ON a.attr_id = f.attr_id
    JOIN ${hashed(paths.codes, 'code_id', 'code')} c ON c.code_id = f.code_id
    JOIN ${hashed(paths.groups, 'group_id', 'group')} g ON g.group_id = f.group_id
    LEFT JOIN (SELECT npi_id, benchmark_state, ${sideHash('npi')} AS h FROM ${readParquet([paths.npis])} WHERE block = ${block}) n
      ON n.npi_id = m.npi_id
    LEFT JOIN (SELECT k.year, k.code_id, s.state, b.medicare_state_rate, b.h FROM ${readParquet([paths.benchmark_keys])} k
        JOIN ${readParquet([paths.states])} s ON s.state_id = k.state_id
        JOIN ${hashed(paths.benchmarks, 'bench_id', 'benchmark', ['medicare_state_rate'])} b ON b.bench_id = k.bench_id) b
      ON b.year = a.year::INTEGER AND b.code_id = f.code_id AND b.state = coalesce(n.benchmark_state, a.benchmark_state)
    GROUP BY f.slice_id, m.cell_id`
}

function foundSums(files: readonly FileToVerify[], keys: readonly string[]): string {
  return `SELECT filename, ${keys.join(', ')}, count(*) AS rows, sum(hash(${SIDES.map(sideHash).join(', ')})::HUGEINT) AS checksum
    FROM ${readParquet(
      files.map(({ path }) => path),
      ', filename = true',
    )} GROUP BY ALL`
}

/** The hash of one side's columns. */
function sideHash(axis: Axis): string {
  return `hash(${DICTIONARY.filter((column) => column.axis === axis)
    .map(({ name }) => sqlIdentifier(name))
    .join(', ')})`
}

/** The hash of a side on which nothing was found: all of its columns are NULL, in their types. */
function hashOfNothing(path: string, axis: Axis): string {
  return `(SELECT ${sideHash(axis)} FROM (SELECT 1) LEFT JOIN (SELECT * FROM ${readParquet([path])} WHERE false) ON true)`
}
