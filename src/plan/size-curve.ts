/** How many bytes a file of so many rows takes: read off the files that are published, else off a measured star. */
import type { Engine } from '../engine/engine.js'
import { manifestRelation } from '../partition-files/manifest-file.js'

/** A point of the curve; points come by growing rows. */
export interface SizePoint {
  readonly rows: number
  readonly bytes: number
}

/** Measured on the demo star, 2,983 files: means by power of two. A footer of 65 columns alone takes about 7 KB. */
const MEASURED: readonly SizePoint[] = [
  { rows: 1, bytes: 8_050 },
  { rows: 11, bytes: 10_520 },
  { rows: 92, bytes: 15_250 },
  { rows: 355, bytes: 22_960 },
  { rows: 1_282, bytes: 37_780 },
]

const FEWEST_POINTS = 3

/** The curve of a manifest's files, or the measured one where there are too few files to tell. */
export async function sizeCurve(engine: Engine, manifest: string | undefined): Promise<readonly SizePoint[]> {
  if (manifest === undefined) return MEASURED
  const points =
    await engine.rows(`SELECT avg(rows) AS rows, avg(bytes) AS bytes FROM ${manifestRelation([manifest], { columns: ['rows', 'bytes'] })}
    WHERE rows > 0 GROUP BY floor(log2(rows)) ORDER BY 1`)
  if (points.length < FEWEST_POINTS) return MEASURED
  return points.map((point) => ({ rows: Number(point['rows']), bytes: Number(point['bytes']) }))
}

/** SQL for the bytes of a file of `rows` rows: straight lines between the points, the last one goes on. */
export function sizeInSql(curve: readonly SizePoint[], rows: string): string {
  const lines = curve.slice(0, -1).map((from, i) => {
    const to = curve[i + 1] ?? from
    const slope = (to.bytes - from.bytes) / Math.max(1, to.rows - from.rows)
    return {
      below: to.rows,
      formula: `${from.bytes.toFixed(3)} + ${Math.max(0, slope).toFixed(6)} * (${rows} - ${from.rows.toFixed(3)})`,
    }
  })
  const last = lines.at(-1)
  if (!last) throw new Error('a size curve has two points at least')
  const cases = lines.slice(0, -1).map(({ below, formula }) => `WHEN ${rows} <= ${below.toFixed(3)} THEN ${formula}`)
  // Below the first point the line of the first stretch could pass zero.
  return `greatest(${(curve[0]?.bytes ?? 0).toFixed(3)} / 2, CASE ${cases.join(' ')} ELSE ${last.formula} END)`
}
