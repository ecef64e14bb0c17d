/**
 * A commit, before anything is written: which files the table has in addition, and no longer, and which metadata says so.
 * Pure: the same table, run and files give the same bytes under the same names.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ObjectKey } from '../lake/object-store.js'
import { IntegrityError } from '../runtime/errors.js'
import type { DataFile } from './data-file.js'
import { contentName, digestSnapshotId, digestUuid } from './digest-names.js'
import { writeManifest } from './manifest.js'
import { type ManifestEntry, STATUS } from './manifest-entry.js'
import { type ManifestFile, manifestFileOf, writeManifestList } from './manifest-list.js'
import { type SetAsideChange, setAsideSummary } from './set-aside.js'
import { type FoundTable, METADATA_FOLDER } from './table-catalog.js'
import type { ReadManifest } from './table-files.js'
import { type LayoutMetadata, layoutMetadata, type TableLayout } from './table-layout.js'
import {
  FORMAT_VERSION,
  LAYOUT_PROPERTY,
  LOCK_SUMMARY,
  RUN_SUMMARY,
  SET_ASIDE_PROPERTY,
  type Snapshot,
  type TableMetadata,
} from './table-metadata.js'

/** A manifest has at most this many entries, some 4 KB each: a run that replaces one file writes one manifest anew. */
const ENTRIES_PER_MANIFEST = 256
/** Manifests of fewer files than this are small … */
const SMALL_MANIFEST_FILES = 32
/** … and are written as one when there are more of them than this, so that a reader opens few. */
const MOST_SMALL_MANIFESTS = 16

/** What a run makes of the table. */
export interface CommitRequest {
  readonly layout: TableLayout
  readonly run: {
    readonly id: string
    /** Of the lock that the run holds: it only grows, and a run with a lower one than the table's is late. */
    readonly lockNumber: number
    /**
     * The instant of this attempt, in ms since the epoch. The snapshot has that of the attempt that made it, so that a
     * reader who asks for the table at an instant gets what it was then.
     */
    readonly nowMs: number
  }
  /** All files of the table as it is to be, also those that it has. */
  readonly files: readonly DataFile[]
}

/** From what a commit goes on. */
export interface CommitBase {
  /** Full address of the table's root, without a slash at its end. */
  readonly location: string
  /** The table as it was found; undefined when there is none. */
  readonly found: FoundTable | undefined
  /** The snapshot that is changed, with its manifests; undefined where the table has none of ours. */
  readonly snapshot: Snapshot | undefined
  readonly manifests: readonly ReadManifest[]
  /**
   * Whether the table was moved here, so that nothing that its metadata names can be reached: it begins anew, as another
   * table, and its metadata files count on.
   */
  readonly isMoved: boolean
  /** What is set aside: the table becomes what the run says, whatever stood there, and the snapshot says so. */
  readonly setAside: readonly SetAsideChange[]
}

/** Files, rows and bytes. */
export interface FileTotals {
  readonly files: number
  readonly rows: number
  readonly bytes: number
}

/** What a commit changes. */
export interface CommitChange {
  readonly added: FileTotals
  readonly removed: FileTotals
  readonly total: FileTotals
}

/** A commit that can be made. */
export interface PlannedCommit extends CommitChange {
  readonly snapshot: Snapshot
  readonly metadata: TableMetadata
  /** What is stored before the metadata, each under a new name. */
  readonly objects: readonly { readonly key: ObjectKey; readonly bytes: Uint8Array }[]
}

/**
 * Plans a commit; undefined where the table is as it is to be.
 *
 * @throws IntegrityError `ETL3-IC-05` where two files have one name, or a file of the table has another content now
 */
export function planCommit(base: CommitBase, request: CommitRequest): PlannedCommit | undefined {
  const before = stateBefore(base)
  const layout = layoutMetadata(request.layout, before)
  const change = difference(base, request.files, layout['default-spec-id'])
  if (base.setAside.length === 0 && base.snapshot && before && isSame(change, layout, before)) return undefined

  const uuid = before?.['table-uuid'] ?? digestUuid('table', base.location, request.run.id, String(request.run.nowMs))
  const snapshot = nextSnapshot(base, request, uuid)
  const manifests = writeManifests(change, snapshot, layout, base.location)
  const list = writeManifestList(snapshot, [...manifests.files, ...change.carried])
  const listKey = `${METADATA_FOLDER}/snap-${snapshot.snapshotId}-1-${digestUuid(contentName(list))}.avro`
  const totals = {
    added: sum(change.added),
    removed: sum(change.removed.map(({ file }) => file)),
    total: sum(request.files),
  }
  const written: Snapshot = {
    'snapshot-id': snapshot.snapshotId,
    ...(snapshot.parentId === undefined ? {} : { 'parent-snapshot-id': snapshot.parentId }),
    'sequence-number': Number(snapshot.sequenceNumber),
    'timestamp-ms': snapshot.timestampMs,
    summary: { ...summaryOf(request, change, totals), ...setAsideSummary(base.setAside) },
    'manifest-list': `${base.location}/${listKey}`,
    'schema-id': layout['current-schema-id'],
  }
  return {
    ...totals,
    snapshot: written,
    objects: [...manifests.objects, { key: listKey, bytes: list }],
    metadata: nextMetadata(base, layout, uuid, written),
  }
}

