/**
 * What publication will need of the disk, before its first rename: looked at, and where there is not plenty of it, kept free
 * in a file of the run (`objects/reserve`). A disk that somebody else fills in the meantime would leave new files and an old catalog; then
 * the file is given up, and there is room.
 */
import { randomFillSync } from 'node:crypto'
import { keptAnalyticsUri } from '../config/analytics-place.js'
import type { RunRef, UnitInput } from '../contract/activities.js'
import { openStore } from '../lake/stores.js'
import type { PlanRecord } from '../records/plan.js'
import { RunRecords } from '../records/records.js'
import { Etl3Error, ResourceError } from '../runtime/errors.js'
import { bytesText } from '../runtime/figures.js'
import { fileSystemError } from '../runtime/file-system-error.js'
import { freeRoomAt } from '../runtime/free-room.js'
import { isS3Address } from '../runtime/uri.js'
import { type DiskNeed, onDifferentDisks, roomOf } from './disk-needs.js'
import { NEXT_RUN_MENDS, publicationState } from './publication-state.js'
import type { RunContext } from './run-context.js'
import type { ActivityScope } from './scope.js'

const RESERVE = 'objects/reserve'

/**
 * What is written among the records from the first rename on, measured with 2,917 partitions: two catalogs of 0.9 KB a
 * partition, a log of the same size while the new one is built, the manifest, and report and marks beside them.
 */
const RECORDS_BYTES = 4 * 1024 * 1024
const RECORDS_BYTES_PER_PARTITION = 3 * 1024

/** On a disk with so many times as much free space nothing is reserved: nobody fills it while a run publishes. */
const AMPLE = 32

/** Beyond that, what is needed is only looked at: a file of a gigabyte would cost more than it saves. */
const MOST_RESERVED_BYTES = 256 * 1024 * 1024

/** On a disk of its own a table takes copies: their bytes, and blocks for files and folders. */
const BLOCKS_BYTES_PER_PARTITION = 16 * 1024

const PIECE_BYTES = 1024 * 1024

/** Codes of a disk that is full, where it is written to and where the engine spills. */
const FULL: ReadonlySet<string> = new Set(['ETL3-DK-01', 'ETL3-DK-02'])

/**
 * Makes sure that the disks of folders have room for publication and registration, and keeps what the records need. Called
 * before publication has begun. Does nothing for buckets.
 *
 * @param bytes of the objects that will be published
 * @throws ResourceError ETL3-DK-01 when a disk has too little; nothing was published then
 */
export async function reservePublication(
  context: RunContext,
  plan: PlanRecord,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { records, config } = context
  if (isS3Address(config.output.metadata_uri)) return
  // An earlier attempt's takes room that counts as used.
  await giveUpReserve(context, signal)
  requireRoom(context, plan, bytes)
  if (freeRoomAt(config.output.metadata_uri).freeBytes > AMPLE * recordsBytes(plan)) return
  const reserved = Math.min(MOST_RESERVED_BYTES, recordsBytes(plan))
  try {
    await records.store.put(records.key(RESERVE), fillers(reserved), signal)
  } catch (error) {
    const full = fullDiskOf(error)
    if (!full) throw error
    throw tooLittle(config.output.metadata_uri, `${bytesText(reserved)} more could not be written`, full)
  }
}

/** What readers find while a part of publication is not done, in words. */
type ReadersFind = (run: PublishingRun, signal: AbortSignal) => Promise<string>

/** What is known of a run also where its lock cannot be renewed. */
type PublishingRun = Pick<RunContext, 'ref' | 'records'>

/** An activity that publishes, done as {@link withReserve} says. */
export function fromReserve<Input extends RunRef | UnitInput, Output>(
  act: (input: Input, scope: ActivityScope) => Promise<Output>,
): (input: Input, scope: ActivityScope) => Promise<Output> {
  return async (input, scope) =>
    await withReserve('run' in input ? input.run : input, scope.signal, () => act(input, scope))
}

