/** The commit: the one step by which a run's files become the table. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectStore } from '../lake/object-store.js'
import { ConflictError, IntegrityError } from '../runtime/errors.js'
import type { DataFile } from './data-file.js'
import {
  changeInCatalog,
  foreignChange,
  foreignChanges,
  foreignCommit,
  lastOwnSnapshot,
  newerCommits,
  requireNewest,
  requireOwnTable,
  runOf,
  wasMoved,
} from './ownership.js'
import {
  type CommitBase,
  type CommitChange,
  type CommitRequest,
  type PlannedCommit,
  planCommit,
} from './plan-commit.js'
import { type SetAsideChange, setAsideBy } from './set-aside.js'
import { type FoundTable, METADATA_FOLDER, type TableCatalog } from './table-catalog.js'
import { keyOf, readOwnManifests } from './table-files.js'
import { currentSnapshot, FORMAT_VERSION, parseTableMetadata, type Snapshot } from './table-metadata.js'

/** How often a commit begins anew because another writer was faster. */
const ATTEMPTS = 8
const PAUSE_BETWEEN_ATTEMPTS_MS = 100

/** A table: where its files lie, and what knows its current state. */
export interface IcebergTable {
  /** Its root is the table's root. */
  readonly store: ObjectStore
  readonly catalog: TableCatalog
}

/** What may differ from the defaults of {@link commitTable}. */
export interface CommitOptions {
  /**
   * What becomes of a change that somebody else has made, or a run with a higher lock number: `stop` the run, or
   * `setAside`, so that the table is what the run says. What was set aside can be read by its snapshot until that
   * expires. Default: `stop`.
   */
  readonly foreignCommits?: 'stop' | 'setAside'
}

/** How a commit ended. */
export interface CommitOutcome {
  /**
   * `committed`: the run's snapshot is the current one, by this attempt or an earlier one. `unchanged`: the table was as
   * the run says already.
   */
  readonly outcome: 'committed' | 'unchanged'
  /** The current snapshot; a whole number, as text. */
  readonly snapshotId: string
  /** Its instant, in ms since the epoch. */
  readonly timestampMs: number
  /** The run that made it. */
  readonly runId: string
  /** Full address of the metadata file in which it is current. */
  readonly metadataFile: string
  readonly change: CommitChange
  /** What the commit of this snapshot has set aside. */
  readonly setAside: readonly SetAsideChange[]
}

/**
 * Makes the table consist of these files, in one step: a reader sees the snapshot before or this one. The run holds its
 * lock, and the files are stored and safe. Called again, it finds that it is done.
 *
 * @throws ConflictError `ETL3-IC-01` for a table that is not ETL3's, `ETL3-IC-02` where somebody else has changed it,
 *   `ETL3-IC-03` where a newer run has committed, `ETL3-IC-06` where it changes faster than it can be committed to
 * @throws IntegrityError `ETL3-IC-04` where its metadata cannot be read, `ETL3-IC-05` for files that are not there or
 *   contradict each other
 */
export async function commitTable(
  table: IcebergTable,
  request: CommitRequest,
  signal: AbortSignal,
  options: CommitOptions = {},
): Promise<CommitOutcome> {
  await requireFiles(table.store, request.files, signal)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await table.catalog.load(signal)
    const done = found && finished(found, request)
    if (done) {
      await table.catalog.refresh(signal)
      return done
    }
    const base = await baseOf(table, found, request, options, signal)
    const plan = planCommit(base, request)
    if (!plan && found && base.snapshot) {
      await table.catalog.refresh(signal)
      return outcomeOf('unchanged', found, base.snapshot)
    }
    if (plan && (await carryOut(table, found, plan, signal))) {
      const now = await table.catalog.load(signal)
      const outcome = now && finished(now, request)
      // Not the current one any more: somebody went on from it at once, and it was committed all the same.
      return outcome ?? committedOutcome(plan, now ?? found)
    }
    await delay(PAUSE_BETWEEN_ATTEMPTS_MS * attempt, undefined, { signal })
  }
  throw new ConflictError(
    'ETL3-IC-06',
    `the Iceberg table changes faster than it can be committed to [${table.catalog.name}, ${ATTEMPTS} attempts]`,
    { hint: 'Find out who else writes to it, stop that, and run again.' },
  )
}

/** The outcome where the run's snapshot is the current one: an earlier attempt has made it, or its twin. */
function finished(found: FoundTable, { run }: CommitRequest): CommitOutcome | undefined {
  const snapshot = currentSnapshot(found.metadata)
  const isDone = snapshot && found.metadata['format-version'] === FORMAT_VERSION && runOf(snapshot) === run.id
  return isDone ? outcomeOf('committed', found, snapshot) : undefined
}