/** The metadata from which the table goes on; undefined where it begins. */
function stateBefore({ found, isMoved }: CommitBase): TableMetadata | undefined {
  return isMoved ? undefined : found?.metadata
}

interface Difference {
  /** Manifests that stay as they are. */
  readonly carried: readonly ManifestFile[]
  /** Entries of the manifests that do not, with the number of their partition spec. */
  readonly kept: readonly SpecEntry[]
  readonly removed: readonly SpecEntry[]
  readonly added: readonly DataFile[]
}

type SpecEntry = ManifestEntry & { readonly specId: number }

function difference(base: CommitBase, files: readonly DataFile[], specId: number): Difference {
  const due = new Map(files.map((file) => [file.path, file]))
  if (due.size !== files.length) throw contradiction('two data files of a run have one name')
  const there = base.manifests.map(({ manifest, entries }) => ({
    manifest,
    entries: entries.flatMap((entry) =>
      entry.status === STATUS.deleted
        ? []
        : [{ ...entry, specId: manifest.specId, stays: stays(entry, due) && manifest.specId === specId }],
    ),
  }))
  const found = new Set(
    there.flatMap(({ entries }) => entries.filter(({ stays }) => stays).map(({ file }) => file.path)),
  )
  const whole = there.filter(({ entries }) => entries.length > 0 && entries.every(({ stays }) => stays))
  const small = whole.filter(({ entries }) => entries.length < SMALL_MANIFEST_FILES)
  const isMerged = small.length > MOST_SMALL_MANIFESTS
  const rewritten = there.filter((read) => !whole.includes(read) || (isMerged && small.includes(read)))
  const entries = rewritten.flatMap((read) => read.entries)
  return {
    carried: whole.filter((read) => !rewritten.includes(read)).map(({ manifest }) => manifest),
    kept: entries.filter((entry) => entry.stays),
    removed: entries.filter((entry) => !entry.stays),
    added: files.filter(({ path }) => !found.has(path)),
  }
}

function stays({ file }: ManifestEntry, due: ReadonlyMap<string, DataFile>): boolean {
  const now = due.get(file.path)
  if (!now) return false
  if (now.rows === file.rows && now.bytes === file.bytes) return true
  throw contradiction(
    `the data file ${file.path} has other content under the same name ` +
      `[rows=${now.rows}, bytes=${now.bytes}; in the table rows=${file.rows}, bytes=${file.bytes}]`,
  )
}

function contradiction(message: string): IntegrityError {
  return new IntegrityError('ETL3-IC-05', message, { hint: 'This is a defect. Please report it with the run folder.' })
}

function isSame({ added, removed }: Difference, layout: LayoutMetadata, before: TableMetadata): boolean {
  if (added.length > 0 || removed.length > 0) return false
  return Object.entries(layout).every(([key, value]) => isDeepStrictEqual(value, before[key]))
}

interface NewSnapshot {
  readonly snapshotId: bigint
  readonly parentId: bigint | undefined
  readonly sequenceNumber: bigint
  readonly timestampMs: number
}

function nextSnapshot({ found, snapshot }: CommitBase, { run }: CommitRequest, uuid: string): NewSnapshot {
  const sequence = (found?.metadata['last-sequence-number'] ?? 0) + 1
  const parentId = snapshot?.['snapshot-id']
  return {
    snapshotId: digestSnapshotId(uuid, run.id, String(sequence), String(parentId ?? '')),
    parentId,
    sequenceNumber: BigInt(sequence),
    // Readers find a snapshot by its time, so no two have the same, whatever the machines' clocks say.
    timestampMs: Math.max(run.nowMs, (found?.metadata['last-updated-ms'] ?? 0) + 1),
  }
}

