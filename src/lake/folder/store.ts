/** The embedded object store: a folder of this machine. */
import { type BigIntStats, linkSync, lstatSync, readFileSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InputError } from '../../runtime/errors.js'
import { existingParent } from '../../runtime/existing-parent.js'
import { makeFolder } from '../../runtime/make-folder.js'
import { privateFolderMode, privateMode } from '../../runtime/private-mode.js'
import { folderError, systemCode } from '../file-errors.js'
import { MAX_KEY_BYTES } from '../keys.js'
import {
  type ListedObject,
  NOT_A_KEY,
  type ObjectContent,
  type ObjectKey,
  ObjectNotFound,
  type ObjectStore,
  type PublishCondition,
  type PublishOutcome,
  type PutObject,
  type PutOptions,
  type SeenObject,
  type StartedPut,
  type StoredObject,
  type UnfinishedWrite,
} from '../object-store.js'
import {
  createDurable,
  digestFile,
  etagOf,
  flushOne,
  isMissing,
  statOf,
  UNFINISHED_FOLDER,
  writePieces,
  writeWhole,
} from '../whole-file.js'
import { flushNames, flushTree, readFolder } from './flush.js'
import { FolderMaker } from './folder-maker.js'
import { Publication } from './publication.js'
import { LARGEST_IN_BATCH_BYTES, putThread } from './put-thread.js'
import { UnfinishedFiles } from './unfinished-files.js'

/** The longest name of a file or folder that common file systems take, in bytes. */
const MAX_SEGMENT_BYTES = 255
/** Entries between two turns of the event loop, so that heartbeats and cancellation get through: some 5 ms. */
const ENTRIES_PER_TURN = 512

/**
 * A folder as an {@link ObjectStore}.
 *
 * A file is written under a temporary name on the same file system and renamed or linked into place, so a reader sees
 * all of it or none. Folders are made once each and remembered. Puts that are only started are a thread's work
 * (put-thread.ts); publishing is publication.ts.
 */
export class FolderStore implements ObjectStore {
  readonly uri: string
  /** System calls are synchronous. */
  readonly atOnce = 1
  readonly mostPublishedBytes = Number.POSITIVE_INFINITY
  readonly #folders: FolderMaker
  readonly #unfinished: UnfinishedFiles
  readonly #publication: Publication

  /** @param root the folder; made with the first object */
  constructor(root: string) {
    this.uri = resolve(root)
    this.#folders = new FolderMaker(this.uri)
    this.#unfinished = new UnfinishedFiles(this.uri, this.#folders)
    this.#publication = new Publication(this.uri, this.#folders, this.#unfinished)
  }

