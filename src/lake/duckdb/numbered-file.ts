/**
 * A file that is replaced as a whole and never goes back: each writer brings a number that only grows (the run lock's),
 * and a writer with a lower number than the newest one changes nothing, however late it wakes up.
 *
 * No file system call renames on a condition, but a name that holds the number cannot be taken by an older writer. So
 * each version lies under its own name in a folder beside the file, and the file is a link to the newest of them.
 */
import { linkSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { failPoint } from '../../runtime/fail-point.js'
import { makeFolder } from '../../runtime/make-folder.js'
import { systemCode } from '../file-errors.js'

const DIGITS = 10
const VERSION = /^(\d{10})$/

/** One file with its versions. */
export class NumberedFile {
  readonly #path: string
  readonly #folder: string

  /** @param path the file; its versions lie in `<path>.versions` */
  constructor(path: string) {
    this.#path = path
    this.#folder = `${path}.versions`
  }

  /** Where a version lies. */
  locate(number: number): string {
    return join(this.#folder, String(number).padStart(DIGITS, '0'))
  }

  /**
   * Makes a finished file the one of `number`, and the newest version what readers see. A writer that does it again
   * replaces its own version.
   * @param fresh a file on the same file system; it is gone afterwards
   * @returns the newest number: a higher one than `number` means that nothing changed for readers
   */
  replace(fresh: string, number: number): number {
    makeFolder(this.#folder)
    renameSync(fresh, this.locate(number))
    for (;;) {
      const newest = Math.max(...this.#numbers())
      // Whoever came with a higher number meanwhile may have been overtaken by this very link: look again.
      if (!this.#show(newest) || newest !== Math.max(...this.#numbers())) continue
      for (const name of readdirSync(this.#folder)) {
        // Links of writers that were killed, too; one that still works makes another.
        if (!VERSION.test(name) || Number(name) < newest) rmSync(join(this.#folder, name), { force: true })
      }
      return newest
    }
  }

  /** Whether readers see the version now. */
  #show(number: number): boolean {
    const link = join(this.#folder, `link-${process.pid}-${performance.now()}`)
    try {
      linkSync(this.locate(number), link)
      failPoint('register:show')
      renameSync(link, this.#path)
      return true
    } catch (error) {
      // A newer writer has removed this version, or the link: the next look finds its own version.
      if (systemCode(error) !== 'ENOENT') throw error
      return false
    } finally {
      // Two names of one file: a rename between them leaves both.
      rmSync(link, { force: true })
    }
  }

  #numbers(): number[] {
    return readdirSync(this.#folder).flatMap((name) => (VERSION.test(name) ? [Number(name)] : []))
  }
}