function writeManifests(
  { kept, removed, added }: Difference,
  snapshot: NewSnapshot,
  layout: LayoutMetadata,
  location: string,
): { readonly files: ManifestFile[]; readonly objects: { readonly key: ObjectKey; readonly bytes: Uint8Array }[] } {
  const { snapshotId, sequenceNumber } = snapshot
  const sortOrderId = layout['default-sort-order-id']
  const entries: SpecEntry[] = [
    ...added.map((file) => ({
      status: STATUS.added,
      snapshotId,
      sequenceNumber,
      sortOrderId,
      file,
      specId: layout['default-spec-id'],
    })),
    ...kept.map((entry) => ({ ...entry, status: STATUS.existing })),
    ...removed.map((entry) => ({ ...entry, status: STATUS.deleted, snapshotId })),
  ]
  const files: ManifestFile[] = []
  const objects = []
  const schema = entryOf(layout.schemas, (candidate) => candidate['schema-id'] === layout['current-schema-id'])
  for (const spec of layout['partition-specs']) {
    for (const part of inParts(entries.filter(({ specId }) => specId === spec['spec-id']).toSorted(byPath))) {
      const bytes = writeManifest(schema, spec, part)
      const key = `${METADATA_FOLDER}/${contentName(bytes)}-m0.avro`
      objects.push({ key, bytes })
      files.push(manifestFileOf({ path: `${location}/${key}`, bytes: bytes.byteLength }, spec, snapshot, part))
    }
  }
  return { files, objects }
}

function nextMetadata(base: CommitBase, layout: LayoutMetadata, uuid: string, snapshot: Snapshot): TableMetadata {
  const { location, found, isMoved } = base
  const before = stateBefore(base)
  const id = snapshot['snapshot-id']
  const strangers = found?.strangers ?? []
  return {
    ...before,
    'format-version': FORMAT_VERSION,
    'table-uuid': uuid,
    location: before?.location ?? location,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': snapshot['timestamp-ms'],
    ...layout,
    properties: {
      'write.parquet.compression-codec': 'snappy',
      ...before?.properties,
      [LAYOUT_PROPERTY]: '1',
      ...(strangers.length === 0 ? {} : { [SET_ASIDE_PROPERTY]: strangers.join(',') }),
    },
    'current-snapshot-id': id,
    refs: { ...before?.refs, main: { 'snapshot-id': id, type: 'branch' } },
    snapshots: [...(before?.snapshots ?? []), snapshot],
    'snapshot-log': [
      ...(before?.['snapshot-log'] ?? []),
      { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id },
    ],
    'metadata-log': isMoved ? [] : withPrevious(found),
  }
}

/** A log of metadata files with the one that is replaced. */
export function withPrevious(
  found: FoundTable | undefined,
  log = found?.metadata['metadata-log'] ?? [],
): TableMetadata['metadata-log'] {
  if (!found) return []
  return [...log, { 'timestamp-ms': found.metadata['last-updated-ms'], 'metadata-file': found.metadataFile }]
}

/** The names are those that Iceberg's own writers use; engines show them, and plan by the totals. */
function summaryOf(
  { run }: CommitRequest,
  change: Difference,
  { added, removed, total }: CommitChange,
): Record<string, string> {
  const touched = [...change.added, ...change.removed.map(({ file }) => file)]
  return {
    operation: removed.files === 0 ? 'append' : added.files === 0 ? 'delete' : 'overwrite',
    [RUN_SUMMARY]: run.id,
    [LOCK_SUMMARY]: String(run.lockNumber),
    'added-data-files': String(added.files),
    'added-records': String(added.rows),
    'added-files-size': String(added.bytes),
    'deleted-data-files': String(removed.files),
    'deleted-records': String(removed.rows),
    'removed-files-size': String(removed.bytes),
    'changed-partition-count': String(new Set(touched.map(({ partition }) => JSON.stringify(partition))).size),
    'total-data-files': String(total.files),
    'total-records': String(total.rows),
    'total-files-size': String(total.bytes),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  }
}

function sum(files: readonly Pick<DataFile, 'rows' | 'bytes'>[]): FileTotals {
  return {
    files: files.length,
    rows: files.reduce((total, { rows }) => total + rows, 0),
    bytes: files.reduce((total, { bytes }) => total + bytes, 0),
  }
}

function byPath(a: ManifestEntry, b: ManifestEntry): number {
  return a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : 0
}

function* inParts(entries: readonly SpecEntry[]): Generator<readonly SpecEntry[]> {
  for (let start = 0; start < entries.length; start += ENTRIES_PER_MANIFEST) {
    yield entries.slice(start, start + ENTRIES_PER_MANIFEST)
  }
}

function entryOf<T>(list: readonly T[], isIt: (entry: T) => boolean): T {
  const entry = list.find(isIt)
  if (entry === undefined) throw new TypeError('a layout names an entry that it does not have')
  return entry
}
