/** `inputs.json`: what the checks found, and the schema of each input file. Files with equal columns share one entry. */
import { z } from 'zod'
import { TABLE_NAMES } from '../config/schema.js'
import type { CheckedTable } from '../star/validate.js'

const shapeSchema = z.object({
  types: z.record(z.string(), z.string()),
  // Records of runs before there were other names than the contract's have none.
  names: z.record(z.string(), z.string()).default({}),
  fromPath: z.record(z.string(), z.string().nullable()).optional(),
  missingOptional: z.array(z.string()).readonly(),
  extra: z.array(z.string()).readonly(),
})

/** A file with a schema of its own: records of runs before schemas were shared have this form. */
const wholeFileSchema = z.object({ path: z.string(), schema: shapeSchema.extend({ rows: z.number() }) })

const sharingFileSchema = z.object({ path: z.string(), rows: z.number(), shape: z.number() })

const tableSchema = z
  .object({
    name: z.enum(TABLE_NAMES),
    shapes: z.array(shapeSchema).default([]),
    files: z.array(z.union([sharingFileSchema, wholeFileSchema])),
  })
  .transform(
    ({ name, shapes, files }, context): CheckedTable => ({
      name,
      files: files.map((file) => {
        if ('schema' in file) return file
        const shape = shapes[file.shape]
        if (!shape) {
          context.addIssue(`${file.path} has shape ${file.shape} of ${shapes.length}`)
          return z.NEVER
        }
        return { path: file.path, schema: { rows: file.rows, ...shape } }
      }),
    }),
  )

const inputsRecordSchema = z.object({
  formatVersion: z.literal(1),
  tables: z.array(tableSchema).readonly(),
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
        paddedCodes: z
          .array(z.object({ column: z.string(), rows: z.number(), stored: z.string(), read: z.string() }))
          .readonly()
          .default([]),
        oddTexts: z
          .array(z.object({ column: z.string(), rows: z.number(), example: z.string() }))
          .readonly()
          .default([]),
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

/** A record as it is stored: it grows with the paths of the files, not with their columns. */
export function inputsRecordJson(record: InputsRecord): unknown {
  return { ...record, tables: record.tables.map(sharingShapes) }
}

function sharingShapes({ name, files }: CheckedTable): unknown {
  const shapes = new Map<string, number>()
  const shared = files.map(({ path, schema: { rows, ...shape } }) => {
    const key = JSON.stringify(shape)
    if (!shapes.has(key)) shapes.set(key, shapes.size)
    return { path, rows, shape: shapes.get(key) }
  })
  return { name, shapes: [...shapes.keys()].map((key): unknown => JSON.parse(key)), files: shared }
}
