/** Reading: which files a snapshot has. */
import { ConflictError, UsageError } from '../runtime/errors.js'
import type { IcebergTable } from './commit-table.js'
import type { DataFile } from './data-file.js'
import { STATUS } from './manifest-entry.js'
import { runOf } from './ownership.js'
import type { FoundTable } from './table-catalog.js'
import { readOwnManifests } from './table-files.js'
import { currentSnapshot, findSnapshot, type Snapshot } from './table-metadata.js'

/** Which state of the table: the current one, that of a run, or the one at an instant (ms since the epoch). */
export type AsOf = 'now' | { readonly runId: string } | { readonly timestampMs: number }

/** A state of the table, with its files. */
export interface OpenedSnapshot {
  /** A whole number, as text. */
  readonly snapshotId: string
  readonly runId: string
  /** Since when it was the table's state, in ms since the epoch. */
  readonly timestampMs: number
  readonly partitionColumns: readonly string[]
  readonly files: readonly DataFile[]
}

/**
 * The files of a snapshot; undefined where there is no table.
 *
 * @throws UsageError `ETL3-IC-07` where there is no such snapshot (any more)
 * @throws ConflictError `ETL3-IC-02` where somebody else made it: its files alone may not be its rows
 * @throws IntegrityError `ETL3-IC-04` where the table's metadata cannot be read
 */
export async function openSnapshot(
  { store, catalog }: IcebergTable,
  asOf: AsOf,
  signal: AbortSignal,
): Promise<OpenedSnapshot | undefined> {
  const found = await catalog.load(signal)
  if (!found) return undefined
  const snapshot = find(found, asOf)
  if (!snapshot) throw noSuchSnapshot(found, catalog.name, asOf)
  const runId = runOf(snapshot)
  if (runId === undefined) throw notOurs(catalog.name, snapshot)
  const read = await readOwnManifests(store, found.metadata, snapshot, signal)
  const spec = found.metadata['partition-specs'].find(
    (candidate) => candidate['spec-id'] === found.metadata['default-spec-id'],
  )
  return {
    snapshotId: String(snapshot['snapshot-id']),
    runId,
    timestampMs: snapshot['timestamp-ms'],
    partitionColumns: spec?.fields.map(({ name }) => name) ?? [],
    files: read
      .flatMap(({ entries }) => entries)
      .filter(({ status }) => status !== STATUS.deleted)
      .map(({ file }) => file)
      .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  }
}

function find({ metadata }: FoundTable, asOf: AsOf): Snapshot | undefined {
  if (asOf === 'now') return currentSnapshot(metadata)
  if ('runId' in asOf) return metadata.snapshots.findLast((snapshot) => runOf(snapshot) === asOf.runId)
  const entry = metadata['snapshot-log'].findLast((logged) => logged['timestamp-ms'] <= asOf.timestampMs)
  return entry && findSnapshot(metadata, entry['snapshot-id'])
}

function noSuchSnapshot({ metadata }: FoundTable, name: string, asOf: AsOf): UsageError {
  const wanted =
    asOf === 'now' ? 'now' : 'runId' in asOf ? `of run ${asOf.runId}` : `at ${new Date(asOf.timestampMs).toISOString()}`
  const there = metadata.snapshots
    .filter((snapshot) => runOf(snapshot) !== undefined)
    .map((snapshot) => `${runOf(snapshot)} (${new Date(snapshot['timestamp-ms']).toISOString()})`)
  return new UsageError('ETL3-IC-07', `the Iceberg table has no snapshot ${wanted} [${name}]`, {
    hint: there.length === 0 ? 'No run has published yet.' : `There are those of: ${there.slice(-10).join(', ')}.`,
  })
}

function notOurs(name: string, snapshot: Snapshot): ConflictError {
  return new ConflictError('ETL3-IC-02', `somebody else has made snapshot ${snapshot['snapshot-id']} [${name}]`, {
    hint: 'Read it with the engine that made it, or an earlier snapshot: by run or by time.',
  })
}
