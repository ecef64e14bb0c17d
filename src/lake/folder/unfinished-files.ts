/** Where files are written before they go into place: a folder on the same file system, swept when it is first used. */
import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { folderError } from '../file-errors.js'
import { UNFINISHED_FOLDER } from '../whole-file.js'
import type { FolderMaker } from './folder-maker.js'

/** Age above which an unfinished file belongs to a process that is gone. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000

/** Names for the unfinished files of one store in this process. */
export class UnfinishedFiles {
  readonly folder: string
  /** Names this store among all that write into the folder. */
  readonly process = `${process.pid}-${randomBytes(6).toString('hex')}`
  readonly #folders: FolderMaker
  #files = 0

  constructor(root: string, folders: FolderMaker) {
    this.folder = join(root, UNFINISHED_FOLDER)
    this.#folders = folders
  }

  /** A path for the next file. @throws ResourceError, ConfigError as {@link folderError} says */
  next(): string {
    if (!this.#folders.knows(this.folder)) {
      try {
        this.#folders.make(this.folder)
        this.#sweep()
      } catch (error) {
        throw folderError(error, 'create', this.folder)
      }
    }
    this.#files += 1
    return `${this.folder}/${this.process}-${this.#files}`
  }

  #sweep(): void {
    for (const name of readdirSync(this.folder)) {
      const path = join(this.folder, name)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS) rmSync(path, { recursive: true, force: true })
    }
  }
}
