/**
 * What no reader sees and no run needs any more: old runs, failed ones, staged data, writes that were never ended, old
 * scratch files; of the analytics table, old snapshots, and data and metadata that nothing names. Found first, deleted only on
 * request, and never anything under the prefix of the partitions.
 */
import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import type { ObjectKey, ObjectStore } from '../lake/object-store.js'
import { RunLock } from '../lake/run-lock.js'
import { FETCHED_FOLDER } from '../lake/s3/fetch.js'
import { openMetadata, openTable } from '../lake/stores.js'
import { manifestRelation } from '../partition-files/manifest-file.js'
import { PLAN_FORMAT } from '../partition-files/plan-file.js'
import { readCurrent } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
import { RUN_RECORD, RUNS_PREFIX } from '../records/names.js'
import { RunRecords } from '../records/records.js'
import { parseRunRecord } from '../records/run.js'
import { ConflictError } from '../runtime/errors.js'
import { isScratchName } from '../runtime/scratch-folder.js'
import { normalisedUri } from '../runtime/uri.js'
import {
  type Removable,
  sumOfBytes,
  sumOfObjects,
  unfinishedWrites,
  type VacuumItem,
  type VacuumReason,
} from './removable.js'
import { byAge, nameIn, type RunFolder, runFolders } from './run-folders.js'
import { replacesCurrent } from './unfinished-run.js'
import { findInAnalytics } from './vacuum-analytics.js'

const HOUR_MS = 60 * 60 * 1000
const RELEASE_TIMEOUT_MS = 10_000
/** Records that tell the next run what an unfinished publication has left under the table. */
const NEEDED_OF_UNFINISHED: ReadonlySet<string> = new Set([PLAN_FORMAT.name, RUN_RECORD])
/** A run's folder in a scratch folder. */
const RUN_ENTRY = /^[0-9a-f]{16}$/

/** What was found, and deleted if that was asked for. */
export interface VacuumResult {
  readonly formatVersion: 1
  /** False: nothing was touched. */
  readonly deleted: boolean
  readonly items: readonly VacuumItem[]
  readonly objects: number
  readonly bytes: number
  /** What will be found once it is old enough. It is looked for only where nothing else is found. */
  readonly tooYoung: readonly VacuumItem[]
}

/** What to clean, and how. */
export interface VacuumRequest {
  readonly config: Config
  /** Delete what is found. */
  readonly delete: boolean
  /** What is younger stays: failed runs, unfinished writes, scratch files, snapshots that were replaced, unused data. */
  readonly olderThanHours: number
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: number
}

interface FoundInRuns extends Removable {
  readonly keys: readonly ObjectKey[]
}

/**
 * Looks for what may go and, on request, deletes it while it holds the table's lock.
 * @throws ConflictError `ETL3-LK-01` where something is to be deleted and a run is working on the table,
 *   `ETL3-VA-01` where the table lies among the records of the runs
 */
export async function vacuum(request: VacuumRequest): Promise<VacuumResult> {
  const { config, signal } = request
  requireApart(config)
  const metadata = openMetadata(config)
  if (!request.delete) return await resultOf(metadata, request, await find(metadata, request))
  const lock = new RunLock(metadata)
  // Process ids are the same in many containers; the name must not be.
  const held = await lock.acquire({ owner: `vacuum ${randomUUID()}`, runId: 'vacuum' }, signal)
  try {
    const found = await find(metadata, request)
    const renewLock = async (): Promise<void> => void (await lock.renew(held, signal))
    for (const { remove } of found) {
      await renewLock()
      await remove(renewLock, signal)
    }
    return await resultOf(metadata, request, found)
  } finally {
    // Also when it was interrupted: nobody should have to wait for the lease to end.
    await lock.release(held, AbortSignal.timeout(RELEASE_TIMEOUT_MS))
  }
}

/** A vacuum of records must not be able to reach the table. */
function requireApart({ output }: Config): void {
  const table = `${normalisedUri(output.uri)}/`
  const runs = `${normalisedUri(output.metadata_uri)}/runs/`
  if (!table.startsWith(runs) && !runs.startsWith(table)) return
  throw new ConflictError(
    'ETL3-VA-01',
    `the table and the records of its runs lie within each other [${table}, ${runs}]`,
    {
      hint: 'Give output.uri and output.metadata_uri places of their own; nothing was deleted.',
    },
  )
}

async function find(metadata: ObjectStore, request: VacuumRequest): Promise<Removable[]> {
  const { config, signal } = request
  const nowMs = request.now ?? Date.now()
  const graceMs = request.olderThanHours * HOUR_MS
  const before = nowMs - graceMs
  const live = await liveRun(metadata, nowMs, signal)
  const found = await findInRuns(metadata, request, { before, live })
  const needing = await resumableRuns(metadata, found, live, signal)
  const inAnalytics = await findInAnalytics({ config, metadata, nowMs, graceMs, needing }, signal)
  const unfinished = await unfinishedWrites(metadata, before, signal)
  // Records go first: a run that can be taken up has its data.
  return [...found, ...unfinished, ...inAnalytics, ...findScratch(config.processing.scratch, before, live)]
}

