/** `metadata.json` (Iceberg specification, "Table Metadata"): what is in it, read from whoever wrote it. */
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { IntegrityError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { parseExactJson, writeExactJson } from './exact-json.js'

/** The version of the format that is written here. */
export const FORMAT_VERSION = 2

/** In a table's properties: what says that ETL3 made it. */
export const LAYOUT_PROPERTY = 'etl3.layout-version'
/** In a table's properties: metadata files of others that were set aside, so that they are not met again. */
export const SET_ASIDE_PROPERTY = 'etl3.set-aside'
/** In a snapshot's summary: the run that made it. A snapshot without is not ETL3's. */
export const RUN_SUMMARY = 'etl3.run-id'
/** In a snapshot's summary: the number of the lock that the run held. */
export const LOCK_SUMMARY = 'etl3.lock-number'

/** In a table's metadata: lists of files of figures. */
export const STATISTICS = ['statistics', 'partition-statistics'] as const

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b])

const idSchema = z.union([z.int(), z.bigint()]).transform(BigInt)

const fieldSchema = z.looseObject({
  id: z.int(),
  name: z.string(),
  required: z.boolean(),
  type: z.union([z.string(), z.looseObject({ type: z.string() })]),
})

const tableSchemaSchema = z.looseObject({
  type: z.literal('struct'),
  'schema-id': z.int(),
  fields: z.array(fieldSchema),
})

const partitionSpecSchema = z.looseObject({
  'spec-id': z.int(),
  fields: z.array(
    z.looseObject({ 'source-id': z.int().optional(), 'field-id': z.int(), name: z.string(), transform: z.string() }),
  ),
})

const sortOrderSchema = z.looseObject({
  'order-id': z.int(),
  fields: z.array(
    z.looseObject({
      transform: z.string(),
      'source-id': z.int().optional(),
      direction: z.string(),
      'null-order': z.string(),
    }),
  ),
})

const snapshotSchema = z.looseObject({
  'snapshot-id': idSchema,
  'parent-snapshot-id': idSchema.nullish(),
  'sequence-number': z.int().default(0),
  'timestamp-ms': z.int(),
  'manifest-list': z.string(),
  summary: z.record(z.string(), z.string()).default({}),
})

/** Files of figures that engines compute for a snapshot and put beside it. */
const statisticsSchema = z.array(z.looseObject({ 'snapshot-id': idSchema, 'statistics-path': z.string() }))

const metadataSchema = z.looseObject({
  'format-version': z.int(),
  'table-uuid': z.string(),
  location: z.string(),
  'last-sequence-number': z.int().default(0),
  'last-updated-ms': z.int(),
  'last-column-id': z.int(),
  'current-schema-id': z.int().default(0),
  schemas: z.array(tableSchemaSchema),
  'default-spec-id': z.int(),
  'partition-specs': z.array(partitionSpecSchema),
  'last-partition-id': z.int(),
  'default-sort-order-id': z.int(),
  'sort-orders': z.array(sortOrderSchema),
  properties: z.record(z.string(), z.string()).default({}),
  'current-snapshot-id': idSchema.nullish(),
  refs: z.record(z.string(), z.looseObject({ 'snapshot-id': idSchema, type: z.string() })).default({}),
  snapshots: z.array(snapshotSchema).default([]),
  'snapshot-log': z.array(z.looseObject({ 'snapshot-id': idSchema, 'timestamp-ms': z.int() })).default([]),
  'metadata-log': z.array(z.looseObject({ 'metadata-file': z.string(), 'timestamp-ms': z.int() })).default([]),
  statistics: statisticsSchema.optional(),
  'partition-statistics': statisticsSchema.optional(),
})

/** A table's metadata. Keys that are not named here are kept as they are. */
export type TableMetadata = Readonly<z.output<typeof metadataSchema>>
/** A schema of the table. */
export type TableSchema = Readonly<z.output<typeof tableSchemaSchema>>
/** A column of a schema. */
export type SchemaField = Readonly<z.output<typeof fieldSchema>>
/** How files are partitioned. */
export type PartitionSpec = Readonly<z.output<typeof partitionSpecSchema>>
/** How the rows of a file are sorted. */
export type SortOrder = Readonly<z.output<typeof sortOrderSchema>>
/** A state of the table. */
export type Snapshot = Readonly<z.output<typeof snapshotSchema>>

/**
 * Reads a metadata file, compressed or not.
 *
 * @param location its address, for the message
 * @throws IntegrityError `ETL3-IC-04` for anything else
 */
export function parseTableMetadata(bytes: Uint8Array, location: string): TableMetadata {
  try {
    const isCompressed = GZIP_MAGIC.equals(bytes.subarray(0, GZIP_MAGIC.length))
    const text = Buffer.from(isCompressed ? gunzipSync(bytes) : bytes).toString('utf8')
    return metadataSchema.parse(parseExactJson(text))
  } catch (cause) {
    throw unreadable(location, cause)
  }
}

/** The bytes of a metadata file. */
export function writeTableMetadata(metadata: TableMetadata): Uint8Array {
  return Buffer.from(`${writeExactJson(metadata)}\n`)
}

/** The snapshot that readers see; undefined in a table without one. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id']
  return id === null || id === undefined ? undefined : findSnapshot(metadata, id)
}

/** A snapshot by its id; undefined where it is expired, or there was none. */
export function findSnapshot(metadata: TableMetadata, id: bigint): Snapshot | undefined {
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)
}

/** The error for a file of the table's metadata that is not what it should be. */
export function unreadable(location: string, cause: unknown): IntegrityError {
  const reason = cause instanceof Error && cause.name !== 'ZodError' ? `: ${cause.message}` : ''
  return new IntegrityError('ETL3-IC-04', plainText(`the Iceberg table's ${location} cannot be read${reason}`), {
    hint: 'Restore the file from a backup, or move the table away; the next run writes it anew.',
    cause,
  })
}
