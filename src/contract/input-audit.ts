/** What the audit that begins at the input looked at: part of `audit.json`, and of a report. */
import { z } from 'zod'

const count = z.number().int().nonnegative()

/** What the audit of the input looked at. */
export const inputAuditSchema = z.object({
  /** Fact files of the input, and those of which facts were taken. */
  files: count,
  filesRead: count,
  /** Facts, rows and values that were compared with what was written, and the objects that were read for it. */
  facts: count,
  rows: count,
  values: count,
  objects: count,
  /** Rows that all facts give, counted from the input; null where they could not be counted. */
  rowsCounted: count.nullable(),
  /** Files, or columns of them, that the second reader could not read, and the first of them. */
  leftOut: count,
  leftOutFirst: z.array(z.object({ table: z.string(), file: z.string(), reason: z.string() })).readonly(),
})
