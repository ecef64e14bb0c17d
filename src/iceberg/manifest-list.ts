/** Manifest lists (Iceberg specification, "Manifest Lists"): an Avro file per snapshot that names its manifests. */
import { z } from 'zod'
import { readAvroFile, writeAvroFile } from './avro-file.js'
import { type AvroRecord, optional, record } from './avro-schema.js'
import { textValue } from './bounds.js'
import { type ManifestEntry, STATUS } from './manifest-entry.js'
import { FORMAT_VERSION, type PartitionSpec, unreadable } from './table-metadata.js'

/** What a manifest holds. */
export const CONTENT = { data: 0, deletes: 1 } as const

/** What a manifest's entries of one status add up to. */
export interface FileCounts {
  readonly files: number
  readonly rows: number
}

/** Which values of a partition column a manifest's files have; texts in UTF-8. */
export interface FieldSummary {
  readonly containsNull: boolean
  readonly lower: Uint8Array | undefined
  readonly upper: Uint8Array | undefined
}

/** A manifest as a manifest list names it. */
export interface ManifestFile {
  /** Full address. */
  readonly path: string
  readonly bytes: number
  readonly specId: number
  readonly content: (typeof CONTENT)[keyof typeof CONTENT]
  /** Of the snapshot for which it was written. */
  readonly sequenceNumber: bigint
  /** The lowest of the files that are there. */
  readonly minSequenceNumber: bigint
  /** The snapshot for which it was written. */
  readonly snapshotId: bigint
  readonly added: FileCounts
  readonly existing: FileCounts
  readonly deleted: FileCounts
  readonly partitions: readonly FieldSummary[]
}

/** What a manifest list says of itself. */
export interface ListedSnapshot {
  readonly snapshotId: bigint
  readonly parentId: bigint | undefined
  readonly sequenceNumber: bigint
}

const manifestFileSchema = z.object({
  manifest_path: z.string(),
  manifest_length: z.bigint(),
  partition_spec_id: z.int(),
  content: z.union([z.literal(CONTENT.data), z.literal(CONTENT.deletes)]).default(CONTENT.data),
  sequence_number: z.bigint().default(0n),
  min_sequence_number: z.bigint().default(0n),
  added_snapshot_id: z.bigint(),
  added_files_count: z.int(),
  existing_files_count: z.int(),
  deleted_files_count: z.int(),
  added_rows_count: z.bigint(),
  existing_rows_count: z.bigint(),
  deleted_rows_count: z.bigint(),
  partitions: z
    .array(
      z.object({
        contains_null: z.boolean(),
        lower_bound: z.instanceof(Uint8Array).nullish(),
        upper_bound: z.instanceof(Uint8Array).nullish(),
      }),
    )
    .nullish(),
})

/** A manifest list. */
export function writeManifestList(snapshot: ListedSnapshot, manifests: readonly ManifestFile[]): Uint8Array {
  return writeAvroFile(
    MANIFEST_LIST,
    [
      ['snapshot-id', String(snapshot.snapshotId)],
      ['parent-snapshot-id', String(snapshot.parentId ?? 'null')],
      ['sequence-number', String(snapshot.sequenceNumber)],
      ['format-version', String(FORMAT_VERSION)],
    ],
    manifests.map((manifest) => ({
      manifest_path: manifest.path,
      manifest_length: BigInt(manifest.bytes),
      partition_spec_id: manifest.specId,
      content: manifest.content,
      sequence_number: manifest.sequenceNumber,
      min_sequence_number: manifest.minSequenceNumber,
      added_snapshot_id: manifest.snapshotId,
      added_files_count: manifest.added.files,
      existing_files_count: manifest.existing.files,
      deleted_files_count: manifest.deleted.files,
      added_rows_count: BigInt(manifest.added.rows),
      existing_rows_count: BigInt(manifest.existing.rows),
      deleted_rows_count: BigInt(manifest.deleted.rows),
      partitions: manifest.partitions.map(({ containsNull, lower, upper }) => ({
        contains_null: containsNull,
        contains_nan: false,
        lower_bound: lower ? Buffer.from(lower) : null,
        upper_bound: upper ? Buffer.from(upper) : null,
      })),
    })),
  )
}

