/** Records of the analytics table: the files that a run plans, what each unit wrote, and the table as the run leaves it. */
import { z } from 'zod'
import type { DataFile } from '../iceberg/data-file.js'
import { setAsideChangeSchema } from '../iceberg/set-aside.js'
import type { ObjectStore } from '../lake/object-store.js'
import { RunRecords } from './records.js'

const count = z.number().int().nonnegative()

const columnMetricsSchema = z.object({
  fieldId: count,
  bytes: count,
  values: count.exactOptional(),
  nulls: count.exactOptional(),
  nans: count.exactOptional(),
  lower: z.string().exactOptional(),
  upper: z.string().exactOptional(),
})

const dataFileSchema: z.ZodType<DataFile> = z.object({
  path: z.string(),
  rows: count,
  bytes: count,
  partition: z.array(z.string().nullable()).readonly(),
  columns: z.array(columnMetricsSchema).readonly(),
  splitOffsets: z.array(count).readonly(),
})

/** A file of the table, with what it was made from and what its bytes are. */
const tableFileSchema = z.object({
  fingerprint: z.string(),
  sha256: z.string(),
  file: dataFileSchema,
})

/** A file of the table. */
export type TableFile = z.output<typeof tableFileSchema>

const plannedFileSchema = z.object({
  /** Place in the plan; also the name of the file. */
  ordinal: count,
  /** The unit that writes it; null where the table has it already. */
  unit: count.nullable(),
  block: count,
  partition: z.array(z.string().nullable()).readonly(),
  rows: count,
  fingerprint: z.string(),
  ranges: z.array(z.object({ from: count, to: count })).readonly(),
  /** What the table has already. */
  kept: tableFileSchema.exactOptional(),
})

/** A file of the plan. */
export type PlannedFile = z.output<typeof plannedFileSchema>

const planSchema = z.object({
  formatVersion: z.literal(1),
  /** Full address of the table's root. */
  uri: z.string(),
  units: count,
  rows: count,
  files: z.array(plannedFileSchema).readonly(),
})

/** `analytics-plan.json`: every file of the table, and what happens to it. */
export type AnalyticsPlan = z.output<typeof planSchema>

const writtenSchema = z.object({
  formatVersion: z.literal(1),
  unit: count,
  files: z.array(tableFileSchema.extend({ ordinal: count })).readonly(),
})

/** `analytics/<n>.json`: the files that a unit wrote. */
export type AnalyticsUnit = z.output<typeof writtenSchema>

const committedSchema = z.object({
  formatVersion: z.literal(1),
  uri: z.string(),
  /** A whole number beyond 2^53. */
  snapshotId: z.string(),
  /** The snapshot's own instant: since when readers find it, in ms since the epoch. */
  timestampMs: count,
  metadataFile: z.string(),
  rows: count,
  bytes: count,
  /** How many of the files this run added, and how many it took out. */
  added: count,
  removed: count,
  files: z.array(tableFileSchema).readonly(),
  /** What others had done to the table, and the commit set aside; missing where that is nothing. */
  setAside: z.array(setAsideChangeSchema).readonly().exactOptional(),
})

/** `analytics.json`: the table as the run leaves it. */
export type CommittedAnalytics = z.output<typeof committedSchema>

/** Name of the plan of the table's files. */
export const ANALYTICS_PLAN = 'analytics-plan.json'

/** Name of the record of the committed table. */
export const COMMITTED_ANALYTICS = 'analytics.json'

/** Name of the record of one unit. */
export function analyticsUnitName(unit: number): string {
  return `analytics/${unit}.json`
}

interface HasRecords {
  readonly records: RunRecords
}

/** The plan, or undefined where the run keeps no analytics table. @throws IntegrityError ETL3-RN-03 */
export async function findAnalyticsPlan(
  { records }: HasRecords,
  signal: AbortSignal,
): Promise<AnalyticsPlan | undefined> {
  return await records.find(ANALYTICS_PLAN, (value) => planSchema.parse(value), signal)
}

/** What a unit wrote, or undefined before it did. @throws IntegrityError ETL3-RN-03 */
export async function findAnalyticsUnit(
  { records }: HasRecords,
  unit: number,
  signal: AbortSignal,
): Promise<AnalyticsUnit | undefined> {
  return await records.find(analyticsUnitName(unit), (value) => writtenSchema.parse(value), signal)
}

/** The table as the run left it, or undefined before it did. @throws IntegrityError ETL3-RN-03 */
export async function findCommittedAnalytics(
  { records }: HasRecords,
  signal: AbortSignal,
): Promise<CommittedAnalytics | undefined> {
  return await records.find(COMMITTED_ANALYTICS, (value) => committedSchema.parse(value), signal)
}

/** The table as a run of this store left it, or undefined where it left none. @throws IntegrityError ETL3-RN-03 */
export async function committedBy(
  metadata: ObjectStore,
  runId: string,
  signal: AbortSignal,
): Promise<CommittedAnalytics | undefined> {
  return await findCommittedAnalytics({ records: new RunRecords(metadata, runId) }, signal)
}

/** What a plan writes: what the table does not have yet. */
export function filesToWrite({ files }: AnalyticsPlan): { readonly files: number; readonly rows: number } {
  const toWrite = files.filter(({ unit }) => unit !== null)
  return { files: toWrite.length, rows: toWrite.reduce((sum, { rows }) => sum + rows, 0) }
}
