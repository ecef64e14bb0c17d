/** One partition in so many. */
const SAMPLE_EVERY = 50

/** What is chosen by. */
interface Sampled {
  readonly ordinal: number
  readonly rows: number
}

/** Partitions of which every row is read again, the same in every attempt: the largest of a unit, and one in fifty. */
export function sampleOf<T extends Sampled>(due: readonly T[]): readonly T[] {
  const largest = due.reduce<T | undefined>((max, p) => (max === undefined || p.rows > max.rows ? p : max), undefined)
  return due.filter((p) => p === largest || p.ordinal % SAMPLE_EVERY === 0)
}
