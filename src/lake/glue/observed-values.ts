/** Which values the partition columns of a table hold: what projection is planned from. */
import { type Engine, readParquet } from '../../engine/engine.js'
import { sqlIdentifier } from '../../engine/sql.js'
import type { PublishedTable } from '../catalog.js'

/** A partition column and its distinct values, NULL as null, in order. */
export interface ObservedColumn {
  readonly name: string
  readonly values: readonly (string | null)[]
}

/** What a table's partitions hold, column by column. */
export interface ObservedPartitions {
  readonly columns: readonly ObservedColumn[]
  readonly partitions: number
}

/** Reads the distinct values of each partition column from the manifest; thousands at most, never the partitions. */
export async function readObservedPartitions(
  engine: Engine,
  { manifestPath, partitionColumns }: PublishedTable,
): Promise<ObservedPartitions> {
  const manifest = readParquet([manifestPath])
  const columns: ObservedColumn[] = []
  for (const name of partitionColumns) {
    const column = sqlIdentifier(name)
    const values = await engine.column(`SELECT DISTINCT ${column} AS v FROM ${manifest} ORDER BY v NULLS FIRST`)
    columns.push({ name, values: values.map((value) => (value === null ? null : String(value))) })
  }
  return { columns, partitions: await engine.count(`SELECT count(*) FROM ${manifest}`) }
}
