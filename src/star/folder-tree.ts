/** Folders of this machine as a tree of input files. */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { InputError } from '../runtime/errors.js'
import type { InputTree } from './input-tree.js'

/** Folders of this machine. Symbolic links are followed. */
export class FolderTree implements InputTree {
  /** As in DuckDB's and a shell's patterns. */
  readonly crossesFolders = false

  kindOf(path: string): 'file' | 'folder' | undefined {
    const stat = readable(path, () => statOf(path))
    if (stat === undefined) return undefined
    if (stat.isFile()) return 'file'
    if (stat.isDirectory()) return 'folder'
    throw new InputError('ETL3-IN-06', `an input file is neither a file nor a folder [file=${path}]`, {
      hint: 'Name a file: a pipe or a device cannot be read twice.',
    })
  }

  namesIn(folder: string): readonly string[] {
    return readable(folder, () => (leadsUp(folder) ? [] : readdirSync(folder)))
  }

  join(folder: string, name: string): string {
    return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`
  }
}

const NOTHING_THERE: ReadonlySet<unknown> = new Set(['ENOTDIR', 'ENAMETOOLONG'])

/** What lies under a path, links followed; undefined where nothing does, or where a part of the path is no folder. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    // A pattern may be longer than any name.
    if (error instanceof Error && 'code' in error && NOTHING_THERE.has(error.code)) return undefined
    throw error
  }
}

/** Whether a folder is a link to one above it: what it holds has been met already, and would be met without an end. */
function leadsUp(folder: string): boolean {
  const real = realpathSync(folder)
  for (let above = folder; above.length > 1; ) {
    above = above.slice(0, above.lastIndexOf('/')) || '/'
    if (realpathSync(above) === real) return true
  }
  return false
}

function readable<T>(path: string, look: () => T): T {
  try {
    return look()
  } catch (cause) {
    throw new InputError('ETL3-IN-06', `an input file cannot be read [file=${path}]`, {
      hint: 'Check the permissions of the file and its folders.',
      cause,
    })
  }
}
