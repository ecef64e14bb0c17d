/**
 * Old snapshots are taken out of the metadata first, and only then are the files deleted that nothing names any more. What
 * is to be deleted is written down before, so that a process that is killed in between leaves nothing behind for good.
 */
import { z } from 'zod'
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { ConflictError } from '../runtime/errors.js'
import type { IcebergTable } from './commit-table.js'
import { contentName } from './digest-names.js'
import { requireNoForeignCommit } from './ownership.js'
import { withPrevious } from './plan-commit.js'
import { setAsideBy } from './set-aside.js'
import { type FoundTable, METADATA_FOLDER } from './table-catalog.js'
import { keyOf, readSnapshotFiles } from './table-files.js'
import { currentSnapshot, findSnapshot, type Snapshot, STATISTICS, type TableMetadata } from './table-metadata.js'

const RECORD = /^metadata\/expired-[0-9a-f]{32}\.json$/

const recordSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** Whole numbers, as text. */
  snapshots: z.array(z.string()),
  keys: z.array(z.string()),
})

/** What is kept. */
export interface ExpiryRule {
  /** How many of the table's own snapshots stay readable, the current one included; at least 1. */
  readonly keepSnapshots: number
  /** A snapshot stays for this long after it was replaced: somebody may be reading it. In ms. */
  readonly graceMs: number
  /** Ms since the epoch. */
  readonly nowMs: number
  /** Ids of snapshots that stay in any case; whole numbers, as text. */
  readonly keep?: readonly string[]
}

/** What has expired, and what can go with it. */
export interface Expiry {
  /** Ids of snapshots; whole numbers, as text. */
  readonly snapshots: readonly string[]
  /** Keys of files that only they name, and of metadata files that nobody goes back to. */
  readonly keys: readonly ObjectKey[]
}

/**
 * Finds what has expired, or deletes it. The caller holds the run lock, so that no run adds a file meanwhile that an
 * expired snapshot had.
 *
 * @param mode `look` changes nothing
 * @throws ConflictError `ETL3-IC-02` where somebody else has committed, `ETL3-IC-06` where the table changes meanwhile
 * @throws IntegrityError `ETL3-IC-04` where metadata of a snapshot that stays cannot be read
 */
export async function expireSnapshots(
  table: IcebergTable,
  rule: ExpiryRule,
  mode: 'look' | 'delete',
  signal: AbortSignal,
): Promise<Expiry> {
  const { store, catalog } = table
  const found = await catalog.load(signal)
  if (!found) return { snapshots: [], keys: [] }
  requireNoForeignCommit(found, catalog.name)

  const begun = await begunExpiry(store, found, signal)
  const plan = planExpiry(found.metadata, rule)
  const keys = new Set([...begun.keys, ...(await reclaimable(store, plan, signal))])
  const expiry = {
    snapshots: plan.expired.map((snapshot) => String(snapshot['snapshot-id'])),
    keys: [...keys].toSorted(),
  }
  if (mode === 'look') return expiry
  const records = [...begun.records]
  if (plan.expired.length > 0 || plan.files.length > 0)
    records.push(await takeOut(table, found, plan, expiry, rule, signal))
  await store.delete(expiry.keys, signal)
  await store.delete(records, signal)
  return expiry
}

/** Writes down what is to be deleted, and takes it out of the metadata. @returns the key of the record */
async function takeOut(
  { store, catalog }: IcebergTable,
  found: FoundTable,
  { next }: ExpiryPlan,
  expiry: Expiry,
  { nowMs }: ExpiryRule,
  signal: AbortSignal,
): Promise<ObjectKey> {
  const record = Buffer.from(`${JSON.stringify({ formatVersion: 1, ...expiry })}\n`)
  const key = `${METADATA_FOLDER}/expired-${contentName(record)}.json`
  await store.put(key, record, signal)
  await store.flush(key, signal)
  const metadata = {
    ...next,
    'last-updated-ms': Math.max(nowMs, found.metadata['last-updated-ms'] + 1),
    'metadata-log': withPrevious(found, next['metadata-log']),
  }
  if (await catalog.replace(found, metadata, signal)) return key
  await store.delete([key], signal)
  throw new ConflictError('ETL3-IC-06', `the Iceberg table was changed meanwhile [${catalog.name}]`, {
    hint: 'Run the command again.',
  })
}

/** What becomes of a table's metadata by a rule. */
export interface ExpiryPlan {
  readonly expired: readonly Snapshot[]
  readonly kept: readonly Snapshot[]
  /** Full addresses of files that the metadata itself named: former metadata files, statistics. */
  readonly files: readonly string[]
  /** The metadata without them. */
  readonly next: TableMetadata
}

/**
 * Finds the snapshots that a rule lets go: neither among the last of the table's history, nor set aside by one of these,
 * nor named by a branch, a tag or the rule, nor replaced within the grace period. Pure.
 */
