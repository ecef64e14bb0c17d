/** How the rows are spread over partitions: sizes, the largest, the smallest, skew. */
import type { Engine } from '../engine/engine.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import { plannedPartitions } from '../partition-files/plan-file.js'
import type { Placement, SizeSummary } from './run-report.js'

/** Partitions that are named at each end. */
const NAMED = 10

/** Share of the partitions that counts as the top, for the skew. */
const TOP_SHARE = 0.01

/**
 * Measures the partitions.
 * @param parquet the manifest, or the plan before there is one
 * @param hasBytes whether sizes are known: a plan has none
 */
export async function takePlacement(engine: Engine, parquet: string, hasBytes: boolean): Promise<Placement> {
  const partitions = hasBytes
    ? manifestRelation([parquet], { columns: ['key', 'rows', 'facts', 'bytes'] })
    : `(SELECT *, NULL::BIGINT AS bytes FROM ${plannedPartitions(parquet, { columns: ['key', 'rows', 'facts'] })})`
  await engine.run(`CREATE TEMP TABLE placed AS SELECT key, rows, facts, bytes FROM ${partitions}`)
  const total = await engine.row('SELECT count(*) AS partitions, coalesce(sum(rows), 0)::BIGINT AS rows FROM placed')
  const count = Number(total['partitions'])
  const top = Math.max(1, Math.ceil(count * TOP_SHARE))
  const inTop = await engine.count(
    `SELECT coalesce(sum(rows), 0)::BIGINT FROM (SELECT rows FROM placed ORDER BY rows DESC, key LIMIT ${top})`,
  )
  return {
    partitions: count,
    rows: await sizes(engine, 'rows'),
    bytes: hasBytes ? await sizes(engine, 'bytes') : null,
    histogram: await histogram(engine),
    largest: await named(engine, 'rows DESC, key'),
    smallest: await named(engine, 'rows, key'),
    skew: { topPartitions: top, shareOfRows: Number(total['rows']) === 0 ? 0 : inTop / Number(total['rows']) },
  }
}

async function sizes(engine: Engine, column: 'rows' | 'bytes'): Promise<SizeSummary | null> {
  const row =
    await engine.row(`SELECT count(*) AS n, min(${column})::BIGINT AS smallest, max(${column})::BIGINT AS largest,
    quantile_disc(${column}, 0.1)::BIGINT AS p10, quantile_disc(${column}, 0.5)::BIGINT AS p50,
    quantile_disc(${column}, 0.9)::BIGINT AS p90, quantile_disc(${column}, 0.99)::BIGINT AS p99 FROM placed`)
  if (Number(row['n']) === 0) return null
  const of = (name: string): number => Number(row[name] ?? 0)
  return {
    smallest: of('smallest'),
    p10: of('p10'),
    p50: of('p50'),
    p90: of('p90'),
    p99: of('p99'),
    largest: of('largest'),
  }
}

/** Partitions by powers of two of their rows: 1, 2–3, 4–7 … */
async function histogram(engine: Engine): Promise<Placement['histogram']> {
  const rows =
    await engine.rows(`SELECT length(bin(rows)) - 1 AS power, count(*) AS partitions, sum(rows)::BIGINT AS rows
    FROM placed WHERE rows > 0 GROUP BY 1 ORDER BY 1`)
  const found = new Map(rows.map((row) => [Number(row['power']), row]))
  const powers = [...found.keys()]
  if (powers.length === 0) return []
  const first = Math.min(...powers)
  return Array.from({ length: Math.max(...powers) - first + 1 }, (_, i) => {
    const row = found.get(first + i)
    return {
      from: 2 ** (first + i),
      to: 2 ** (first + i + 1) - 1,
      partitions: Number(row?.['partitions'] ?? 0),
      rows: Number(row?.['rows'] ?? 0),
    }
  })
}

async function named(engine: Engine, order: string): Promise<Placement['largest']> {
  const rows = await engine.rows(`SELECT key, rows, facts, bytes FROM placed ORDER BY ${order} LIMIT ${NAMED}`)
  return rows.map((row) => ({
    key: String(row['key']),
    rows: Number(row['rows']),
    facts: Number(row['facts']),
    bytes: row['bytes'] === null || row['bytes'] === undefined ? null : Number(row['bytes']),
  }))
}
