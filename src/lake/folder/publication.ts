/** Moves finished files to their places in the table: where nothing stands, or over what is known to stand there. */
import { type BigIntStats, copyFileSync, linkSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from '../file-errors.js'
import type { PublishOutcome } from '../object-store.js'
import { etagOf, flushOne, statOf } from '../whole-file.js'
import type { FolderMaker } from './folder-maker.js'
import { ForeseenFolders } from './foreseen-folders.js'
import type { UnfinishedFiles } from './unfinished-files.js'

/** An object on its way to where nothing stands. */
export interface NewObject {
  readonly source: string
  readonly stats: BigIntStats
  /** Where it goes. */
  readonly path: string
  /** Where folders were made ready for it. */
  readonly foreseen: string | undefined
}

/** Publishes the files of one store. Errors of the system come out as they are. */
export class Publication {
  readonly #root: string
  readonly #folders: FolderMaker
  readonly #unfinished: UnfinishedFiles
  readonly #foreseen = new Map<string, ForeseenFolders>()

  constructor(root: string, folders: FolderMaker, unfinished: UnfinishedFiles) {
    this.#root = root
    this.#folders = folders
    this.#unfinished = unfinished
  }

  /**
   * Moves a file to where nothing stands. A link, not a rename, because only a link fails where something does.
   * @returns undefined where something else stands there; nothing was done then
   */
  publishNew({ source, stats, path, foreseen }: NewObject): PublishOutcome | undefined {
    let copied = false
    const link = (): void => {
      copied = this.#acrossDisks(source, linkSync, path)
    }
    try {
      if (!this.#intoForeseen(path, foreseen, link)) this.#folders.into(path, link)
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      const found = statOf(path)
      // The same file under both names: an earlier attempt was stopped between link and unlink.
      if (found?.ino !== stats.ino || found.dev !== stats.dev) return undefined
    }
    unlinkSync(source)
    // The same file under another name has the same mark.
    return copied ? this.#moved(path) : { outcome: 'moved', etag: etagOf(stats) }
  }

  /** Moves a file over the one that stands there. */
  publishOver(source: string, path: string): PublishOutcome {
    this.#folders.into(path, () => this.#acrossDisks(source, renameSync, path))
    rmSync(source, { force: true })
    return this.#moved(path)
  }

  /** Does something in a folder that was foreseen. @returns false where it is not there, and nothing was done */
  #intoForeseen(path: string, place: string | undefined, act: () => void): boolean {
    if (place === undefined) return false
    let foreseen = this.#foreseen.get(place)
    if (!foreseen) {
      foreseen = new ForeseenFolders(this.#root, place)
      this.#foreseen.set(place, foreseen)
    }
    if (!foreseen.take(dirname(path), this.#folders)) return false
    try {
      act()
      return true
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      return false
    }
  }

  #moved(path: string): PublishOutcome {
    const stats = statOf(path)
    if (!stats) throw new Error(`'${path}' vanished as it was published`)
    return { outcome: 'moved', etag: etagOf(stats) }
  }

  /**
   * Renames or links; where source and target lie on different disks, a copy on the target's disk instead.
   * @returns whether it is a copy
   */
  #acrossDisks(source: string, move: (from: string, to: string) => void, path: string): boolean {
    try {
      move(source, path)
      return false
    } catch (error) {
      if (systemCode(error) !== 'EXDEV') throw error
      const copy = this.#unfinished.next()
      try {
        copyFileSync(source, copy)
        flushOne(copy)
        move(copy, path)
        return true
      } finally {
        rmSync(copy, { force: true })
      }
    }
  }
}
