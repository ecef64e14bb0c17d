/** Names and ids that follow from what they name, so that the same run makes the same ones again. */
import { createHash } from 'node:crypto'

/** Bits of a snapshot id: as many as every reader of JSON keeps, of the 63 that Iceberg allows. */
const SNAPSHOT_ID_BITS = 52n

/** A UUID of version 8 (RFC 9562) from the digest of texts. */
export function digestUuid(...parts: readonly string[]): string {
  const hex = digest(parts).toString('hex')
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** A snapshot's id from the digest of texts: positive, and a safe integer. */
export function digestSnapshotId(...parts: readonly string[]): bigint {
  return (digest(parts).readBigUInt64BE() & ((1n << SNAPSHOT_ID_BITS) - 1n)) + 1n
}

/** 32 hex digits of the SHA-256 of bytes. */
export function contentName(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}

function digest(parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}
