/** Which values the partition columns of a table hold: what projection is planned from. */
import type { Engine } from '../../engine/engine.js'
import { sqlIdentifier } from '../../engine/sql.js'

/** A partition column and its distinct values, NULL as null, in order. */
export interface ObservedColumn {
  readonly name: string
  readonly values: readonly (string | null)[]
}

/** The first so many partition columns can be keys of the projected table. */
export const MOST_KEYS = 4

/** What a table's partitions hold, column by column. */
export interface ObservedPartitions {
  readonly columns: readonly ObservedColumn[]
  readonly partitions: number
  /** Combinations of values that the first column holds, the first two, and so on, up to {@link MOST_KEYS}. */
  readonly inUse: readonly number[]
}

/**
 * Reads the distinct values of each partition column; thousands at most, never the partitions.
 * @param partitions SQL of a relation that has a row for each partition, and the partition columns
 */
export async function readObservedPartitions(
  engine: Engine,
  { partitions, partitionColumns }: { readonly partitions: string; readonly partitionColumns: readonly string[] },
): Promise<ObservedPartitions> {
  const columns: ObservedColumn[] = []
  for (const name of partitionColumns) {
    const column = sqlIdentifier(name)
    const values = await engine.column(`SELECT DISTINCT ${column} AS v FROM ${partitions} ORDER BY v NULLS FIRST`)
    columns.push({ name, values: values.map((value) => (value === null ? null : String(value))) })
  }
  const inUse: number[] = []
  for (let columns = 1; columns <= Math.min(MOST_KEYS, partitionColumns.length); columns++) {
    const first = partitionColumns.slice(0, columns).map(sqlIdentifier).join(', ')
    inUse.push(await engine.count(`SELECT count(*) FROM (SELECT DISTINCT ${first} FROM ${partitions})`))
  }
  return { columns, partitions: await engine.count(`SELECT count(*) FROM ${partitions}`), inUse }
}
