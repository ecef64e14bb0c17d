/**
 * Where a file of the analytics table ends. The slices themselves decide, by a hash of what they are, so that a slice
 * that comes, goes or grows moves the ends of its own file, and those behind it stay where they were.
 */
import { createHash } from 'node:crypto'

/** What a cut is decided by. */
export interface CuttableSlice {
  /** The slice's own partition values, as one text. */
  readonly identity: string
  readonly rows: number
}

/**
 * Cuts slices into files, in their order. A file ends after a slice whose hash says so once it has half of
 * `targetRows`, and before a slice with which it would have more than twice as many; a slice beyond that stands alone.
 */
export function* cutFiles<T extends CuttableSlice>(slices: Iterable<T>, targetRows: number): Generator<T[]> {
  let file: T[] = []
  let rows = 0
  for (const slice of slices) {
    if (file.length > 0 && rows + slice.rows > 2 * targetRows) {
      yield file
      file = []
      rows = 0
    }
    file.push(slice)
    rows += slice.rows
    if (2 * rows < targetRows || !endsFile(slice, targetRows)) continue
    yield file
    file = []
    rows = 0
  }
  if (file.length > 0) yield file
}

/** The chance grows with the rows, so that a file has about `targetRows`, be its slices small or large. */
function endsFile({ identity, rows }: CuttableSlice, targetRows: number): boolean {
  const hash = createHash('sha256').update(identity).digest().readUInt32BE(0) / 2 ** 32
  return hash < (2 * rows) / targetRows
}