export function planExpiry(metadata: TableMetadata, rule: ExpiryRule): ExpiryPlan {
  const last = history(metadata).slice(0, Math.max(1, rule.keepSnapshots))
  const keptIds = new Set([
    ...last.map((snapshot) => snapshot['snapshot-id']),
    // What one of them has set aside can be brought back for as long as it can.
    ...last.flatMap((snapshot) => setAsideBy(snapshot).map(({ snapshotId = 0 }) => BigInt(snapshotId))),
    ...Object.values(metadata.refs).map((ref) => ref['snapshot-id']),
    ...(rule.keep ?? []).map(BigInt),
  ])
  const isKept = (snapshot: Snapshot): boolean =>
    keptIds.has(snapshot['snapshot-id']) || replacedAt(metadata, snapshot) > rule.nowMs - rule.graceMs
  const kept = metadata.snapshots.filter(isKept)
  const expired = metadata.snapshots.filter((snapshot) => !isKept(snapshot))
  const gone = new Set(expired.map((snapshot) => snapshot['snapshot-id']))
  const oldestMs = Math.min(...kept.map((snapshot) => snapshot['timestamp-ms']))
  const log = metadata['metadata-log']
  const stays = log.map((entry, i) => {
    const until = log[i + 1]?.['timestamp-ms'] ?? metadata['last-updated-ms']
    return entry['timestamp-ms'] >= oldestMs || until > rule.nowMs - rule.graceMs
  })
  return {
    expired,
    kept,
    files: [
      ...log.filter((_, i) => !stays[i]).map((entry) => entry['metadata-file']),
      ...STATISTICS.flatMap((name) => metadata[name] ?? [])
        .filter((entry) => gone.has(entry['snapshot-id']))
        .map((entry) => entry['statistics-path']),
    ],
    next: {
      ...metadata,
      ...Object.fromEntries(
        STATISTICS.flatMap((name) => {
          const entries = metadata[name]?.filter((entry) => !gone.has(entry['snapshot-id']))
          return entries ? [[name, entries]] : []
        }),
      ),
      snapshots: kept,
      // What came before a state that is gone is no history any more (Iceberg specification, "snapshot-log").
      'snapshot-log': afterLast(metadata['snapshot-log'], (entry) => gone.has(entry['snapshot-id'])),
      'metadata-log': log.filter((_, i) => stays[i]),
    },
  }
}

/** The current snapshot and those it came from, newest first. */
function history(metadata: TableMetadata): Snapshot[] {
  const back: Snapshot[] = []
  let snapshot = currentSnapshot(metadata)
  while (snapshot && !back.includes(snapshot)) {
    back.push(snapshot)
    const parent = snapshot['parent-snapshot-id']
    snapshot = parent === null || parent === undefined ? undefined : findSnapshot(metadata, parent)
  }
  return back
}

/** When a snapshot ceased to be the current one; its own instant where the log does not know it. */
function replacedAt(metadata: TableMetadata, snapshot: Snapshot): number {
  const log = metadata['snapshot-log']
  const last = log.findLastIndex((entry) => entry['snapshot-id'] === snapshot['snapshot-id'])
  return (last < 0 ? undefined : log[last + 1]?.['timestamp-ms']) ?? snapshot['timestamp-ms']
}

function afterLast<T>(list: readonly T[], isIt: (entry: T) => boolean): T[] {
  return list.slice(list.findLastIndex(isIt) + 1)
}

/** What only expired snapshots name. Files outside of the table's root are nobody's to delete. */
async function reclaimable(
  store: ObjectStore,
  { expired, kept, files }: ExpiryPlan,
  signal: AbortSignal,
): Promise<ObjectKey[]> {
  if (expired.length === 0) return files.flatMap((path) => keyOf(store, path) ?? [])
  const named = new Set<string>()
  for (const snapshot of kept)
    for (const path of await readSnapshotFiles(store, snapshot, 'all', signal)) named.add(path)
  const unnamed = new Set(files)
  for (const snapshot of expired) {
    for (const path of await readSnapshotFiles(store, snapshot, 'those there', signal))
      if (!named.has(path)) unnamed.add(path)
  }
  return [...unnamed].flatMap((path) => keyOf(store, path) ?? [])
}

/** What an earlier expiry did not come to delete; of one that never took its snapshots out, only the record goes. */
async function begunExpiry(
  store: ObjectStore,
  { metadata }: FoundTable,
  signal: AbortSignal,
): Promise<{ readonly records: readonly ObjectKey[]; readonly keys: readonly ObjectKey[] }> {
  const records: ObjectKey[] = []
  const keys = new Set<ObjectKey>()
  for await (const { key } of store.list(METADATA_FOLDER, signal)) if (RECORD.test(key)) records.push(key)
  const there = new Set(metadata.snapshots.map((snapshot) => String(snapshot['snapshot-id'])))
  const logged = new Set(metadata['metadata-log'].flatMap((entry) => keyOf(store, entry['metadata-file']) ?? []))
  for (const record of records) {
    const bytes = await store.find(record, signal)
    const begun = bytes && recordSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    const isDone = begun?.snapshots.every((id) => !there.has(id)) && begun.keys.every((key) => !logged.has(key))
    if (begun && isDone) for (const key of begun.keys) keys.add(key)
  }
  if (keys.size > 0) {
    for (const snapshot of metadata.snapshots) {
      for (const path of await readSnapshotFiles(store, snapshot, 'all', signal)) keys.delete(keyOf(store, path) ?? '')
    }
  }
  return { records, keys: [...keys] }
}
