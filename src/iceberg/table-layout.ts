/**
 * What a table looks like: columns, partitioning, order. Each is a numbered list in the metadata, to which a change adds
 * an entry: what older files were written with stays readable.
 */
import type { ColumnType } from '../parquet/factorised.js'
import type { TableColumn } from './table-columns.js'
import type { PartitionSpec, SchemaField, SortOrder, TableMetadata, TableSchema } from './table-metadata.js'

/** How the files of a run are made. */
export interface TableLayout {
  readonly columns: readonly TableColumn[]
  /** Text columns; a file has one value of each, or NULL. In the order of {@link DataFile.partition}. */
  readonly partitionColumns: readonly string[]
  /** Columns by which the rows of a file are sorted, ascending, NULLs last. Empty: not said. */
  readonly sortColumns: readonly string[]
}

/** Where the ids of partition fields begin: Iceberg's own first number, kept by all its writers. */
const FIRST_PARTITION_FIELD_ID = 1000

/** The part of a table's metadata that says how files are made. */
export type LayoutMetadata = Pick<
  TableMetadata,
  | 'last-column-id'
  | 'current-schema-id'
  | 'schemas'
  | 'default-spec-id'
  | 'partition-specs'
  | 'last-partition-id'
  | 'default-sort-order-id'
  | 'sort-orders'
>

/** Says the layout in the table's metadata: with the entries that are there, and new ones where none says the same. */
export function layoutMetadata(layout: TableLayout, before: LayoutMetadata | undefined): LayoutMetadata {
  const schemas = withSchema(layout.columns, before?.schemas ?? [])
  const specs = withSpec(layout, before)
  const orders = withOrder(layout, before?.['sort-orders'] ?? [])
  return {
    'last-column-id': Math.max(before?.['last-column-id'] ?? 0, ...layout.columns.flatMap(idsOf)),
    'current-schema-id': schemas.current,
    schemas: schemas.all,
    'default-spec-id': specs.current,
    'partition-specs': specs.all,
    'last-partition-id': Math.max(
      FIRST_PARTITION_FIELD_ID - 1,
      before?.['last-partition-id'] ?? 0,
      ...specs.all.flatMap(({ fields }) => fields.map((field) => field['field-id'])),
    ),
    'default-sort-order-id': orders.current,
    'sort-orders': orders.all,
  }
}

/**
 * A column of the table's current schema that is not ours: one that somebody renamed, added or gave another type.
 * Undefined where all are.
 */
export function foreignField(metadata: LayoutMetadata, columns: readonly TableColumn[]): SchemaField | undefined {
  const ours = new Map(columns.map((column) => [column.fieldId, JSON.stringify(essence(schemaField(column)))]))
  return metadata.schemas
    .find((schema) => schema['schema-id'] === metadata['current-schema-id'])
    ?.fields.find((field) => ours.get(field.id) !== JSON.stringify(essence(field)))
}

/** Iceberg's name of a column's type. */
export function icebergType(type: Exclude<ColumnType, 'list'>): string {
  return type === 'int32' ? 'int' : type
}

interface Numbered<T> {
  readonly current: number
  readonly all: T[]
}

/**
 * No column is an identifier of rows: a row is one (fact, provider), and the provider is NULL where a group has none,
 * which identifier fields must never be.
 */
function withSchema(columns: readonly TableColumn[], schemas: readonly TableSchema[]): Numbered<TableSchema> {
  const fields = columns.map(schemaField)
  const same = schemas.find((schema) => JSON.stringify(schema.fields) === JSON.stringify(fields))
  if (same) return { current: same['schema-id'], all: [...schemas] }
  const id = next(schemas.map((schema) => schema['schema-id']))
  return { current: id, all: [...schemas, { type: 'struct', 'schema-id': id, fields }] }
}

function withSpec(
  { columns, partitionColumns }: TableLayout,
  before: LayoutMetadata | undefined,
): Numbered<PartitionSpec> {
  const specs = before?.['partition-specs'] ?? []
  const known = specs.flatMap(({ fields }) => fields)
  let last = Math.max(FIRST_PARTITION_FIELD_ID - 1, before?.['last-partition-id'] ?? 0)
  const fields = partitionColumns.map((name) => {
    const source = fieldIdOf(columns, name)
    const same = known.find((field) => field['source-id'] === source && field.transform === 'identity')
    return { 'source-id': source, 'field-id': same?.['field-id'] ?? ++last, name, transform: 'identity' }
  })
  const same = specs.find(
    (spec) => JSON.stringify(spec.fields.map(specEssence)) === JSON.stringify(fields.map(specEssence)),
  )
  if (same) return { current: same['spec-id'], all: [...specs] }
  const id = next(specs.map((spec) => spec['spec-id']))
  return { current: id, all: [...specs, { 'spec-id': id, fields }] }
}

function withOrder({ columns, sortColumns }: TableLayout, orders: readonly SortOrder[]): Numbered<SortOrder> {
  // Number 0 is the order of nothing, and every table has it.
  const all = orders.some((order) => order['order-id'] === 0) ? [...orders] : [{ 'order-id': 0, fields: [] }, ...orders]
  const fields = sortColumns.map((name) => ({
    transform: 'identity',
    'source-id': fieldIdOf(columns, name),
    direction: 'asc',
    'null-order': 'nulls-last',
  }))
  const same = all.find(
    (order) => JSON.stringify(order.fields.map(orderEssence)) === JSON.stringify(fields.map(orderEssence)),
  )
  if (same) return { current: same['order-id'], all }
  const id = next(all.map((order) => order['order-id']))
  return { current: id, all: [...all, { 'order-id': id, fields }] }
}

function schemaField({ name, type, fieldId, elementFieldId, meaning }: TableColumn): SchemaField {
  const fieldType =
    type === 'list'
      ? { type: 'list', 'element-id': elementFieldId, element: 'string', 'element-required': false }
      : icebergType(type)
  return { id: fieldId, name, required: false, type: fieldType, doc: meaning }
}

function essence({ id, name, required, type }: SchemaField): unknown {
  const { type: kind, ...rest } = typeof type === 'string' ? { type } : type
  return [id, name, required, kind, rest['element-id'] ?? null, rest['element'] ?? null]
}

function specEssence(field: PartitionSpec['fields'][number]): unknown {
  return [field['source-id'], field['field-id'], field.name, field.transform]
}

function orderEssence(field: SortOrder['fields'][number]): unknown {
  return [field.transform, field['source-id'], field.direction, field['null-order']]
}

function idsOf({ fieldId, elementFieldId }: TableColumn): number[] {
  return elementFieldId === undefined ? [fieldId] : [fieldId, elementFieldId]
}

/** The layout's columns were checked against the configuration; a name that is none of them is a defect. */
function fieldIdOf(columns: readonly TableColumn[], name: string): number {
  const column = columns.find((candidate) => candidate.name === name)
  if (!column) throw new TypeError(`the layout names a column '${name}' that the table does not have`)
  return column.fieldId
}

function next(ids: readonly number[]): number {
  return Math.max(-1, ...ids) + 1
}
