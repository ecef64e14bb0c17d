/**
 * What vacuum finds in the analytics table: snapshots that are old, data files that no run came to commit, metadata that
 * nothing names, writes that were never ended.
 */
import { analyticsTableOf } from '../analytics/analytics-table.js'
import { DATA_FOLDER, dataPrefix, runOfDataKey } from '../analytics/data-keys.js'
import { openAnalyticsTable } from '../analytics/open-analytics-table.js'
import type { Config } from '../config/schema.js'
import type { IcebergTable } from '../iceberg/commit-table.js'
import { type ExpiryRule, expireSnapshots } from '../iceberg/expire-snapshots.js'
import { METADATA_FOLDER } from '../iceberg/table-catalog.js'
import { unnamedFiles, unnamedMetadata } from '../iceberg/unnamed-files.js'
import type { ListedObject, ObjectKey, ObjectStore } from '../lake/object-store.js'
import { committedBy } from '../records/analytics.js'
import { readCurrent } from '../records/current.js'
import { groupBy } from '../runtime/group-by.js'
import { layoutOf } from '../star/layout.js'
import { type Removable, sumOfBytes, unfinishedWrites, type VacuumReason } from './removable.js'

/** What is looked at. */
export interface AnalyticsVacuum {
  readonly config: Config
  readonly metadata: ObjectStore
  /** Ms since the epoch. */
  readonly nowMs: number
  /** What was replaced or written since stays, in ms. */
  readonly graceMs: number
  /** Runs that may still be taken up: what they wrote stays. */
  readonly needing: ReadonlySet<string>
}

/**
 * Looks into the analytics table of a configuration; finds nothing where there is none.
 *
 * @throws ConflictError `ETL3-IC-02` where somebody else has committed to it
 * @throws ConfigError `ETL3-CF-18` where it lies among the records or in the other table
 */
export async function findInAnalytics(request: AnalyticsVacuum, signal: AbortSignal): Promise<Removable[]> {
  const { config, metadata, nowMs, graceMs } = request
  const place = analyticsTableOf(config, layoutOf(config.partitioning.partition_columns))
  if (!place) return []
  const table = await openAnalyticsTable(config, place.uri)
  const rule: ExpiryRule = {
    keepSnapshots: config.output.analytics.keep_snapshots,
    graceMs,
    nowMs,
    // The partitions show this run's rows; and a run that is taken up takes over files of it.
    keep: await currentSnapshots(metadata, signal),
  }
  return [
    ...(await oldSnapshots(table, rule, signal)),
    ...(await unusedData(table, request, signal)),
    ...(await unusedMetadata(table, nowMs - graceMs, signal)),
    ...(await unfinishedWrites(table.store, nowMs - graceMs, signal)),
  ]
}

async function currentSnapshots(metadata: ObjectStore, signal: AbortSignal): Promise<string[]> {
  const current = await readCurrent(metadata, signal)
  if (!current) return []
  const committed = await committedBy(metadata, current.runId, signal)
  return committed ? [committed.snapshotId] : []
}

async function oldSnapshots(table: IcebergTable, rule: ExpiryRule, signal: AbortSignal): Promise<Removable[]> {
  const { snapshots, keys } = await expireSnapshots(table, rule, 'look', signal)
  if (snapshots.length === 0 && keys.length === 0) return []
  const there = (await table.store.stat(keys, signal)).flatMap((object) => object ?? [])
  return [
    {
      reason: 'old snapshots',
      what: `${snapshots.length} of ${table.catalog.name}`,
      objects: there.length,
      bytes: sumOfBytes(there),
      remove: async (_, stop) => void (await expireSnapshots(table, rule, 'delete', stop)),
    },
  ]
}

/** Files that killed runs wrote, or runs that failed before their commit, by run. */
async function unusedData(
  table: IcebergTable,
  { nowMs, graceMs, needing }: AnalyticsVacuum,
  signal: AbortSignal,
): Promise<Removable[]> {
  const unused: { readonly run: string; readonly object: ListedObject }[] = []
  for await (const object of unnamedFiles(table, DATA_FOLDER, signal)) {
    const run = runOfDataKey(object.key)
    if (run === undefined || needing.has(run) || object.modifiedMs >= nowMs - graceMs) continue
    unused.push({ run, object })
  }
  return Array.from(
    groupBy(unused, ({ run }) => run),
    ([run, ofRun]) => {
      const objects = ofRun.map(({ object }) => object)
      return unusedItem(table, 'unused data', dataPrefix(run), objects)
    },
  )
}

/** Metadata of commits that were killed, and of a table that was moved, written before an instant (ms since the epoch). */
async function unusedMetadata(table: IcebergTable, before: number, signal: AbortSignal): Promise<Removable[]> {
  const objects: ListedObject[] = []
  for await (const object of unnamedMetadata(table, signal)) if (object.modifiedMs < before) objects.push(object)
  return objects.length === 0 ? [] : [unusedItem(table, 'unused metadata', METADATA_FOLDER, objects)]
}

function unusedItem(
  { store }: IcebergTable,
  reason: VacuumReason,
  folder: ObjectKey,
  objects: readonly ListedObject[],
): Removable {
  return {
    reason,
    what: store.locate(folder),
    objects: objects.length,
    bytes: sumOfBytes(objects),
    remove: async (renewLock, stop) => void (await store.deleteUnchanged(objects, renewLock, stop)),
  }
}
