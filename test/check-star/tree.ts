/** The files of a published table: which there are, what they hold, and whether they were written again. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { filesUnder } from '../oracle/compare-table.js'

/** SHA-256 of each file, by its path under the root. */
export type Tree = ReadonlyMap<string, string>

/** Reads every file under a folder. */
export function readTree(root: string): Tree {
  return new Map(
    filesUnder(root).map((file) => [
      relative(root, file),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    ]),
  )
}

/** Inode and time of each file: they change when a file is written again, even with the same bytes. */
export function readStamps(root: string): Tree {
  return new Map(
    filesUnder(root).map((file) => {
      const { ino, mtimeMs } = statSync(file)
      return [relative(root, file), `${ino} ${mtimeMs}`]
    }),
  )
}

/** How one tree differs from an earlier one. */
export interface TreeDifference {
  readonly added: ReadonlySet<string>
  readonly changed: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
}

/** Compares two readings of the same kind. */
export function differenceOf(before: Tree, after: Tree): TreeDifference {
  const paths = [...after.keys()]
  return {
    added: new Set(paths.filter((path) => !before.has(path))),
    changed: new Set(paths.filter((path) => before.has(path) && before.get(path) !== after.get(path))),
    removed: new Set([...before.keys()].filter((path) => !after.has(path))),
  }
}

/** A sentence on a difference; undefined when there is none. */
export function sentenceOf({ added, changed, removed }: TreeDifference): string | undefined {
  if (added.size + changed.size + removed.size === 0) return undefined
  const [example] = [...changed, ...added, ...removed]
  return `${added.size} more, ${changed.size} other, ${removed.size} fewer files, e.g. ${example}`
}
