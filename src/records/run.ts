/** `run.json`: what a run is about. Written once, when the run opens; every later activity begins by reading it. */
import { z } from 'zod'
import { configSchema, TABLE_NAMES } from '../config/schema.js'

const inputFile = z.object({
  path: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  etag: z.string().optional(),
  sha256: z.string(),
})

const runRecordSchema = z.object({
  formatVersion: z.literal(1),
  runId: z.string(),
  /** Digest of everything that decides what the table holds. */
  work: z.string(),
  /** The published run that this one replaces; null for the first. */
  replaces: z.string().nullable(),
  engine: z.string(),
  startedAt: z.string(),
  config: configSchema,
  inputs: z.array(z.object({ name: z.enum(TABLE_NAMES), files: z.array(inputFile).readonly() })).readonly(),
})

/** What a run is about. */
export type RunRecord = z.output<typeof runRecordSchema>

/** @throws ZodError when the record is not one of this version */
export function parseRunRecord(value: unknown): RunRecord {
  return runRecordSchema.parse(value)
}
