/**
 * Which files of facts are staged together. A file takes a few milliseconds of the engine and, by itself, six events of the
 * run's history; so small files share an activity, and the history grows with their bytes, not with their number.
 */
import { consecutiveGroups } from '../runtime/consecutive-groups.js'

/** Files from `from` up to, not including, `to`, by their place in the table. */
export interface FileRange {
  readonly from: number
  readonly to: number
}

/** How much one activity stages at most. */
export interface BatchBounds {
  /** {@link bytesOfRows} of all files together. A larger file is a batch by itself. */
  readonly bytes: number
  readonly files: number
}

/** Some seconds to open them. */
const MOST_FILES = 10_000

/** What a file takes whatever it holds: its footer, and of each column a header and a dictionary of its own. */
const BYTES_OF_A_FILE = 10 * 1024

/** What of a file is rows, roughly: 100 facts take 14 KB by themselves, and 3 KB among many. */
export function bytesOfRows(bytes: number): number {
  return Math.max(0, bytes - BYTES_OF_A_FILE)
}

const BYTES_PER_MB = 1024 * 1024

/** The bounds that a configuration asks for. @param batchMb 0: each file by itself */
export function batchBounds(batchMb: number): BatchBounds {
  return { bytes: batchMb * BYTES_PER_MB, files: MOST_FILES }
}

/** How many files are in each batch, in the order of the files. Every file is in exactly one batch. */
export function batchSizes(files: readonly { readonly bytes: number }[], bounds: BatchBounds): number[] {
  return consecutiveGroups(files, ({ bytes }) => bytesOfRows(bytes), { weight: bounds.bytes, items: bounds.files }).map(
    ({ length }) => length,
  )
}

/** The files of each batch. */
export function batchRanges(sizes: readonly number[]): FileRange[] {
  let from = 0
  return sizes.map((size) => {
    const range = { from, to: from + size }
    from = range.to
    return range
  })
}
