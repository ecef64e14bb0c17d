/**
 * Compares every row of a unit, as it was handed to the encoder, with a plain join of the staged star: the checksums of the
 * ledger with those that the join is due to have.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { planRelation } from '../partition-files/plan-file.js'
import { sumDueRows } from '../star/due-checksums.js'
import type { StagedPaths } from '../star/staged-files.js'

/** What is compared. */
export interface ChecksumInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan. */
  readonly plan: string
  readonly unit: number
  /** Rows and checksum of each partition of the unit, by its ordinal. */
  readonly written: ReadonlyMap<number, { readonly writtenRows: number; readonly checksum: string }>
}

/** Ordinals of the partitions whose rows are not those of the join. */
export async function differingChecksums({ engine, paths, plan, unit, written }: ChecksumInput): Promise<Set<number>> {
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
