/** The rows of the published table that have a value in a column: how many, in which partitions, and who wrote those. */
import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { partitionKey } from '../lake/keys.js'
import { queryCatalog } from '../lake/queries.js'
import { openMetadata, openTable } from '../lake/stores.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import type { CurrentRecord } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
import { RUN_RECORD } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord, type RunRecord } from '../records/run.js'

/** A partition that has some of the rows. */
export interface PartitionWithRows {
  /** Key of its file below the table's root. */
  readonly key: string
  /** The file's full address. */
  readonly address: string
  readonly rows: number
  /** The run that wrote the file; null where the manifest does not have it. */
  readonly writtenBy: string | null
  /** When that run began, ISO 8601, UTC; null where its records are gone. */
  readonly writtenAt: string | null
}

/** What the table has. */
export interface RowsInTable {
  readonly rows: number
  /** In the order of their keys. */
  readonly partitions: readonly PartitionWithRows[]
}

/** Which rows of which published state. */
export interface RowsQuestion {
  readonly config: Config
  readonly current: CurrentRecord
  /** Of the run that published it: its columns made the keys. */
  readonly record: Pick<RunRecord, 'config'>
  readonly column: 'fact_uid' | 'npi'
  readonly value: string
  /** Folder for spill files and copies. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/**
 * Counts rows by partition.
 * @throws the errors of `queryCatalog`, as they are
 */
export async function rowsInTable(question: RowsQuestion): Promise<RowsInTable> {
  const { config, record, column, value, signal } = question
  const columns = record.config.partitioning.partition_columns
  const names = columns.map(sqlIdentifier)
  const groups = names.length === 0 ? '' : ` GROUP BY ${names.join(', ')}`
  const { rows } = await queryCatalog({
    config,
    sql:
      `SELECT ${[...names, 'count(*) AS counted_rows'].join(', ')} FROM ${sqlIdentifier(record.config.athena.table)} ` +
      `WHERE ${sqlIdentifier(column)} = ${sqlString(value)}${groups}`,
    signal,
  })
  const counted = rows
    .map((row) => ({
      key: partitionKey(
        columns,
        columns.map((_, i) => textOf(row[i])),
      ),
      rows: Number(row.at(-1)),
    }))
    .filter((partition) => partition.rows > 0)
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
  const writers = await writersOf(
    counted.map(({ key }) => key),
    question,
  )
  const table = openTable(config)
  return {
    rows: counted.reduce((sum, partition) => sum + partition.rows, 0),
    partitions: counted.map(({ key, rows }) => {
      const writer = writers.get(key)
      return {
        key,
        address: table.locate(key),
        rows,
        writtenBy: writer?.runId ?? null,
        writtenAt: writer?.startedAt ?? null,
      }
    }),
  }
}

interface Writer {
  readonly runId: string
  readonly startedAt: string | undefined
}

async function writersOf(
  keys: readonly string[],
  { config, current, scratch, signal }: RowsQuestion,
): Promise<ReadonlyMap<string, Writer>> {
  if (keys.length === 0) return new Map()
  const metadata = openMetadata(config)
  const manifest = await fetchManifest(metadata, current.manifest, scratch, signal)
  const rows = await withEngine({ memoryLimitMb: ENGINE_MB.keys, threads: 1, scratch }, signal, async (engine) => {
    await engine.run('CREATE TABLE asked (key VARCHAR)')
    await engine.append(
      'asked',
      keys.map((key) => [key]),
    )
    const written = manifestRelation([manifest], { columns: ['key', 'run_id'] })
    return await engine.rows(`FROM ${written} SEMI JOIN asked USING (key)`)
  })
  const runIds = new Set(rows.flatMap(({ run_id }) => (run_id === null ? [] : [String(run_id)])))
  const started = new Map<string, string | undefined>()
  for (const runId of runIds) {
    const run = await new RunRecords(metadata, runId).find(RUN_RECORD, parseRunRecord, signal)
    started.set(runId, run?.startedAt)
  }
  return new Map(
    rows.flatMap(({ key, run_id }): [string, Writer][] => {
      if (run_id === null) return []
      const runId = String(run_id)
      return [[String(key), { runId, startedAt: started.get(runId) }]]
    }),
  )
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