  /**
   * @throws InputError `ETL3-KE-03` where the key could leave the folder, `ETL3-KE-04` where a part of it is longer than
   *   a folder's name can be
   */
  locate(key: ObjectKey): string {
    if (NOT_A_KEY.test(key) || key === UNFINISHED_FOLDER || key.startsWith(`${UNFINISHED_FOLDER}/`)) {
      throw new InputError('ETL3-KE-03', `${JSON.stringify(key)} is not a key of an object`)
    }
    // A character has at most three bytes, so short keys need no counting.
    if (key.length * 3 > MAX_SEGMENT_BYTES) {
      for (const segment of key.split('/')) {
        const bytes = Buffer.byteLength(segment)
        if (bytes > MAX_SEGMENT_BYTES) throw segmentTooLong(segment, bytes)
      }
      if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
        throw new InputError('ETL3-KE-03', `a key has ${MAX_KEY_BYTES} bytes at most: '${key.slice(0, 80)}…'`)
      }
    }
    return `${this.uri}/${key}`
  }

  async put(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    options: PutOptions = {},
  ): Promise<PutObject> {
    signal.throwIfAborted()
    const path = this.locate(key)
    const place = { unfinished: this.#unfinished.next(), path, ...modeOf(options) }
    const rename = (from: string, to: string): void => this.#folders.into(to, () => renameSync(from, to))
    try {
      if (options.folderToo) this.#folders.make(dirname(path), privateFolderMode())
      if (bytes instanceof Uint8Array) return { key, ...writeWhole(place, bytes, rename, { durable: true }) }
      return { key, ...(await writePieces(place, bytes, rename)) }
    } catch (error) {
      throw folderError(error, 'write', path)
    }
  }

  async startPut(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StartedPut> {
    signal.throwIfAborted()
    const pieces = bytes instanceof Uint8Array ? [bytes] : bytes
    if (Symbol.asyncIterator in pieces) return { stored: Promise.resolve(await this.put(key, pieces, signal)) }
    const iterator = pieces[Symbol.iterator]()
    let next = iterator.next()
    const first = next.done ? new Uint8Array() : next.value
    if (first.byteLength > LARGEST_IN_BATCH_BYTES) {
      return { stored: Promise.resolve(await this.put(key, resumed([first], iterator), signal)) }
    }
    const path = this.locate(key)
    try {
      this.#folders.make(dirname(path))
      const { written, copy } = await putThread().put(first, () => {
        if (!next.done) next = iterator.next()
        return next.done ? { unfinished: this.#unfinished.next(), path } : undefined
      })
      if (written) return { stored: written.then((file) => ({ key, ...file })).catch(thrown('write', path)) }
      const begun = next.done ? [copy] : [copy, next.value]
      return { stored: Promise.resolve(await this.put(key, resumed(begun, iterator), signal)) }
    } catch (error) {
      throw folderError(error, 'write', path)
    }
  }

  async flush(prefix: ObjectKey, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const path = this.#folder(prefix)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (!stats) return
    try {
      if (stats.isFile()) {
        flushOne(path)
        flushOne(dirname(path))
      } else {
        await flushTree(path, signal)
      }
    } catch (error) {
      throw folderError(error, 'flush', path)
    }
  }

  async putIfAbsent(
    key: ObjectKey,
    bytes: Uint8Array,
    signal: AbortSignal,
    options: PutOptions = {},
  ): Promise<Uint8Array> {
    signal.throwIfAborted()
    const path = this.locate(key)
    const unfinished = this.#unfinished.next()
    try {
      createDurable(unfinished, bytes, modeOf(options).mode)
      try {
        this.#folders.into(path, () => linkSync(unfinished, path))
        flushOne(dirname(path))
        return bytes
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error
        return readFileSync(path)
      }
    } catch (error) {
      throw folderError(error, 'create', path)
    } finally {
      rmSync(unfinished, { force: true })
    }
  }

  async get(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await this.find(key, signal)
    if (!bytes) throw new ObjectNotFound(key, this.uri)
    return bytes
  }

  async find(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const path = this.locate(key)
    try {
      return readFileSync(path)
    } catch (error) {
      if (isMissing(error) || systemCode(error) === 'EISDIR') return undefined
      throw folderError(error, 'read', path)
    }
  }

  async digest(key: ObjectKey, signal: AbortSignal): Promise<ObjectContent | undefined> {
    signal.throwIfAborted()
    const path = this.locate(key)
    try {
      return await digestFile(path, signal)
    } catch (error) {
      if (isMissing(error) || systemCode(error) === 'EISDIR') return undefined
      throw folderError(error, 'read', path)
    }
  }

  async fetchLocal(key: ObjectKey, _scratch: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    if (!this.#stat(key)) throw new ObjectNotFound(key, this.uri)
    return this.locate(key)
  }

  async stat(keys: readonly ObjectKey[], signal: AbortSignal): Promise<(StoredObject | undefined)[]> {
    const found: (StoredObject | undefined)[] = []
    for (const key of keys) {
      if (found.length % ENTRIES_PER_TURN === 0) await turn(signal)
      found.push(this.#stat(key))
    }
    return found
  }

  async tellsApart(first: string, second: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    // Where the table's folder will only be made, the disk below it is that of its nearest parent.
    const parent = existingParent(this.uri)
    const probe =
      parent === this.uri ? this.#unfinished.next() : join(parent, `${UNFINISHED_FOLDER}-${this.#unfinished.process}`)
    try {
      makeFolder(join(probe, first))
      return lstatSync(join(probe, second), { throwIfNoEntry: false }) === undefined
    } catch (error) {
      throw folderError(error, 'create', probe)
    } finally {
      rmSync(probe, { recursive: true, force: true })
    }
  }

  async *list(prefix: ObjectKey, signal: AbortSignal): AsyncGenerator<ListedObject> {
    let entries = 0
    const start = prefix.replace(/\/$/, '')
    this.#folder(start)
    const folders = [start]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      await turn(signal, entries)
      for (const entry of this.#entries(folder)) {
        if (++entries % ENTRIES_PER_TURN === 0) await turn(signal)
        const key = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (key === UNFINISHED_FOLDER) continue
        // A link is neither: what it points to may lie outside of the root, or in a circle.
        if (entry.isDirectory()) folders.push(key)
        else if (entry.isFile()) {
          const stats = statOf(`${this.uri}/${key}`)
          if (stats) yield { ...storedObject(key, stats), modifiedMs: Number(stats.mtimeMs) }
        }
      }
    }
  }

  async delete(keys: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    for (const [i, key] of keys.entries()) {
      if (i % ENTRIES_PER_TURN === 0) await turn(signal)
      this.#unlink(this.locate(key))
    }
    this.#removeEmptyParents(keys)
  }

  async deleteUnchanged(
    seen: readonly SeenObject[],
    before: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<ObjectKey[]> {
    const changed: ObjectKey[] = []
    for (const [i, { key, etag }] of seen.entries()) {
      if (i % ENTRIES_PER_TURN === 0) {
        await turn(signal)
        await before()
      }
      const found = this.#stat(key)
      if (found?.etag === etag) this.#unlink(this.locate(key))
      else if (found) changed.push(key)
    }
    this.#removeEmptyParents(seen.map(({ key }) => key))
    return changed
  }

  foresee(keys: readonly ObjectKey[], place: string): void {
    if (keys.length === 0 || !isAbsolute(place)) return
    const folders = new Set(keys.map((key) => dirname(this.locate(key)).slice(this.uri.length)))
    putThread().foresee({ place, folders: Array.from(folders, (folder) => place + folder) })
  }

  async publish(
    source: string,
    key: ObjectKey,
    condition: PublishCondition,
    signal: AbortSignal,
  ): Promise<PublishOutcome> {
    signal.throwIfAborted()
    if (!isAbsolute(source)) throw new TypeError(`the source of a publication is an absolute path, not '${source}'`)
    const path = this.locate(key)
    try {
      const stats = statOf(source)
      if (!stats) return { outcome: 'sourceMissing', found: this.#stat(key) }
      if (condition.expect === 'absent') {
        const published = this.#publication.publishNew({ source, stats, path, foreseen: condition.foreseen })
        return published ?? { outcome: 'mismatch', found: this.#stat(key) }
      }
      const found = this.#stat(key)
      if (found?.etag !== condition.etag) return { outcome: 'mismatch', found }
      return this.#publication.publishOver(source, path)
    } catch (error) {
      // Somebody took the source away between two of our calls.
      if (isMissing(error) && !statOf(source)) return { outcome: 'sourceMissing', found: this.#stat(key) }
      throw folderError(error, 'publish', path)
    }
  }

  async settle(keys: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (keys.length === 0) return
    try {
      await flushNames(
        this.uri,
        keys.map((key) => this.locate(key)),
        signal,
      )
    } catch (error) {
      throw folderError(error, 'flush', this.uri)
    }
  }

  async retire(prefix: ObjectKey, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const path = this.locate(prefix.replace(/\/$/, ''))
    const retired = this.#unfinished.next()
    try {
      renameSync(path, retired)
    } catch (error) {
      if (isMissing(error)) return
      throw folderError(error, 'retire', path)
    }
    this.#folders.forget(path)
    await rm(retired, { recursive: true, force: true })
  }

  async *unfinished(signal: AbortSignal): AsyncGenerator<UnfinishedWrite> {
    signal.throwIfAborted()
    for (const { name } of this.#entries(UNFINISHED_FOLDER)) {
      const stats = lstatSync(join(this.#unfinished.folder, name), { throwIfNoEntry: false })
      if (stats) yield { name, startedMs: stats.mtimeMs, bytes: stats.isFile() ? stats.size : 0 }
    }
  }

  async discard({ name }: UnfinishedWrite, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (name.includes('/') || NOT_A_KEY.test(name)) throw new TypeError(`'${name}' is not an unfinished write`)
    await rm(join(this.#unfinished.folder, name), { recursive: true, force: true })
  }

  #unlink(path: string): void {
    try {
      unlinkSync(path)
    } catch (error) {
      // A folder is not an object: Linux says EISDIR, macOS EPERM.
      const isFolder = ['EISDIR', 'EPERM'].includes(systemCode(error) ?? '') && lstatSync(path).isDirectory()
      if (!isMissing(error) && !isFolder) throw folderError(error, 'delete', path)
    }
  }

  #removeEmptyParents(keys: readonly ObjectKey[]): void {
    for (const folder of new Set(keys.map((key) => dirname(this.locate(key))))) this.#removeEmpty(folder)
  }

  #removeEmpty(folder: string): void {
    for (let empty = folder; empty.length > this.uri.length; empty = dirname(empty)) {
      this.#folders.forgetOne(empty)
      try {
        rmdirSync(empty)
      } catch (error) {
        if (!isMissing(error)) return
      }
    }
  }

  #entries(folder: string): ReturnType<typeof readFolder> {
    const path = folder === '' ? this.uri : `${this.uri}/${folder}`
    try {
      return readFolder(path)
    } catch (error) {
      if (isMissing(error)) return []
      throw folderError(error, 'list', path)
    }
  }

  #stat(key: ObjectKey): StoredObject | undefined {
    const path = this.locate(key)
    try {
      const stats = statOf(path)
      return stats?.isFile() ? storedObject(key, stats) : undefined
    } catch (error) {
      throw folderError(error, 'look at', path)
    }
  }

  #folder(prefix: ObjectKey): string {
    const folder = prefix.replace(/\/$/, '')
    return folder === '' ? this.uri : this.locate(folder)
  }
}

function storedObject(key: ObjectKey, stats: BigIntStats): StoredObject {
  return { key, bytes: Number(stats.size), etag: etagOf(stats) }
}

/** Lets the event loop go round, unless only a few entries were handled since. */
async function turn(signal: AbortSignal, entries = 0): Promise<void> {
  signal.throwIfAborted()
  if (entries % ENTRIES_PER_TURN === 0) await nextTurn()
}

function modeOf({ confidential = false }: PutOptions): { readonly mode?: number } {
  return confidential ? { mode: privateMode() } : {}
}

function segmentTooLong(segment: string, bytes: number): InputError {
  return new InputError(
    'ETL3-KE-04',
    `a folder's name has ${MAX_SEGMENT_BYTES} bytes at most, and this one would have ${bytes}: ` +
      `'${Array.from(segment).slice(0, 60).join('')}…'`,
    { hint: 'Shorten the value in the dimension, or leave the column out of partitioning.partition_columns.' },
  )
}

/** Pieces that were asked for already, then those that were not. */
function* resumed(begun: readonly Uint8Array[], iterator: Iterator<Uint8Array>): Generator<Uint8Array> {
  yield* begun
  for (let next = iterator.next(); !next.done; next = iterator.next()) yield next.value
}

function thrown(doing: string, path: string): (error: unknown) => never {
  return (error) => {
    throw folderError(error, doing, path)
  }
}
