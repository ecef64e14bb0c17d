/** The keys of the configuration, read off its schema: their names, variables, and what they expect. */
import { type JsonSchema, sectionsJsonSchema } from './json-schema.js'

/** A value's form; decides how the text of a variable or a flag is read. */
export type ValueForm = 'text' | 'whole number' | 'number' | 'boolean' | 'list'

/** One key that holds a value. */
export interface ConfigKey {
  /** Dotted, as in `processing.chunk_size`. */
  readonly key: string
  /** `ETL3_PROCESSING_CHUNK_SIZE`. */
  readonly variable: string
  readonly form: ValueForm
  /** What a right value is, in words: "a whole number from 1 to 64". */
  readonly expected: string
  /** The same for one item of a list. */
  readonly expectedItem: string | undefined
  readonly summary: string
}

/** The keys, and the sections that hold them. */
export interface ConfigKeys {
  readonly byKey: ReadonlyMap<string, ConfigKey>
  readonly byVariable: ReadonlyMap<string, ConfigKey>
  /** Dotted names of the maps (`data_quality.rules.rate_range`) with the names that each may hold; '' is the file's top. */
  readonly sections: ReadonlyMap<string, readonly string[]>
}

/** ETL3_* variables that are no configuration keys. */
export const RESERVED_VARIABLES: ReadonlySet<string> = new Set([
  'ETL3_CACHE_DIR',
  'ETL3_CONFIG',
  'ETL3_ENVIRONMENT',
  'ETL3_FAILPOINT',
  'ETL3_FAILPOINT_SIGNAL',
  'ETL3_FAILPOINT_ONCE',
  'ETL3_FAILPOINT_TRACE',
  'ETL3_PYTHON',
  'ETL3_STAR',
  'ETL3_STATE_DIR',
])

/** Name of the variable that sets a key. */
function variableOf(key: string): string {
  return `ETL3_${key.toUpperCase().replaceAll('.', '_')}`
}

let known: ConfigKeys | undefined

/** All keys of the schema. */
export function configKeys(): ConfigKeys {
  known ??= readKeys()
  return known
}

function readKeys(): ConfigKeys {
  const byKey = new Map<string, ConfigKey>()
  const byVariable = new Map<string, ConfigKey>()
  const sections = new Map<string, readonly string[]>()

  const visit = (name: string, schema: JsonSchema): void => {
    const children = childrenOf(schema)
    if (children) {
      sections.set(name, [...children.keys()])
      for (const [child, childSchema] of children) visit(name === '' ? child : `${name}.${child}`, childSchema)
      return
    }
    const key: ConfigKey = {
      key: name,
      variable: variableOf(name),
      form: formOf(schema),
      expected: expectationOf(schema),
      expectedItem: schema.type === 'array' ? expectationOf(itemOf(schema)) : undefined,
      summary: schema.description ?? '',
    }
    byKey.set(name, key)
    byVariable.set(key.variable, key)
  }
  visit('', sectionsJsonSchema())
  return { byKey, byVariable, sections }
}

/** The members of a map: named properties, or the names that a record's keys may have. */
function childrenOf(schema: JsonSchema): ReadonlyMap<string, JsonSchema> | undefined {
  if (schema.type !== 'object') return undefined
  const children = new Map<string, JsonSchema>()
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (typeof child === 'object') children.set(name, child)
  }
  const { propertyNames, additionalProperties } = schema
  if (typeof propertyNames === 'object' && typeof additionalProperties === 'object') {
    for (const name of propertyNames.enum ?? []) children.set(String(name), additionalProperties)
  }
  return children
}

function formOf({ type }: JsonSchema): ValueForm {
  if (type === 'integer') return 'whole number'
  if (type === 'number' || type === 'boolean') return type
  return type === 'array' ? 'list' : 'text'
}

function expectationOf(schema: JsonSchema): string {
  const { type, enum: choices, pattern } = schema
  if (choices) return `one of ${choices.map((value) => String(value)).join(', ')}`
  if (type === 'integer') return `a whole number${rangeOf(schema)}`
  if (type === 'number') return `a number${rangeOf(schema)}`
  if (type === 'boolean') return 'true or false'
  if (type === 'array') {
    const repetition = schema.uniqueItems ? ' without repetition' : ''
    return `a list${rangeOfItems(schema)}${repetition}, each ${expectationOf(itemOf(schema))}`
  }
  return pattern === undefined ? 'a text that is not empty' : `a text that matches ${pattern}`
}

function itemOf({ items }: JsonSchema): JsonSchema {
  return typeof items === 'object' && !Array.isArray(items) ? items : {}
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` of at least ${minimum}`
  return maximum === undefined ? '' : ` of at most ${maximum}`
}

function rangeOfItems({ minItems, maxItems }: JsonSchema): string {
  return minItems === undefined || maxItems === undefined ? '' : ` of ${minItems} to ${maxItems} items`
}
