/** Partitions as a plan has them, and as a ledger has them when all went well. */
import type { WrittenPartition } from '../../../src/object-audit/written-partition.js'
import type { PlannedPartition } from '../../../src/partition-files/read-plan.js'

export function planned(ordinal: number, rows = 10): PlannedPartition {
  return {
    ordinal,
    action: 'add',
    block: 0,
    slice: ordinal,
    cell: 0,
    key: `state=S${ordinal}/file.parquet`,
    rows,
    facts: rows,
    fingerprint: `f${ordinal}`,
    observedEtag: undefined,
    publishedSha256: undefined,
  }
}

export function written({ ordinal, key, rows, facts, fingerprint }: PlannedPartition): WrittenPartition {
  return { ordinal, key, writtenRows: rows, facts, bytes: 1, sha256: '', fingerprint, checksum: '0' }
}
