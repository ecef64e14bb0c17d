/**
 * Every row of a unit, as it was handed to the encoder, against a plain join of the staged star: the checksums of the
 * ledger, and those that the join is due to have. Nothing that was written is read for it.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { planRelation } from '../partition-files/plan-file.js'
import type { PlannedPartition } from '../partition-files/read-plan.js'
import { sumDueRows } from '../star/due-checksums.js'
import type { StagedPaths } from '../star/staged-files.js'
import { difference } from './difference.js'
import type { WrittenPartition } from './written-partition.js'

/** What is compared. */
export interface ChecksumInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan. */
  readonly plan: string
  readonly unit: number
}

/**
 * Compares the values of every row of a unit, whatever the depth of the audit.
 *
 * @throws IntegrityError ETL3-AU-08
 */
export async function compareChecksums(
  input: ChecksumInput,
  due: readonly PlannedPartition[],
  ledger: readonly WrittenPartition[],
): Promise<void> {
  const differing = await differingOf(input, ledger)
  if (differing.size === 0) return
  const wrong = due.filter(({ ordinal }) => differing.has(ordinal))
  throw difference('ETL3-AU-08', 'the rows that were written are not those of the staged data', wrong)
}

/** Ordinals of the partitions whose rows are not those of the join. */
async function differingOf(
  { engine, paths, plan, unit }: ChecksumInput,
  ledger: readonly WrittenPartition[],
): Promise<ReadonlySet<number>> {
  const written = new Map(ledger.map((entry) => [entry.ordinal, entry]))
  const planned = planRelation([plan], { columns: ['unit', 'ordinal', 'block', 'slice_id', 'cell_id'] })
  await engine.run(`CREATE OR REPLACE TEMP TABLE of_unit AS
    SELECT * EXCLUDE (unit) FROM ${planned} WHERE unit = ${unit}`)
  const blocks = await engine.rows(`SELECT u.block, min(s.first_row) AS first, max(s.first_row + s.facts) AS last
    FROM of_unit u JOIN ${readParquet([paths.slices])} s ON s.slice_id = u.slice_id GROUP BY u.block ORDER BY u.block`)
  const differing = new Set(written.keys())
  for (const row of blocks) {
    const block = Number(row['block'])
    const range = { from: Number(row['first']), to: Number(row['last']) }
    await sumDueRows(engine, { paths, block, ranges: [range], only: 'of_unit' })
    const due = await engine.rows(`SELECT o.ordinal, d.rows, d.checksum::VARCHAR AS checksum
      FROM due_sums d JOIN of_unit o ON o.block = ${block} AND o.slice_id = d.slice_id AND o.cell_id = d.cell_id`)
    for (const { ordinal, rows, checksum } of due) {
      const found = written.get(Number(ordinal))
      if (found?.writtenRows === Number(rows) && found.checksum === checksum) differing.delete(Number(ordinal))
    }
  }
  await engine.run('DROP TABLE of_unit')
  return differing
}
