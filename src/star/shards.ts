/**
 * Rows on disk by a hash of some of their columns, so that one shard of them can be read at a time. Nothing is sorted: the
 * engine's sort of two million wide rows fails with a share of 118 MB (measured), and files by shard were written with 96.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlString } from '../engine/sql.js'
import { makeFolder } from '../runtime/make-folder.js'
import { privateFolderMode } from '../runtime/private-mode.js'

/** Rows that are held until they are written to the files of their shards. */
const ROWS_HELD = 131_072

/** Which rows, and how. */
export interface ShardedRows {
  readonly select: string
  /** The columns that decide about the shard. */
  readonly columns: readonly string[]
  readonly shards: number
  /** A local folder that is not there yet. The caller removes it. */
  readonly folder: string
}

/** Writes rows by shard. @returns SQL of the rows of a shard, without an order; undefined for one that has none */
export async function writeShards(
  engine: Engine,
  { select, columns, shards, folder }: ShardedRows,
): Promise<(shard: number) => string | undefined> {
  makeFolder(dirname(folder), privateFolderMode())
  await engine.run(`SET partitioned_write_flush_threshold = ${ROWS_HELD}`)
  await engine.run(`COPY (SELECT *, (hash(${columns.join(', ')}) % ${shards})::INTEGER AS shard FROM (${select}))
    TO ${sqlString(folder)} (FORMAT parquet, COMPRESSION uncompressed, PARTITION_BY (shard))`)
  await engine.run('RESET partitioned_write_flush_threshold')
  const written = new Set(readdirSync(folder))
  return (shard) => {
    const name = `shard=${shard}`
    if (!written.has(name)) return undefined
    return readParquet(readdirSync(join(folder, name)).map((file) => join(folder, name, file)))
  }
}