/** The run that is working, and those that can be taken up once what was found is gone. */
async function resumableRuns(
  metadata: ObjectStore,
  found: readonly FoundInRuns[],
  live: string | undefined,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const gone = new Set(found.flatMap(({ keys }) => keys))
  const current = await readCurrent(metadata, signal)
  const resumable = new Set(live === undefined ? [] : [live])
  for await (const { key } of metadata.list(RUNS_PREFIX, signal)) {
    const runId = key.split('/')[1] ?? ''
    if (nameIn(runId, key) !== RUN_RECORD || gone.has(key) || runId === current?.runId) continue
    const record = await new RunRecords(metadata, runId).find(RUN_RECORD, parseRunRecord, signal)
    if (record && replacesCurrent(record, current)) resumable.add(runId)
  }
  return resumable
}

/** The run that holds the lock. */
async function liveRun(metadata: ObjectStore, now: number, signal: AbortSignal): Promise<string | undefined> {
  const lock = await new RunLock(metadata).current(signal)
  return lock && !lock.released && Date.parse(lock.expiresAt) > now ? lock.runId : undefined
}

async function findInRuns(
  metadata: ObjectStore,
  request: VacuumRequest,
  { before, live }: { readonly before: number; readonly live: string | undefined },
): Promise<FoundInRuns[]> {
  const { config, signal } = request
  const current = await readCurrent(metadata, signal)
  const folders = await runFolders(metadata, signal, new Set([live]))
  const { kept, old } = byAge(folders, config.output.keep_runs, current?.runId)
  const itemOf = (reason: VacuumReason, folder: RunFolder, objects = folder.objects): FoundInRuns =>
    foundInRun(metadata, reason, folder.id, objects)
  const found = old.map((folder) => itemOf('old run', folder))
  const failed = folders.filter(({ id, ended, startedMs }) => id !== current?.runId && !ended && startedMs < before)
  const leftBehind = failed.length > 0 && (await hasLeftBehind(metadata, current?.manifest, request))
  for (const folder of failed) {
    const publishing = leftBehind && has(folder, 'audit.json')
    const gone = folder.objects.filter(({ key }) => !publishing || !NEEDED_OF_UNFINISHED.has(nameIn(folder.id, key)))
    if (gone.length > 0) found.push(itemOf('failed run', folder, gone))
  }
  for (const folder of [...kept, ...folders.filter(({ id }) => id === current?.runId)]) {
    const staged = folder.objects.filter(({ key }) => /^(?:staged|objects)\//.test(nameIn(folder.id, key)))
    if (staged.length > 0) found.push(itemOf('staged data', folder, staged))
  }
  return found
}

/** Whether something lies under the table that the published run does not list: an unfinished publication's. */
async function hasLeftBehind(
  metadata: ObjectStore,
  manifest: ObjectKey | undefined,
  { config, signal }: VacuumRequest,
): Promise<boolean> {
  const { scratch } = config.processing
  const known = new Set<string>()
  if (manifest !== undefined) {
    const local = await fetchManifest(metadata, manifest, scratch, signal)
    const options = { memoryLimitMb: ENGINE_MB.keys, threads: 1, scratch }
    const published = manifestRelation([local], { columns: ['key'] })
    const keys = await withEngine(options, signal, (engine) => engine.column(`SELECT key FROM ${published}`))
    for (const key of keys) known.add(String(key))
  }
  const table = openTable(config)
  for await (const { key } of table.list('', signal)) if (!known.has(key)) return true
  return false
}

function* findScratch(scratch: string, before: number, live: string | undefined): Generator<Removable> {
  for (const name of entriesOf(scratch)) {
    // Anything else there is somebody else's.
    if (name !== live && (RUN_ENTRY.test(name) || isScratchName(name))) yield* oldScratch(join(scratch, name), before)
  }
  const fetched = join(scratch, FETCHED_FOLDER)
  for (const name of entriesOf(fetched)) yield* oldScratch(join(fetched, name), before)
}

function* oldScratch(path: string, before: number): Generator<Removable> {
  const files = filesUnder(path)
  const newest = Math.max(statSync(path).mtimeMs, ...files.map(({ modifiedMs }) => modifiedMs))
  if (newest >= before) return
  yield {
    reason: 'scratch',
    what: path,
    objects: files.length,
    bytes: sumOfBytes(files),
    remove: async () => rmSync(path, { recursive: true, force: true }),
  }
}

function filesUnder(path: string): { readonly bytes: number; readonly modifiedMs: number }[] {
  const stats = statSync(path)
  if (!stats.isDirectory()) return [{ bytes: stats.size, modifiedMs: stats.mtimeMs }]
  return entriesOf(path).flatMap((name) => filesUnder(join(path, name)))
}

function entriesOf(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : []
}

function has(folder: RunFolder, name: string): boolean {
  return folder.objects.some(({ key }) => nameIn(folder.id, key) === name)
}

function foundInRun(
  metadata: ObjectStore,
  reason: VacuumReason,
  what: string,
  objects: RunFolder['objects'],
): FoundInRuns {
  const keys = objects.map(({ key }) => key)
  return {
    reason,
    what,
    objects: objects.length,
    bytes: sumOfBytes(objects),
    keys,
    remove: async (_, stop) => await metadata.delete(keys, stop),
  }
}

async function resultOf(
  metadata: ObjectStore,
  request: VacuumRequest,
  found: readonly Removable[],
): Promise<VacuumResult> {
  const items = found.map(told)
  const later = items.length === 0 ? await find(metadata, { ...request, olderThanHours: 0 }) : []
  return {
    formatVersion: 1,
    deleted: request.delete,
    items,
    objects: sumOfObjects(items),
    bytes: sumOfBytes(items),
    tooYoung: later.map(told),
  }
}

function told({ reason, what, objects, bytes }: Removable): VacuumItem {
  return { reason, what, objects, bytes }
}
