/**
 * Enrichment once more, as one SQL join over the staged star: the audit's second opinion. It shares no code with the
 * writer but the staged files and the data dictionary.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { type Axis, DICTIONARY, type DictionaryColumn } from './dictionary.js'
import type { StagedPaths } from './staged-files.js'

const ALIAS: Readonly<Record<Exclude<Axis, keyof typeof COMPUTED>, string>> = {
  attr: 'a',
  code: 'c',
  group: 'g',
  fact: 'f',
  npi: 'n',
  benchmark: 'b',
  rate: 'f',
}

/** Columns of the table in file order, as a list of SQL identifiers. */
export const FILE_COLUMNS = DICTIONARY.map((c) => sqlIdentifier(c.name)).join(', ')

// What the words of the input mean is staged, and not judged again here: this is a second opinion on what the writer makes
// of the staged files. To DuckDB NaN is larger than any number.
const COMPARABLE = `a.is_dollar AND NOT isnan(f.negotiated_rate)
      AND b.medicare_state_rate > 0 AND NOT isnan(b.medicare_state_rate)`

/** SQL of what is computed for a row, of the attributes `a`, the fact `f` and the benchmark `b`. */
export const COMPUTED = {
  ratio: `CASE WHEN ${COMPARABLE} THEN f.negotiated_rate / b.medicare_state_rate END`,
  above: `CASE WHEN ${COMPARABLE} THEN f.negotiated_rate > b.medicare_state_rate END`,
} as const satisfies Partial<Record<Axis, string>>

/** SQL condition by which a row has its benchmark `b`, by the same and the provider `n`. */
export const HAS_BENCHMARK =
  'b.year = a.year::INTEGER AND b.code_id = f.code_id AND b.state = coalesce(n.benchmark_state, a.benchmark_state)'

/** A partition whose rows are asked for. */
export interface PartitionToEnrich {
  readonly ordinal: number
  readonly slice: number
  readonly cell: number
}

/**
 * Statements that make the view `enriched` of the rows of some partitions: `ordinal` and all columns of the file.
 * First the ids of the rows, then of each dimension only what these ids need: the memory is that of the rows asked for.
 * They may be run again in the same engine, for other partitions.
 *
 * @param partitions at least one; a few hundred at most, because they stand in the statement
 * @param ranks only facts whose code has one of these ranks (inclusive)
 */
export function enrichInSql(
  paths: StagedPaths,
  partitions: readonly PartitionToEnrich[],
  ranks?: { readonly from: number; readonly to: number },
): readonly string[] {
  const columns = DICTIONARY.map((c) => `${sourceOf(c)} AS ${sqlIdentifier(c.name)}`)
  const needed = (path: string, id: string): string =>
    `(SELECT * FROM ${readParquet([path])} WHERE ${id} IN (SELECT ${id} FROM enriched_ids))`
  const slices = partitions.map((p) => p.slice)
  return [
    `CREATE OR REPLACE TEMP TABLE enriched_links AS
      SELECT p.ordinal, p.slice_id, m.group_id, m.npi_id
      FROM (VALUES ${partitions.map((p) => `(${p.ordinal}, ${p.slice}, ${p.cell})`).join(', ')}) p (ordinal, slice_id, cell_id)
      JOIN ${readParquet([paths.members])} m ON m.cell_id = p.cell_id`,
    // Numbers, not a subquery: they let the engine pass over whole row groups of the facts, which lie by slice.
    `CREATE OR REPLACE TEMP TABLE enriched_ids AS
      SELECT l.ordinal, f.fact_uid, f.negotiated_rate, f.code_id, f.attr_id, f.group_id, l.npi_id
      FROM (SELECT * FROM ${readParquet([paths.facts])}
            WHERE slice_id BETWEEN ${Math.min(...slices)} AND ${Math.max(...slices)}
              ${ranks === undefined ? '' : `AND code_rank BETWEEN ${ranks.from} AND ${ranks.to}`}
              AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
      JOIN enriched_links l ON l.slice_id = f.slice_id AND l.group_id = f.group_id`,
    'DROP TABLE enriched_links',
    `CREATE OR REPLACE TEMP TABLE enriched_benchmarks AS
      SELECT k.year, k.code_id, s.state, b.* FROM ${needed(paths.benchmark_keys, 'code_id')} k
      JOIN ${readParquet([paths.states])} s ON s.state_id = k.state_id
      JOIN ${readParquet([paths.benchmarks])} b ON b.bench_id = k.bench_id`,
    `CREATE OR REPLACE TEMP VIEW enriched AS
      SELECT f.ordinal, ${columns.join(', ')}
      FROM enriched_ids f
      JOIN ${needed(paths.attrs, 'attr_id')} a ON a.attr_id = f.attr_id
      JOIN ${needed(paths.codes, 'code_id')} c ON c.code_id = f.code_id
      JOIN ${needed(paths.groups, 'group_id')} g ON g.group_id = f.group_id
      LEFT JOIN ${needed(paths.npis, 'npi_id')} n ON n.npi_id = f.npi_id
      LEFT JOIN enriched_benchmarks b ON ${HAS_BENCHMARK}`,
  ]
}

function sourceOf({ axis, name }: DictionaryColumn): string {
  return axis === 'ratio' || axis === 'above' ? COMPUTED[axis] : `${ALIAS[axis]}.${sqlIdentifier(name)}`
}

/** Neighbouring codes of one partition: their ranks among the staged codes, and which rows of its file they are. */
export interface CodeRange {
  readonly from: number
  readonly to: number
  /** SQL condition on the file's `code`. */
  readonly condition: string
}

/** Cuts a partition into ranges of codes with about `rows` rows each; a code is never cut. */
export async function codeRanges(
  engine: Engine,
  paths: StagedPaths,
  partition: { readonly slice: number; readonly cell: number },
  rows: number,
): Promise<CodeRange[]> {
  const found = await engine.rows(`WITH per_code AS (
      SELECT f.code_rank, any_value(c.code) AS code, sum(m.n) AS rows
      FROM (SELECT * FROM ${readParquet([paths.facts])} WHERE slice_id = ${partition.slice}
            AND fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
      JOIN (SELECT group_id, count(*) AS n FROM ${readParquet([paths.members])} WHERE cell_id = ${partition.cell} GROUP BY group_id) m
        ON m.group_id = f.group_id
      JOIN ${readParquet([paths.codes])} c ON c.code_id = f.code_id GROUP BY f.code_rank),
    cut AS (SELECT *, ((sum(rows) OVER (ORDER BY code_rank) - rows) // ${rows})::BIGINT AS bucket FROM per_code)
    SELECT min(code_rank)::INTEGER AS from_rank, max(code_rank)::INTEGER AS to_rank, min(code) AS first, max(code) AS last,
      bool_or(code IS NULL) AS with_null FROM cut GROUP BY bucket ORDER BY bucket`)
  return found.map((row) => {
    const between =
      row['first'] === null
        ? 'false'
        : `code BETWEEN ${sqlString(String(row['first']))} AND ${sqlString(String(row['last']))}`
    return {
      from: Number(row['from_rank']),
      to: Number(row['to_rank']),
      condition: row['with_null'] === true ? `(code IS NULL OR ${between})` : between,
    }
  })
}
