/** One file under several names: symbolic and hard links. Its rows must not count twice. */
import { realpathSync, statSync } from 'node:fs'
import { groupBy } from '../runtime/group-by.js'

/** Files, each once, in their order, and what is to be said of the names that were left out. */
export interface DistinctFiles {
  readonly files: readonly string[]
  /** A sentence for each name that was left out. */
  readonly twice: readonly string[]
}

/** Takes each file once: under its own name if that is among the paths, else under the first one. */
export function distinctFiles(paths: readonly string[]): DistinctFiles {
  const names = groupBy(paths, identityOf)
  const taken = new Set<string>()
  const twice: string[] = []
  for (const [identity, same] of names) {
    const kept = same.includes(identity) ? identity : (same[0] ?? identity)
    taken.add(kept)
    for (const other of same) if (other !== kept) twice.push(`${other} is ${kept} again, by a link, and counts once`)
  }
  return { files: paths.filter((path) => taken.has(path)), twice }
}

/** What is the same text for all names of one file. */
export function identityOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (stat === undefined) return path
  return stat.nlink > 1n ? `hard link ${stat.dev}:${stat.ino}` : realpathSync.native(path)
}
