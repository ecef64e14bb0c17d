/** Whose the table is: ETL3's alone to write, until somebody else commits to it. */
import { ConflictError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import type { SetAsideChange } from './set-aside.js'
import type { FoundTable, TableCatalog } from './table-catalog.js'
import type { TableColumn } from './table-columns.js'
import { foreignField } from './table-layout.js'
import {
  currentSnapshot,
  FORMAT_VERSION,
  findSnapshot,
  LAYOUT_PROPERTY,
  LOCK_SUMMARY,
  RUN_SUMMARY,
  SET_ASIDE_PROPERTY,
  type Snapshot,
  type TableMetadata,
} from './table-metadata.js'

/** The run that made a snapshot; undefined for one that somebody else made. */
export function runOf(snapshot: Snapshot): string | undefined {
  return snapshot.summary[RUN_SUMMARY]
}

/** Refuses a table that is not ETL3's. @throws ConflictError `ETL3-IC-01` */
export function requireOwnTable({ metadata }: FoundTable, name: string): void {
  if (metadata.properties[LAYOUT_PROPERTY] !== undefined) return
  throw new ConflictError('ETL3-IC-01', `there is an Iceberg table that ETL3 did not make [${name}]`, {
    hint: 'Choose another place or name for the analytics table, or drop that table.',
  })
}

/**
 * Whether the table was moved or copied to where it is found: the addresses in its metadata are those of its old place.
 *
 * @param location the table's root, as the run would write it
 * @throws ConflictError `ETL3-IC-01` where a catalog leads readers to that other place
 */
export function wasMoved({ metadata }: FoundTable, { name, findsByPlace }: TableCatalog, location: string): boolean {
  if (metadata.location.replace(/\/+$/, '') === location) return false
  if (findsByPlace) return true
  throw new ConflictError(
    'ETL3-IC-01',
    `the Iceberg table lies elsewhere [${name} is in ${plainText(metadata.location)}, the run writes ${location}]`,
    { hint: 'A table cannot be moved: drop it and run again, or set output.analytics.uri back. Its files stay.' },
  )
}

/**
 * What somebody else has done to the table since ETL3's last commit, in words; undefined when nothing.
 * Snapshots, columns and format count. Properties, tags and expired snapshots do not: they are kept as they are.
 */
export function foreignChange(found: FoundTable, columns: readonly TableColumn[]): string | undefined {
  const version = found.metadata['format-version']
  if (version !== FORMAT_VERSION) return `its format is version ${version} now`
  return foreignChanges(found, columns)[0]?.what
}

/** All that {@link foreignChange} tells the first of, the newest snapshot first. The table has ETL3's format version. */
export function foreignChanges(found: FoundTable, columns: readonly TableColumn[]): SetAsideChange[] {
  const { metadata } = found
  const field = foreignField(metadata, columns)
  return [
    ...sinceLastOwn(metadata).foreign.map((snapshot) => snapshotChange(snapshot, writerOf(snapshot))),
    ...(field
      ? [withoutSnapshot('columns', `the column ${field.name} (field ${field.id}) is another than ETL3's`)]
      : []),
    ...newStrangers(found).map((name) => ({ ...withoutSnapshot('catalog', ofStranger(name)), file: name })),
  ]
}

/** Names of the metadata files of other catalogs that no run has set aside. */
function newStrangers({ metadata, strangers }: FoundTable): string[] {
  const known = new Set((metadata.properties[SET_ASIDE_PROPERTY] ?? '').split(','))
  return strangers.filter((name) => !known.has(name))
}

/**
 * Refuses to clean where somebody else has committed: what is ETL3's to delete may be theirs to read.
 *
 * @throws ConflictError `ETL3-IC-02`
 */
export function requireNoForeignCommit(found: FoundTable, name: string): void {
  const [snapshot] = sinceLastOwn(found.metadata).foreign
  if (snapshot) throw foreignCommit(name, `snapshot ${snapshot['snapshot-id']}`)
  const [stranger] = newStrangers(found)
  if (stranger !== undefined) throw foreignCommit(name, ofStranger(stranger))
}

function ofStranger(file: string): string {
  return `the metadata file ${file}, of another catalog`
}

/** The last commit of ETL3, where it is that of a run with a higher lock number: none or one. */
export function newerCommits(found: FoundTable, lockNumber: number): SetAsideChange[] {
  const snapshot = lastOwnSnapshot(found)
  if (!snapshot || lockOf(snapshot) <= lockNumber) return []
  return [snapshotChange(snapshot, `by run ${runOf(snapshot)} with the lock number ${lockOf(snapshot)}`)]
}

/** A change by another catalog, with the snapshot that is current in its metadata. */
export function changeInCatalog(change: SetAsideChange, metadata: TableMetadata): SetAsideChange {
  const snapshot = currentSnapshot(metadata)
  if (!snapshot) return change
  const { what, ...of } = snapshotChange(snapshot, writerOf(snapshot))
  return { ...of, ...change, what: `${what}, in ${change.what}` }
}

function snapshotChange(snapshot: Snapshot, writer: string): SetAsideChange {
  const { operation = 'unknown' } = snapshot.summary
  const snapshotId = String(snapshot['snapshot-id'])
  const timestampMs = snapshot['timestamp-ms']
  const what = `snapshot ${snapshotId} of ${new Date(timestampMs).toISOString()}, operation ${operation}`
  return { kind: 'snapshot', what: [what, writer].filter(Boolean).join(' '), snapshotId, operation, timestampMs }
}

function withoutSnapshot(kind: SetAsideChange['kind'], what: string): SetAsideChange {
  return { kind, what }
}

function writerOf({ summary: { 'engine-name': engine } }: Snapshot): string {
  return engine ? `by ${engine}` : ''
}

/** The error for a table that somebody else has changed. */
export function foreignCommit(name: string, change: string): ConflictError {
  return new ConflictError(
    'ETL3-IC-02',
    `somebody else has changed the Iceberg table [${name}]: ${plainText(change)}`,
    {
      hint: 'Nothing was changed by this run. Roll the table back to the last snapshot of ETL3, or run once with output.analytics.foreign_commits: set_aside. See docs/iceberg.md, "Taking the table back".',
    },
  )
}

/**
 * Refuses a run that a newer one has overtaken.
 *
 * @throws ConflictError `ETL3-IC-03`
 */
export function requireNewest(found: FoundTable, name: string, lockNumber: number): void {
  const snapshot = lastOwnSnapshot(found)
  if (!snapshot || lockOf(snapshot) <= lockNumber) return
  throw new ConflictError(
    'ETL3-IC-03',
    `a newer run has committed to the Iceberg table [${name}, run ${runOf(snapshot)}, lock ${lockOf(snapshot)}; this one holds ${lockNumber}]`,
    {
      hint: 'Another run took over while this one was silent: nothing is left to do. Where the run records were deleted, lock numbers began anew: run once with output.analytics.foreign_commits: set_aside. See docs/iceberg.md, "Taking the table back".',
    },
  )
}

/** The newest snapshot of ETL3 on the way back from the current one; undefined where there is none (any more). */
export function lastOwnSnapshot({ metadata }: FoundTable): Snapshot | undefined {
  return sinceLastOwn(metadata).own
}

/** The way back from the current snapshot to ETL3's newest, with those of others before it, newest first. */
function sinceLastOwn(metadata: TableMetadata): {
  readonly own: Snapshot | undefined
  readonly foreign: readonly Snapshot[]
} {
  const foreign: Snapshot[] = []
  let snapshot = currentSnapshot(metadata)
  while (snapshot && runOf(snapshot) === undefined && !foreign.includes(snapshot)) {
    foreign.push(snapshot)
    const parent = snapshot['parent-snapshot-id']
    snapshot = parent === null || parent === undefined ? undefined : findSnapshot(metadata, parent)
  }
  return { own: snapshot && runOf(snapshot) !== undefined ? snapshot : undefined, foreign }
}

function lockOf({ summary }: Snapshot): number {
  return Number(summary[LOCK_SUMMARY] ?? 0)
}
