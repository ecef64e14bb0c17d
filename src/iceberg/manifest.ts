/** Manifests (Iceberg specification, "Manifests"): Avro files that list data files, with what is known of them. */
import { z } from 'zod'
import { readAvroFile, writeAvroFile } from './avro-file.js'
import { type AvroField, type AvroRecord, type AvroType, optional, record } from './avro-schema.js'
import type { ColumnMetrics, DataFile } from './data-file.js'
import { writeExactJson } from './exact-json.js'
import { type ManifestEntry, STATUS } from './manifest-entry.js'
import type { ManifestFile } from './manifest-list.js'
import { FORMAT_VERSION, type PartitionSpec, type TableSchema, unreadable } from './table-metadata.js'

const counts = z.array(z.object({ key: z.int(), value: z.bigint() })).nullish()
const bounds = z.array(z.object({ key: z.int(), value: z.instanceof(Uint8Array) })).nullish()

const entrySchema = z.object({
  status: z.union([z.literal(STATUS.existing), z.literal(STATUS.added), z.literal(STATUS.deleted)]),
  snapshot_id: z.bigint().nullish(),
  sequence_number: z.bigint().nullish(),
  data_file: z.object({
    file_path: z.string(),
    partition: z.object({}).catchall(z.string().nullable()),
    record_count: z.bigint(),
    file_size_in_bytes: z.bigint(),
    column_sizes: counts,
    value_counts: counts,
    null_value_counts: counts,
    nan_value_counts: counts,
    lower_bounds: bounds,
    upper_bounds: bounds,
    split_offsets: z.array(z.bigint()).nullish(),
    sort_order_id: z.int().nullish(),
  }),
})

/** Of an entry that somebody else wrote, only this is looked at. */
const namedFileSchema = z.object({
  status: z.int(),
  data_file: z.object({ file_path: z.string() }),
})

/** A manifest of data files. */
export function writeManifest(schema: TableSchema, spec: PartitionSpec, entries: readonly ManifestEntry[]): Uint8Array {
  return writeAvroFile(
    manifestSchema(spec),
    [
      ['schema', writeExactJson(schema)],
      ['schema-id', String(schema['schema-id'])],
      ['partition-spec', writeExactJson(spec.fields)],
      ['partition-spec-id', String(spec['spec-id'])],
      ['format-version', String(FORMAT_VERSION)],
      ['content', 'data'],
    ],
    entries.map((entry) => entryRecord(spec, entry)),
  )
}

/**
 * The entries of a manifest that ETL3 wrote.
 *
 * @param manifest how the manifest list names it: what an entry leaves open is said there
 * @throws IntegrityError `ETL3-IC-04` where it is no such manifest
 */
export function readManifest(bytes: Uint8Array, manifest: ManifestFile, spec: PartitionSpec): ManifestEntry[] {
  try {
    const records = z.array(entrySchema).parse(readAvroFile(bytes).records)
    return records.map((record) => ({
      status: record.status,
      snapshotId: record.snapshot_id ?? manifest.snapshotId,
      sequenceNumber: record.sequence_number ?? manifest.sequenceNumber,
      sortOrderId: record.data_file.sort_order_id ?? 0,
      file: dataFile(record.data_file, spec),
    }))
  } catch (cause) {
    throw unreadable(manifest.path, cause)
  }
}

/**
 * The files that a manifest of anybody names as being there, data or deletes.
 *
 * @throws IntegrityError `ETL3-IC-04` where it is no manifest
 */
