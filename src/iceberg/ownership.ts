/** Whose the table is: ETL3's alone to write, until somebody else commits to it. */
import { ConflictError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
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
  const { metadata } = found
  if (metadata['format-version'] !== FORMAT_VERSION) return `its format is version ${metadata['format-version']} now`
  const snapshot = currentSnapshot(metadata)
  if (snapshot && runOf(snapshot) === undefined) {
    const { operation = 'unknown', 'engine-name': engine } = snapshot.summary
    const when = new Date(snapshot['timestamp-ms']).toISOString()
    return `snapshot ${snapshot['snapshot-id']} of ${when}, operation ${operation}${engine ? ` by ${engine}` : ''}`
  }
  const field = foreignField(metadata, columns)
  if (field) return `the column ${field.name} (field ${field.id}) is another than ETL3's`
  const known = new Set((metadata.properties[SET_ASIDE_PROPERTY] ?? '').split(','))
  const stranger = found.strangers.find((name) => !known.has(name))
  return stranger === undefined ? undefined : `the metadata file ${stranger}, of another catalog`
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
  const number = Number(snapshot?.summary[LOCK_SUMMARY] ?? 0)
  if (!snapshot || number <= lockNumber) return
  throw new ConflictError(
    'ETL3-IC-03',
    `a newer run has committed to the Iceberg table [${name}, run ${runOf(snapshot)}, lock ${number}; this one holds ${lockNumber}]`,
    {
      hint: 'Another run took over while this one was silent: nothing is left to do. Where the run records were deleted, lock numbers began anew: run once with output.analytics.foreign_commits: set_aside. See docs/iceberg.md, "Taking the table back".',
    },
  )
}

/** The newest snapshot of ETL3 on the way back from the current one; undefined where there is none (any more). */
export function lastOwnSnapshot({ metadata }: FoundTable): Snapshot | undefined {
  const seen = new Set<bigint>()
  let snapshot = currentSnapshot(metadata)
  while (snapshot && runOf(snapshot) === undefined && !seen.has(snapshot['snapshot-id'])) {
    seen.add(snapshot['snapshot-id'])
    const parent = snapshot['parent-snapshot-id']
    snapshot = parent === null || parent === undefined ? undefined : findSnapshot(metadata, parent)
  }
  return snapshot && runOf(snapshot) !== undefined ? snapshot : undefined
}
