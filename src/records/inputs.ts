/** `inputs.json`: what the checks found, and the schema of each input file. */
import { z } from 'zod'
import { TABLE_NAMES } from '../config/schema.js'

const rows = z.number()

const columns = z.object({
  types: z.record(z.string(), z.string()),
  missingOptional: z.array(z.string()).readonly(),
  extra: z.array(z.string()).readonly(),
})

const schema = columns.extend({ rows })

const shared = z.object({
  formatVersion: z.literal(1),
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
export type InputsRecord = z.output<typeof shared> & {
  readonly tables: readonly {
    readonly name: (typeof TABLE_NAMES)[number]
    readonly files: readonly { readonly path: string; readonly schema: z.output<typeof schema> }[]
  }[]
}

/** As it is stored: thousands of files have a few schemas between them, and each activity of staging reads the record. */
const storedSchema = shared.extend({
  tables: z
    .array(
      z.object({
        name: z.enum(TABLE_NAMES),
        schemas: z.array(columns).readonly().default([]),
        // A file with its rows and the place of its schema; or, of a run that was checked by an older version, with all of it.
        files: z
          .array(
            z.union([
              z.tuple([z.string(), rows, z.int().nonnegative()]).readonly(),
              z.object({ path: z.string(), schema }),
            ]),
          )
          .readonly(),
      }),
    )
    .readonly(),
})

/** The record as it is stored. */
export type StoredInputs = z.input<typeof storedSchema>

/** What to store of a record. */
export function storedInputs({ tables, ...found }: InputsRecord): StoredInputs {
  return {
    ...found,
    tables: tables.map(({ name, files }) => {
      const places = new Map<string, number>()
      const schemas: z.output<typeof columns>[] = []
      const placed = files.map(({ path, schema: { rows: count, ...own } }): [string, number, number] => {
        const key = JSON.stringify(own)
        const place = places.get(key) ?? schemas.push(own) - 1
        places.set(key, place)
        return [path, count, place]
      })
      return { name, schemas, files: placed }
    }),
  }
}

/** @throws ZodError when the record is not one of this version */
export function parseInputsRecord(value: unknown): InputsRecord {
  const { tables, ...found } = storedSchema.parse(value)
  return {
    ...found,
    tables: tables.map(({ name, schemas, files }) => ({
      name,
      files: files.map((file) => {
        if ('path' in file) return file
        const [path, count, place] = file
        const own = schemas[place]
        if (!own) throw new Error(`there is no schema ${place} of ${name}`)
        return { path, schema: { ...own, rows: count } }
      }),
    })),
  }
}