export function readNamedFiles(bytes: Uint8Array, { path }: ManifestFile): string[] {
  try {
    const records = z.array(namedFileSchema).parse(readAvroFile(bytes).records)
    return records.filter(({ status }) => status !== STATUS.deleted).map(({ data_file }) => data_file.file_path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function entryRecord(
  spec: PartitionSpec,
  { status, snapshotId, sequenceNumber, sortOrderId, file }: ManifestEntry,
): unknown {
  // What an added file leaves open is inherited from the manifest list.
  const inherited = status === STATUS.added
  return {
    status,
    snapshot_id: snapshotId,
    sequence_number: inherited ? null : sequenceNumber,
    file_sequence_number: inherited ? null : sequenceNumber,
    data_file: {
      content: 0,
      file_path: file.path,
      file_format: 'PARQUET',
      partition: Object.fromEntries(spec.fields.map(({ name }, i) => [name, file.partition[i] ?? null])),
      record_count: BigInt(file.rows),
      file_size_in_bytes: BigInt(file.bytes),
      column_sizes: countsOf(file.columns, 'bytes'),
      value_counts: countsOf(file.columns, 'values'),
      null_value_counts: countsOf(file.columns, 'nulls'),
      nan_value_counts: countsOf(file.columns, 'nans'),
      lower_bounds: boundsOf(file.columns, 'lower'),
      upper_bounds: boundsOf(file.columns, 'upper'),
      split_offsets: file.splitOffsets.map(BigInt),
      sort_order_id: sortOrderId,
    },
  }
}

function countsOf(
  columns: readonly ColumnMetrics[],
  name: 'bytes' | 'values' | 'nulls' | 'nans',
): { readonly key: number; readonly value: bigint }[] {
  return columns.flatMap(({ fieldId, [name]: count }) =>
    count === undefined ? [] : [{ key: fieldId, value: BigInt(count) }],
  )
}

function boundsOf(
  columns: readonly ColumnMetrics[],
  name: 'lower' | 'upper',
): { readonly key: number; readonly value: Buffer }[] {
  return columns.flatMap(({ fieldId, [name]: bound }) =>
    bound === undefined ? [] : [{ key: fieldId, value: Buffer.from(bound, 'base64') }],
  )
}

function dataFile(record: z.output<typeof entrySchema>['data_file'], spec: PartitionSpec): DataFile {
  const values = numbersByField(record.value_counts)
  const nulls = numbersByField(record.null_value_counts)
  const nans = numbersByField(record.nan_value_counts)
  const lower = new Map(record.lower_bounds?.map(({ key, value }) => [key, value]))
  const upper = new Map(record.upper_bounds?.map(({ key, value }) => [key, value]))
  return {
    path: record.file_path,
    rows: Number(record.record_count),
    bytes: Number(record.file_size_in_bytes),
    partition: spec.fields.map(({ name }) => record.partition[name] ?? null),
    columns: (record.column_sizes ?? []).map(({ key, value }) => {
      const metrics = { values: values.get(key), nulls: nulls.get(key), nans: nans.get(key) }
      const ends = { lower: base64(lower.get(key)), upper: base64(upper.get(key)) }
      return { fieldId: key, bytes: Number(value), ...withoutMissing(metrics), ...withoutMissing(ends) }
    }),
    splitOffsets: (record.split_offsets ?? []).map(Number),
  }
}

function numbersByField(pairs: z.output<typeof counts>): ReadonlyMap<number, number> {
  return new Map(pairs?.map(({ key, value }) => [key, Number(value)]))
}

function base64(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('base64')
}

function withoutMissing<V>(record: Readonly<Record<string, V | undefined>>): Record<string, V> {
  const present: Record<string, V> = {}
  for (const [key, value] of Object.entries(record)) if (value !== undefined) present[key] = value
  return present
}

/** The Avro schema of a manifest: names and ids as the specification gives them. */
function manifestSchema(spec: PartitionSpec): AvroRecord {
  return record('manifest_entry', [
    { name: 'status', type: 'int', 'field-id': 0 },
    optional('snapshot_id', 'long', 1),
    optional('sequence_number', 'long', 3),
    optional('file_sequence_number', 'long', 4),
    { name: 'data_file', type: record('r2', dataFileFields(spec)), 'field-id': 2 },
  ])
}

function dataFileFields(spec: PartitionSpec): AvroField[] {
  // Partition columns are text (ETL3-CF-11).
  const partition = record(
    'r102',
    spec.fields.map((field) => optional(field.name, 'string', field['field-id'])),
  )
  return [
    { name: 'content', type: 'int', 'field-id': 134 },
    { name: 'file_path', type: 'string', 'field-id': 100 },
    { name: 'file_format', type: 'string', 'field-id': 101 },
    { name: 'partition', type: partition, 'field-id': 102 },
    { name: 'record_count', type: 'long', 'field-id': 103 },
    { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
    optional('column_sizes', mapOf(117, 118, 'long'), 108),
    optional('value_counts', mapOf(119, 120, 'long'), 109),
    optional('null_value_counts', mapOf(121, 122, 'long'), 110),
    optional('nan_value_counts', mapOf(138, 139, 'long'), 137),
    optional('lower_bounds', mapOf(126, 127, 'bytes'), 125),
    optional('upper_bounds', mapOf(129, 130, 'bytes'), 128),
    optional('split_offsets', { type: 'array', items: 'long', 'element-id': 133 }, 132),
    optional('sort_order_id', 'int', 140),
  ]
}

/** A map with whole numbers as keys, which Avro does not have (Iceberg specification, appendix A). */
function mapOf(keyId: number, valueId: number, values: string): AvroType {
  return {
    type: 'array',
    logicalType: 'map',
    items: record(`k${keyId}_v${valueId}`, [
      { name: 'key', type: 'int', 'field-id': keyId },
      { name: 'value', type: values, 'field-id': valueId },
    ]),
  }
}
