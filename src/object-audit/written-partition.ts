/** What the writer says of a partition that it wrote: an entry of the ledger. */
export interface WrittenPartition {
  /** Of its partition in the plan. */
  readonly ordinal: number
  readonly key: string
  readonly writtenRows: number
  readonly facts: number
  readonly bytes: number
  /** Hexadecimal digits. */
  readonly sha256: string
  readonly fingerprint: string
  /** Sum of the hashes of its rows as the encoder was handed them, in decimal digits. */
  readonly checksum: string
}
