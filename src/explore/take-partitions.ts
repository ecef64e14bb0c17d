/** The partitions of a manifest for the page: those with the most rows, up to a bound. */
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier } from '../engine/sql.js'
import { encodePartitionValue, PARTITION_FILE } from '../lake/keys.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import { numberedPieces } from './numbered-pieces.js'
import type { PagePartitions } from './page-data.js'
import { ValueList } from './value-list.js'

/** Partitions that a page holds. Their keys have up to 1,024 bytes each, so that the page is bounded in bytes as well. */
export const MOST_PARTITIONS = 50_000

/** @param manifest local path of `manifest.parquet` */
export async function takePartitions(
  engine: Engine,
  manifest: string,
  columns: readonly string[],
  most = MOST_PARTITIONS,
): Promise<PagePartitions> {
  const lists = columns.map(() => new ValueList())
  const numbers = columns.map((): number[] => [])
  const figures = { rows: [] as number[], facts: [] as number[], bytes: [] as number[] }
  const source = manifestRelation([manifest], { columns: ['key', 'rows', 'facts', 'bytes'], partitionColumns: columns })
  // The table's columns can have any name, so they are renamed: `c0`, `c1` …
  const values = columns.map((column, i) => `${sqlIdentifier(column)} AS c${i}`)
  const largest = `SELECT row_number() OVER (ORDER BY rows DESC, key) - 1 AS n, * EXCLUDE (key)
    FROM (SELECT ${[...values, 'rows', 'facts', 'bytes', 'key'].join(', ')} FROM ${source} ORDER BY rows DESC, key LIMIT ${most})`
  for await (const piece of numberedPieces(engine, largest)) {
    for (const row of piece) {
      for (const [i, list] of lists.entries()) {
        const value = row[`c${i}`]
        numbers[i]?.push(list.numberOf(value === null || value === undefined ? null : String(value)))
      }
      figures.rows.push(Number(row['rows']))
      figures.facts.push(Number(row['facts']))
      figures.bytes.push(Number(row['bytes']))
    }
  }
  const all = await engine.row(`SELECT count(*) AS partitions, coalesce(sum(rows), 0)::BIGINT AS rows FROM ${source}`)
  return {
    columns: columns.map((name) => ({ name, folder: encodePartitionValue(name) })),
    values: lists.map((list) => list.values),
    segments: lists.map((list) => list.values.map(encodePartitionValue)),
    numbers,
    ...figures,
    file: PARTITION_FILE,
    left: {
      partitions: Number(all['partitions']) - figures.rows.length,
      rows: Number(all['rows']) - figures.rows.reduce((sum, rows) => sum + rows, 0),
    },
  }
}
