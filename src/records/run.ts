/** `run.json`: what a run is about. Written once, when the run opens; every later activity begins by reading it. */
import { z } from 'zod'
import { configSchema, TABLE_NAMES } from '../config/schema.js'
import { batchRanges, type FileRange } from '../star/fact-batches.js'

const inputFile = z.object({
  path: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  etag: z.string().optional(),
  pathColumns: z.record(z.string(), z.string().nullable()).optional(),
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
  inputs: z
    .array(
      z.object({
        name: z.enum(TABLE_NAMES),
        files: z.array(inputFile).readonly(),
        notices: z.array(z.string()).readonly().optional(),
        unread: z.array(z.string()).readonly().optional(),
      }),
    )
    .readonly(),
  /** How many files of facts are staged together, batch by batch. Missing: a run that was opened before there were batches. */
  factBatches: z.array(z.int().positive()).readonly().optional(),
})

/** What a run is about. */
export type RunRecord = z.output<typeof runRecordSchema>

/** @throws ZodError when the record is not one of this version */
export function parseRunRecord(value: unknown): RunRecord {
  return runRecordSchema.parse(value)
}

/** The files of facts that are staged together, batch by batch. */
export function factBatchesOf({ inputs, factBatches }: Pick<RunRecord, 'inputs' | 'factBatches'>): FileRange[] {
  const files = inputs.find((table) => table.name === 'fact_rate')?.files ?? []
  return batchRanges(factBatches ?? files.map(() => 1))
}
