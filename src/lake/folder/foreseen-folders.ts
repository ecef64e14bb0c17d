/**
 * Folders that were made beforehand, out of readers' sight ({@link ObjectStore.foresee}), and are put into their place
 * by renames: one for each largest tree that is not there yet. On a first run that is one for each value of the first
 * partition column, instead of 72,000 folders made one by one while the table is published.
 */
import { renameSync } from 'node:fs'
import { systemCode } from '../file-errors.js'
import type { FolderMaker } from './folder-maker.js'

/** The folders that were foreseen for one root at one place. */
export class ForeseenFolders {
  readonly #root: string
  readonly #place: string
  /** Roots of the trees that came by a rename, in this process or in another. */
  readonly #taken = new Set<string>()

  /**
   * @param root of the store
   * @param place where the folders lie under the names that they have below the root
   */
  constructor(root: string, place: string) {
    this.#root = root
    this.#place = place
  }

  /**
   * Puts a folder with all above and below it into its place, as far as it was made.
   * @returns false where this cannot work here; true says that the folder is there most likely: whoever uses it finds out
   */
  take(folder: string, folders: FolderMaker): boolean {
    folders.make(this.#root)
    for (let end = this.#root.length; end < folder.length; ) {
      const slash = folder.indexOf('/', end + 1)
      end = slash < 0 ? folder.length : slash
      const ancestor = folder.slice(0, end)
      if (this.#taken.has(ancestor)) return true
      if (folders.knows(ancestor)) continue
      try {
        renameSync(this.#place + ancestor.slice(this.#root.length), ancestor)
        this.#taken.add(ancestor)
        return true
      } catch (error) {
        switch (systemCode(error) ?? '') {
          case 'ENOTEMPTY':
          case 'EEXIST':
            // There is such a folder already: the trees below it are taken one by one.
            folders.note(ancestor)
            continue
          case 'ENOENT':
            // Taken for an earlier object, or never made.
            this.#taken.add(ancestor)
            return true
          default:
            return false
        }
      }
    }
    return true
  }
}
