/** `inputs.json`: what the checks found, and the schema of each input file. */
import { z } from 'zod'
import { TABLE_NAMES } from '../config/schema.js'

const schema = z.object({
  rows: z.number(),
  types: z.record(z.string(), z.string()),
  missingOptional: z.array(z.string()).readonly(),
  extra: z.array(z.string()).readonly(),
})

const inputsRecordSchema = z.object({
  formatVersion: z.literal(1),
  tables: z
    .array(z.object({ name: z.enum(TABLE_NAMES), files: z.array(z.object({ path: z.string(), schema })).readonly() }))
    .readonly(),
  findings: z
    .array(
      z.object({
        name: z.enum(TABLE_NAMES),
        files: z.number(),
        rows: z.number(),
        missingOptional: z.array(z.string()).readonly(),
        extra: z.array(z.string()).readonly(),
        equalDuplicates: z.number(),
        differingKeys: z.number(),
        nullKeys: z.number(),
      }),
    )
    .readonly(),
  warnings: z.array(z.string()).readonly(),
})

/** What the checks of the input found. */
export type InputsRecord = z.output<typeof inputsRecordSchema>

/** @throws ZodError when the record is not one of this version */
export function parseInputsRecord(value: unknown): InputsRecord {
  return inputsRecordSchema.parse(value)
}
