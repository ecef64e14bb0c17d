/** Files with a row for each partition: plan and manifest. They are put together in pieces, so that memory does not grow with them. */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'

/** Partitions that are joined and sorted at once: about 10 MB, whatever the table has. */
export const PIECE_PARTITIONS = 16_384

const ROW_GROUP_ROWS = 8_192

/** Writes the partitions that a SELECT gives, in its order. @param target local path */
export async function writePartitionFile(engine: Engine, select: string, target: string): Promise<void> {
  await engine.run(`COPY (${select}) TO ${sqlString(target)} (FORMAT parquet, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`)
}

/** Writes the partitions of some files one after the other. */
export async function joinPartitionFiles(engine: Engine, parts: readonly string[], target: string): Promise<void> {
  await writePartitionFile(engine, `FROM ${readParquet(parts)}`, target)
}
