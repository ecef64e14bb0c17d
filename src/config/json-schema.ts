/** The JSON Schema of the configuration file: what `etl3 config schema` prints and config/etl3.schema.json holds. */
import { z } from 'zod'
import { configSchema } from './schema.js'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

/** Schema of the sections without `environments`, each default and description in place. */
export function sectionsJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input' })
}

/** Schema of the whole file: the sections, and under `environments` the same sections by name. */
export function toJsonSchema(): JsonSchema {
  const { $schema, properties = {} } = sectionsJsonSchema()
  const references = Object.fromEntries(Object.keys(properties).map((name) => [name, { $ref: `#/properties/${name}` }]))
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: 'Configuration of ETL3',
    type: 'object',
    properties: {
      ...properties,
      environments: {
        description: 'Sections by name; the one that --environment or ETL3_ENVIRONMENT names overrides the rest.',
        type: 'object',
        additionalProperties: { $ref: '#/$defs/environment' },
      },
    },
    additionalProperties: false,
    $defs: { environment: { type: 'object', properties: references, additionalProperties: false } },
  }
}

/** The text of config/etl3.schema.json. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(toJsonSchema(), null, 2)}\n`
}