/**
 * Does a part of publication. Where a disk is full, what was reserved is given up, and the part is done once more.
 *
 * @param act may be repeated
 * @param readersFind for the error
 * @throws ResourceError ETL3-DK-01 or ETL3-DK-02, with what readers find now and how to end it, when there is still no room
 */
export async function withReserve<T>(
  ref: RunRef,
  signal: AbortSignal,
  act: () => Promise<T>,
  readersFind: ReadersFind = notRegistered,
): Promise<T> {
  const run = { ref, records: new RunRecords(openStore(ref.metadataUri, ref), ref.runId) }
  try {
    return await act()
  } catch (error) {
    const full = fullDiskOf(error)
    if (!full) throw error
    if (!(await giveUpReserve(run, signal))) throw await withState(full, run, readersFind, signal)
  }
  try {
    return await act()
  } catch (error) {
    const full = fullDiskOf(error)
    throw full ? await withState(full, run, readersFind, signal) : error
  }
}

async function notRegistered(run: PublishingRun, signal: AbortSignal): Promise<string> {
  const state = await publicationState(run, undefined, signal)
  return `the table may be mixed: ${state}; until a run has registered, queries may find rows of neither the old nor the new table`
}

/** @returns whether there was one */
async function giveUpReserve({ records }: PublishingRun, signal: AbortSignal): Promise<boolean> {
  const key = records.key(RESERVE)
  const [reserve] = await records.store.stat([key], signal)
  if (reserve) await records.store.delete([key], signal)
  return reserve !== undefined
}

function recordsBytes({ partitions }: PlanRecord): number {
  return RECORDS_BYTES + RECORDS_BYTES_PER_PARTITION * (partitions.total + partitions.removed)
}

function requireRoom({ config }: RunContext, plan: PlanRecord, bytes: number): void {
  const { uri, metadata_uri: metadataUri } = config.output
  const changed = plan.partitions.added + plan.partitions.replaced
  const analytics = keptAnalyticsUri(config)
  const needs: DiskNeed[] = [{ place: metadataUri, bytes: recordsBytes(plan), inodes: 0 }]
  // On the disk of the records objects are moved; to another one they are copied.
  const isApart = (place: string): boolean => onDifferentDisks(place, metadataUri)
  if (isApart(uri)) needs.push({ place: uri, bytes: bytes + BLOCKS_BYTES_PER_PARTITION * changed, inodes: 0 })
  if (analytics !== undefined && isApart(analytics)) needs.push({ place: analytics, bytes: RECORDS_BYTES, inodes: 0 })
  for (const { place, bytes: needed, freeBytes } of roomOf(needs)) {
    if (freeBytes < needed) throw tooLittle(place, `${bytesText(freeBytes)} are free, ${bytesText(needed)} are needed`)
  }
}

function tooLittle(place: string, figures: string, cause?: Etl3Error): ResourceError {
  return new ResourceError(
    'ETL3-DK-01',
    `too little free disk at ${place} to publish and register what is written: ${figures}; nothing was published, the ` +
      'table is as it was',
    { hint: 'Free some space there, then run again: what is finished is kept.', cause },
  )
}

function fullDiskOf(error: unknown): Etl3Error | undefined {
  const named = error instanceof Etl3Error ? error : fileSystemError(error)
  return named && FULL.has(named.code) ? named : undefined
}

async function withState(
  full: Etl3Error,
  run: PublishingRun,
  readersFind: ReadersFind,
  signal: AbortSignal,
): Promise<ResourceError> {
  return new ResourceError(full.code, `${full.message}; ${await readersFind(run, signal)}`, {
    hint: `${full.hint ?? 'Free some space.'} ${NEXT_RUN_MENDS}`,
    cause: full,
  })
}

function* fillers(bytes: number): Generator<Uint8Array> {
  // A file system that compresses would keep nothing free for the same byte again and again.
  const piece = randomFillSync(Buffer.alloc(PIECE_BYTES))
  for (let left = bytes; left > 0; left -= PIECE_BYTES) yield piece.subarray(0, Math.min(left, PIECE_BYTES))
}
