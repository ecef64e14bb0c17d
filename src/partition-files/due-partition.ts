/** What the rows of one planned partition are due to be, as a plain join of the staged star says. */
export interface DuePartition {
  /** Of the partition in the plan. */
  readonly ordinal: number
  readonly rows: number
  /** Sum of the hashes of its rows, in decimal digits. */
  readonly checksum: string
}
