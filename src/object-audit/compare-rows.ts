/** Every row of files, read by DuckDB, against a join of the staged star. */
import { resolve } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { type CodeRange, codeRanges, enrichInSql, FILE_COLUMNS } from '../star/enriched-sql.js'
import type { StagedPaths } from '../star/staged-files.js'
import { difference } from './difference.js'

/** Rows that are compared in one statement: bounds the memory of the audit, whatever the size of a unit. */
export const BATCH_ROWS = 100_000

/** What is compared. */
export interface RowsInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Together up to {@link BATCH_ROWS} rows, or one. */
  readonly partitions: readonly PlannedPartition[]
  /** Local file of each. */
  readonly files: readonly string[]
  /** Called after each statement. */
  readonly progress: () => void
}

/**
 * Compares counts and a checksum over all columns.
 *
 * @throws IntegrityError ETL3-AU-04
 */
export async function compareRows(input: RowsInput): Promise<void> {
  for (const range of await rangesOf(input)) {
    await compareRange(input, range)
    input.progress()
  }
}

/** A partition beyond one batch is compared code range by code range, so that its size does not matter. */
async function rangesOf({ engine, paths, partitions }: RowsInput): Promise<readonly (CodeRange | undefined)[]> {
  const [partition] = partitions
  if (partitions.length > 1 || !partition || partition.rows <= BATCH_ROWS) return [undefined]
  return await codeRanges(engine, paths, partition, BATCH_ROWS)
}

/** @param range only these codes; all if it is undefined */
async function compareRange(
  { engine, paths, partitions, files }: RowsInput,
  range: CodeRange | undefined,
): Promise<void> {
  const named = partitions.map((p, i) => `(${p.ordinal}, ${sqlString(resolve(files[i] ?? ''))})`).join(', ')
  for (const statement of enrichInSql(paths, partitions, range)) await engine.run(statement)
  // The sum of hashes over all columns: equal for equal rows in any order, and one wrong value changes it.
  const sums = `count(*) AS rows, sum(hash(${FILE_COLUMNS})::HUGEINT) AS checksum`
  await engine.run(`CREATE OR REPLACE TEMP TABLE due AS SELECT ordinal, ${sums} FROM enriched GROUP BY ordinal`)
  const wrong = await engine.column(`WITH found AS (
      SELECT f.ordinal, ${sums} FROM ${readParquet(files, ', filename = true')} r
      JOIN (VALUES ${named}) f (ordinal, filename) ON f.filename = r.filename
      WHERE ${range?.condition ?? 'true'} GROUP BY f.ordinal)
    SELECT coalesce(d.ordinal, f.ordinal) FROM due d FULL JOIN found f ON f.ordinal = d.ordinal
    WHERE (d.rows, d.checksum) IS DISTINCT FROM (f.rows, f.checksum)`)
  if (wrong.length === 0) return
  const ordinals = new Set(wrong.map(Number))
  throw difference(
    'ETL3-AU-04',
    'rows differ from the staged data',
    partitions.filter((p) => ordinals.has(p.ordinal)),
  )
}
