/** What the rows of a unit's partitions are due to be: by a plain join of the staged star. Nothing that was written is read. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import type { DuePartition } from '../partition-files/due-partition.js'
import { planRelation } from '../partition-files/plan-file.js'
import { sumDueRows } from '../star/due-checksums.js'
import type { StagedPaths } from '../star/staged-files.js'

/** Of which unit. */
export interface DueInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan. */
  readonly plan: string
  readonly unit: number
}

/** Joins the staged star for the partitions of one unit; one that has no rows in it is not there. */
export async function duePartitions({ engine, paths, plan, unit }: DueInput): Promise<DuePartition[]> {
  const planned = planRelation([plan], { columns: ['unit', 'ordinal', 'block', 'slice_id', 'cell_id'] })
  await engine.run(`CREATE OR REPLACE TEMP TABLE of_unit AS
    SELECT * EXCLUDE (unit) FROM ${planned} WHERE unit = ${unit}`)
  const blocks = await engine.rows(`SELECT u.block, min(s.first_row) AS first, max(s.first_row + s.facts) AS last
    FROM of_unit u JOIN ${readParquet([paths.slices])} s ON s.slice_id = u.slice_id GROUP BY u.block ORDER BY u.block`)
  const due: DuePartition[] = []
  for (const row of blocks) {
    const block = Number(row['block'])
    const range = { from: Number(row['first']), to: Number(row['last']) }
    await sumDueRows(engine, { paths, block, ranges: [range], only: 'of_unit' })
    const ofBlock = await engine.rows(`SELECT o.ordinal, d.rows, d.checksum::VARCHAR AS checksum
      FROM due_sums d JOIN of_unit o ON o.block = ${block} AND o.slice_id = d.slice_id AND o.cell_id = d.cell_id
      ORDER BY o.ordinal`)
    for (const { ordinal, rows, checksum } of ofBlock) {
      due.push({ ordinal: Number(ordinal), rows: Number(rows), checksum: String(checksum) })
    }
  }
  await engine.run('DROP TABLE of_unit')
  return due
}