/**
 * The manifests of a snapshot, whoever wrote it.
 *
 * @throws IntegrityError `ETL3-IC-04` where it is no manifest list
 */
export function readManifestList(bytes: Uint8Array, location: string): ManifestFile[] {
  try {
    const records = z.array(manifestFileSchema).parse(readAvroFile(bytes).records)
    return records.map((manifest) => ({
      path: manifest.manifest_path,
      bytes: Number(manifest.manifest_length),
      specId: manifest.partition_spec_id,
      content: manifest.content,
      sequenceNumber: manifest.sequence_number,
      minSequenceNumber: manifest.min_sequence_number,
      snapshotId: manifest.added_snapshot_id,
      added: { files: manifest.added_files_count, rows: Number(manifest.added_rows_count) },
      existing: { files: manifest.existing_files_count, rows: Number(manifest.existing_rows_count) },
      deleted: { files: manifest.deleted_files_count, rows: Number(manifest.deleted_rows_count) },
      partitions: (manifest.partitions ?? []).map(({ contains_null, lower_bound, upper_bound }) => ({
        containsNull: contains_null,
        lower: lower_bound ?? undefined,
        upper: upper_bound ?? undefined,
      })),
    }))
  } catch (cause) {
    throw unreadable(location, cause)
  }
}

/** What the manifest list says of a manifest that is written for a snapshot. */
export function manifestFileOf(
  written: { readonly path: string; readonly bytes: number },
  spec: PartitionSpec,
  { snapshotId, sequenceNumber }: ListedSnapshot,
  entries: readonly ManifestEntry[],
): ManifestFile {
  const there = entries.filter(({ status }) => status !== STATUS.deleted).map((entry) => entry.sequenceNumber)
  return {
    ...written,
    specId: spec['spec-id'],
    content: CONTENT.data,
    sequenceNumber,
    minSequenceNumber: there.toSorted((a, b) => Number(a - b))[0] ?? sequenceNumber,
    snapshotId,
    added: countOf(entries, STATUS.added),
    existing: countOf(entries, STATUS.existing),
    deleted: countOf(entries, STATUS.deleted),
    partitions: spec.fields.map((_, i) => summaryOf(entries.map(({ file }) => file.partition[i] ?? null))),
  }
}

function countOf(entries: readonly ManifestEntry[], status: ManifestEntry['status']): FileCounts {
  const counted = entries.filter((entry) => entry.status === status)
  return { files: counted.length, rows: counted.reduce((sum, { file }) => sum + file.rows, 0) }
}

function summaryOf(values: readonly (string | null)[]): FieldSummary {
  const texts = values.filter((value) => value !== null).map(textValue)
  const sorted = texts.toSorted((a, b) => Buffer.compare(a, b))
  return { containsNull: values.includes(null), lower: sorted[0], upper: sorted.at(-1) }
}

const FIELD_SUMMARY = record('r508', [
  { name: 'contains_null', type: 'boolean', 'field-id': 509 },
  optional('contains_nan', 'boolean', 518),
  optional('lower_bound', 'bytes', 510),
  optional('upper_bound', 'bytes', 511),
])

/** Names and ids as the specification gives them. */
const MANIFEST_LIST: AvroRecord = record('manifest_file', [
  { name: 'manifest_path', type: 'string', 'field-id': 500 },
  { name: 'manifest_length', type: 'long', 'field-id': 501 },
  { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
  { name: 'content', type: 'int', 'field-id': 517 },
  { name: 'sequence_number', type: 'long', 'field-id': 515 },
  { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
  { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
  { name: 'added_files_count', type: 'int', 'field-id': 504 },
  { name: 'existing_files_count', type: 'int', 'field-id': 505 },
  { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
  { name: 'added_rows_count', type: 'long', 'field-id': 512 },
  { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
  { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
  optional('partitions', { type: 'array', items: FIELD_SUMMARY, 'element-id': 508 }, 507),
])
