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
  /** About how many it takes in a file; see `estimatedBytes`. */
  readonly bytes: number
}

/** About how much a file is to have, by whichever of the two it reaches first. */
export interface FileTarget {
  readonly rows: number
  /** `Infinity`: as many as the rows take. */
  readonly bytes: number
}

/**
 * Cuts slices into files, in their order. A file ends after a slice whose hash says so once it has half of the target, and
 * before a slice with which it would have more than twice as much; a slice beyond that stands alone.
 */
export function* cutFiles<T extends CuttableSlice>(slices: Iterable<T>, target: FileTarget): Generator<T[]> {
  let file: T[] = []
  let size = { rows: 0, bytes: 0 }
  for (const slice of slices) {
    if (file.length > 0 && shareOf(sum(size, slice), target) > 2) {
      yield file
      file = []
      size = { rows: 0, bytes: 0 }
    }
    file.push(slice)
    size = sum(size, slice)
    if (2 * shareOf(size, target) < 1 || !endsFile(slice, target)) continue
    yield file
    file = []
    size = { rows: 0, bytes: 0 }
  }
  if (file.length > 0) yield file
}

type Size = Pick<CuttableSlice, 'rows' | 'bytes'>

function sum(a: Size, b: Size): Size {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes }
}

/** How much of a target it is: 1 is all of it. */
function shareOf({ rows, bytes }: Size, target: FileTarget): number {
  return Math.max(rows / target.rows, bytes / target.bytes)
}

/** The chance grows with the size, so that a file has about the target, be its slices small or large. */
function endsFile(slice: CuttableSlice, target: FileTarget): boolean {
  const hash = createHash('sha256').update(slice.identity).digest().readUInt32BE(0) / 2 ** 32
  return hash < 2 * shareOf(slice, target)
}
