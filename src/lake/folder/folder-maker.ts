/** Makes folders once each and remembers them. */
import { dirname } from 'node:path'
import { makeFolder } from '../../runtime/make-folder.js'
import { systemCode } from '../file-errors.js'

/** How often a write that meets a folder being removed makes it again. */
const FOLDER_ATTEMPTS = 5

/** The folders of one root. */
export class FolderMaker {
  readonly #root: string
  readonly #known = new Set<string>()

  /** @param root absolute; made with the first folder */
  constructor(root: string) {
    this.#root = root
  }

  /**
   * Makes a folder below the root, or the root, unless it is known to be there.
   * @param mode rights of the folder itself, if it is made now; those above it get the umask's
   */
  make(folder: string, mode?: number): void {
    if (this.#known.has(folder)) return
    // Parents first, so that each call makes one folder: five times faster than a recursive one for each file.
    if (folder.length > this.#root.length) this.make(dirname(folder))
    makeFolder(folder, mode)
    this.#known.add(folder)
  }

  /** Does something in the folder of `path`, which is made if need be, also where another process just removed it. */
  into(path: string, act: () => void): void {
    const folder = dirname(path)
    for (let attempt = 1; ; attempt++) {
      this.make(folder)
      try {
        act()
        return
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === FOLDER_ATTEMPTS) throw error
        this.forget()
      }
    }
  }

  knows(folder: string): boolean {
    return this.#known.has(folder)
  }

  /** Remembers a folder that is there. */
  note(folder: string): void {
    this.#known.add(folder)
  }

  /** Forgets a folder and all below it; without one, all. */
  forget(folder?: string): void {
    if (folder === undefined) {
      this.#known.clear()
      return
    }
    for (const known of this.#known) {
      if (known === folder || known.startsWith(`${folder}/`)) this.#known.delete(known)
    }
  }

  /** Forgets this one folder. */
  forgetOne(folder: string): void {
    this.#known.delete(folder)
  }
}
