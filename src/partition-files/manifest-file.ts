/** `manifest.parquet`: every partition of the table as a run leaves it, kept ones included, in the order of the keys. */
import { type AskedColumns, type PartitionFormat, partitionRelation } from './partition-file.js'

const COLUMNS = {
  /** Under the table. */
  key: 'VARCHAR',
  rows: 'BIGINT',
  facts: 'BIGINT',
  bytes: 'BIGINT',
  /** Hexadecimal digits. */
  sha256: 'VARCHAR',
  /** As the plan has it. */
  fingerprint: 'VARCHAR',
  /** The mark that the store gave the object. */
  etag: 'VARCHAR',
  /** The run that wrote the object. */
  run_id: 'VARCHAR',
} as const

/** A column of every manifest. The partition columns follow, in their order, with the raw values. */
export type ManifestColumn = keyof typeof COLUMNS

/** The format of `manifest.parquet`. Version 1 had no version in it. */
export const MANIFEST_FORMAT: PartitionFormat<ManifestColumn> = {
  name: 'manifest.parquet',
  version: 2,
  columns: COLUMNS,
}

/** SQL of the partitions of local manifests; none for no manifest. */
export function manifestRelation(manifests: readonly string[], asked: AskedColumns<ManifestColumn>): string {
  return partitionRelation(MANIFEST_FORMAT, manifests, asked)
}