async function baseOf(
  { store, catalog }: IcebergTable,
  found: FoundTable | undefined,
  request: CommitRequest,
  { foreignCommits = 'stop' }: CommitOptions,
  signal: AbortSignal,
): Promise<CommitBase> {
  const location = store.uri.replace(/\/+$/, '')
  const nothing = { location, snapshot: undefined, manifests: [] }
  if (!found) return { ...nothing, found, isMoved: false, setAside: [] }
  requireOwnTable(found, catalog.name)
  const isMoved = wasMoved(found, catalog, location)
  if (foreignCommits === 'stop') requireNewest(found, catalog.name, request.run.lockNumber)
  const change = foreignChange(found, request.layout.columns)
  // What is of a later format cannot go back to this one.
  const isFinal = foreignCommits === 'stop' || found.metadata['format-version'] !== FORMAT_VERSION
  if (change !== undefined && isFinal) throw foreignCommit(catalog.name, change)
  const setAside = [
    ...(await Promise.all(foreignChanges(found, request.layout.columns).map((of) => inFull(store, of, signal)))),
    ...newerCommits(found, request.run.lockNumber),
  ]
  if (isMoved) return { ...nothing, found, isMoved, setAside: setAside.map(({ what }) => ({ kind: 'moved', what })) }
  const snapshot = lastOwnSnapshot(found)
  const manifests = snapshot ? await readOwnManifests(store, found.metadata, snapshot, signal) : []
  return { location, found, snapshot, manifests, isMoved, setAside }
}

/** What is said of another catalog's metadata file is in it; one that cannot be read is set aside all the same. */
async function inFull(store: ObjectStore, change: SetAsideChange, signal: AbortSignal): Promise<SetAsideChange> {
  if (change.file === undefined) return change
  const key = `${METADATA_FOLDER}/${change.file}`
  const bytes = await store.find(key, signal)
  try {
    return bytes ? changeInCatalog(change, parseTableMetadata(bytes, store.locate(key))) : change
  } catch {
    return change
  }
}

async function carryOut(
  { store, catalog }: IcebergTable,
  found: FoundTable | undefined,
  { objects, metadata }: PlannedCommit,
  signal: AbortSignal,
): Promise<boolean> {
  for (const { key, bytes } of objects) await store.put(key, bytes, signal)
  await store.flush(METADATA_FOLDER, signal)
  return await catalog.replace(found, metadata, signal)
}

/** A table that names a file which is not there fails for every reader, so each is looked at before. */
async function requireFiles(store: ObjectStore, files: readonly DataFile[], signal: AbortSignal): Promise<void> {
  const keys = files.map(({ path }) => {
    const key = keyOf(store, path)
    if (key === undefined) throw missing(path, `it does not lie below ${store.uri}`)
    return key
  })
  for (const [i, object] of (await store.stat(keys, signal)).entries()) {
    const { path = '', bytes = 0 } = files[i] ?? {}
    if (!object) throw missing(path, 'it is not there')
    if (object.bytes !== bytes) throw missing(path, `it has ${object.bytes} bytes instead of ${bytes}`)
  }
}

function missing(path: string, reason: string): IntegrityError {
  return new IntegrityError('ETL3-IC-05', `the data file ${path} cannot be committed: ${reason}`, {
    hint: 'Nothing was committed. Run again; if the file is still missing, delete the run folder and run again.',
  })
}

function outcomeOf(outcome: CommitOutcome['outcome'], found: FoundTable, snapshot: Snapshot): CommitOutcome {
  return {
    outcome,
    snapshotId: String(snapshot['snapshot-id']),
    timestampMs: snapshot['timestamp-ms'],
    runId: runOf(snapshot) ?? '',
    metadataFile: found.metadataFile,
    change: changeOf(snapshot, outcome),
    setAside: outcome === 'committed' ? setAsideBy(snapshot) : [],
  }
}

function committedOutcome(plan: PlannedCommit, found: FoundTable | undefined): CommitOutcome {
  const { snapshot, added, removed, total } = plan
  return {
    outcome: 'committed',
    snapshotId: String(snapshot['snapshot-id']),
    timestampMs: snapshot['timestamp-ms'],
    runId: runOf(snapshot) ?? '',
    metadataFile: found?.metadataFile ?? '',
    change: { added, removed, total },
    setAside: setAsideBy(snapshot),
  }
}

/** What a snapshot changed, as its summary says. */
function changeOf({ summary }: Snapshot, outcome: CommitOutcome['outcome']): CommitChange {
  const figures = (files: string, rows: string, bytes: string): CommitChange['total'] => ({
    files: Number(summary[files] ?? 0),
    rows: Number(summary[rows] ?? 0),
    bytes: Number(summary[bytes] ?? 0),
  })
  const none = { files: 0, rows: 0, bytes: 0 }
  const isNew = outcome === 'committed'
  return {
    added: isNew ? figures('added-data-files', 'added-records', 'added-files-size') : none,
    removed: isNew ? figures('deleted-data-files', 'deleted-records', 'removed-files-size') : none,
    total: figures('total-data-files', 'total-records', 'total-files-size'),
  }
}
