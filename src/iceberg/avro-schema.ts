/** Avro schemas with Iceberg's field ids (Iceberg specification, appendix A, "Avro"). */

/** A record. */
export interface AvroRecord {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly AvroField[]
}

/** A field of a record, with its id. */
export interface AvroField {
  readonly name: string
  readonly type: AvroType | readonly ['null', AvroType]
  readonly default?: null
  readonly 'field-id': number
}

/** A type: by its name, or spelled out. */
export type AvroType =
  | string
  | AvroRecord
  | { readonly type: 'array'; readonly items: AvroType; readonly 'element-id'?: number; readonly logicalType?: 'map' }

/** A record of these fields. */
export function record(name: string, fields: readonly AvroField[]): AvroRecord {
  return { type: 'record', name, fields }
}

/** A field that may be NULL. */
export function optional(name: string, type: AvroType, fieldId: number): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': fieldId }
}
