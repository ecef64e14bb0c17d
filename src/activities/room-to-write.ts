/**
 * Whether there is room for what a plan writes, looked at before the first byte of it: bytes and inodes of the disks, the memory
 * that registering takes, what the catalog takes. Sizes are estimates: what lacks half of one ends the run here, what lacks
 * less is only told.
 */
import { estimatedBytes } from '../analytics/estimated-bytes.js'
import { keptAnalyticsUri } from '../config/analytics-place.js'
import { isOnAws } from '../lake/catalogs.js'
import type { PlanRecord } from '../records/plan.js'
import { ResourceError } from '../runtime/errors.js'
import { bytesText, countOf, countText } from '../runtime/figures.js'
import { isS3Address } from '../runtime/uri.js'
import { type DiskNeed, type DiskRoom, onDifferentDisks, roomOf } from './disk-needs.js'
import type { RunContext } from './run-context.js'

/** Less than this share of an estimate is too little for sure; less than the second may be. */
const SURELY_TOO_LITTLE = 0.5
const MAYBE_TOO_LITTLE = 1.25

// Measured with keys of 250 characters: 250,000 partitions took 418 MB, and 1,000,000 took 640 MB. What does not grow is in it.
const REGISTERING_MB = 345
const REGISTERING_MB_PER_1000 = 0.3

/** AWS's quota where nobody asked for more ("Number of partitions per table" of AWS Glue). */
const GLUE_PARTITIONS = 10_000_000

/** What a plan writes. */
export interface PlannedWrites {
  readonly plan: PlanRecord
  /** Files of the analytics table; undefined where the run keeps none. */
  readonly analytics: { readonly files: number; readonly rows: number } | undefined
}

type Configured = Pick<RunContext, 'config'>

/** One lack, as people read it. */
interface Lack {
  readonly text: string
  readonly isSure: boolean
}

/**
 * What may not do, a sentence each.
 *
 * @param limitMb memory of the worker that registers
 */
export function lacksOfRoom(context: Configured, writes: PlannedWrites, limitMb: number): readonly string[] {
  return lacks(context, writes, limitMb).map(({ text }) => text)
}

/**
 * Ends a run that will not find room. A run that has begun to write goes on: what it has written is in what is used.
 *
 * @param limitMb memory of the worker that registers
 * @returns what may not do, a sentence each
 * @throws ResourceError ETL3-DK-01 where a disk has too little for sure; nothing was written
 */
export async function requireRoomToWrite(
  context: RunContext,
  writes: PlannedWrites,
  limitMb: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (await hasBegun(context, signal)) return []
  const found = lacks(context, writes, limitMb)
  const sure = found.find(({ isSure }) => isSure)
  if (!sure) return found.map(({ text }) => text)
  throw new ResourceError('ETL3-DK-01', `${sure.text}; nothing was written`, {
    hint: 'Free some space there, or set output.uri, output.metadata_uri or output.analytics.uri to a larger disk. Fewer partition columns make fewer files.',
  })
}

async function hasBegun({ records }: RunContext, signal: AbortSignal): Promise<boolean> {
  for await (const _ of records.store.list(records.key('objects/'), signal)) return true
  return false
}

function lacks(context: Configured, writes: PlannedWrites, limitMb: number): readonly Lack[] {
  const ofDisks = roomOf(needsOf(context, writes)).flatMap((room) => [...lackOfBytes(room), ...lackOfInodes(room)])
  return [...ofDisks, ...lackOfMemory(context, writes, limitMb), ...lackOfQuota(context, writes)]
}

/** Objects are written among the records, and moved to the table; to another disk they are copied. */
function needsOf({ config }: Configured, { plan, analytics }: PlannedWrites): readonly DiskNeed[] {
  const { uri, metadata_uri: metadataUri } = config.output
  const { added, replaced } = plan.partitions
  const bytes = plan.bytesToWrite ?? 0
  const isApart = onDifferentDisks(uri, metadataUri)
  const objects = { place: metadataUri, bytes, inodes: added + replaced }
  // A new partition has at least a folder of its own.
  const table = { place: uri, bytes: isApart ? bytes : 0, inodes: isApart ? 2 * added : added }
  const files = analytics && {
    place: keptAnalyticsUri(config) ?? metadataUri,
    bytes: estimatedBytes({ rows: analytics.rows, partitions: added + replaced }),
    inodes: analytics.files,
  }
  return [objects, table, ...(files ? [files] : [])].filter(({ place }) => !isS3Address(place))
}

function lackOfBytes({ place, bytes, freeBytes }: DiskRoom): readonly Lack[] {
  if (freeBytes >= MAYBE_TOO_LITTLE * bytes) return []
  const text = `${bytesText(freeBytes)} are free at ${place}, and about ${bytesText(bytes)} are to be written`
  return [{ text, isSure: freeBytes < SURELY_TOO_LITTLE * bytes }]
}

function lackOfInodes({ place, inodes, freeInodes }: DiskRoom): readonly Lack[] {
  if (freeInodes === undefined || freeInodes >= inodes) return []
  const text = `the disk of ${place} takes ${countOf(freeInodes, 'more file')}, and ${countText(inodes)} files and folders at least are to be made (df -i)`
  return [{ text, isSure: true }]
}

function lackOfMemory({ config }: Configured, { plan }: PlannedWrites, limitMb: number): readonly Lack[] {
  const neededMb = Math.round(REGISTERING_MB + (REGISTERING_MB_PER_1000 * plan.partitions.total) / 1000)
  if (isS3Address(config.output.metadata_uri) || neededMb <= limitMb) return []
  const text = `registering ${countText(plan.partitions.total)} partitions takes about ${countText(neededMb)} MB, and a worker has ${countText(limitMb)} MB (--memory-limit)`
  return [{ text, isSure: false }]
}

/** Only told: whether AWS raised the quota is not asked, and a run may have the rights for its table alone. */
function lackOfQuota({ config }: Configured, { plan }: PlannedWrites): readonly Lack[] {
  const { total } = plan.partitions
  if (!isOnAws(config) || total <= GLUE_PARTITIONS) return []
  const text = `Glue takes ${countText(GLUE_PARTITIONS)} partitions a table where AWS has not raised that quota, and ${countText(total)} are planned (fewer partition columns make fewer)`
  return [{ text, isSure: false }]
}
