/**
 * A thread that writes small files, so that the next partition is encoded while the last one is hashed and stored; in
 * between it makes folders that will be needed. Files go over in batches, because a message costs as much as a file.
 * The thread ends when it has been idle for a while: its heap is part of the worker's memory.
 */
import { Worker } from 'node:worker_threads'
import { built } from '../../runtime/package-root.js'
import { InFlight } from '../in-flight.js'
import type { FilePlace, WrittenFile } from '../whole-file.js'

/** Larger files are not worth a copy. */
export const LARGEST_IN_BATCH_BYTES = 256 * 1024

const BATCH_BYTES = 1024 * 1024
const BATCHES_AT_ONCE = 4
const IDLE_MS = 1_000

/** Files to write; their bytes lie in `buffer`, which goes over to the thread and comes back. */
export interface PutBatch {
  readonly id: number
  readonly buffer: ArrayBuffer
  readonly files: readonly (FilePlace & { readonly from: number; readonly to: number })[]
}

/** What became of a file. An error crosses threads as what it says: a copy of it would lose its code. */
export type FileOutcome =
  | { readonly written: WrittenFile }
  | { readonly failed: { readonly message: string; readonly code: string | undefined } }

/** The answer to a batch, file by file. */
export interface PutAnswer {
  readonly id: number
  readonly buffer: ArrayBuffer
  readonly outcomes: readonly FileOutcome[]
}

/** Folders to make before they are needed. */
export interface ForeseenList {
  /** What all of them lie below. */
  readonly place: string
  readonly folders: readonly string[]
}

/** What the thread is told. */
export type ThreadTask = PutBatch | ForeseenList

/** What it answers; to a list of folders, which one is done, whatever came of it. */
export type ThreadAnswer = PutAnswer | { readonly foreseen: string }

/** A write on its way, or what was not written. */
export type StartedWrite =
  | { readonly written: Promise<WrittenFile>; readonly copy?: never }
  | { readonly copy: Uint8Array; readonly written?: never }

/** A batch that still takes files, or is on its way. */
class OpenBatch {
  used = 0
  readonly files: (FilePlace & { readonly from: number; readonly to: number })[] = []
  settle: (outcomes: readonly FileOutcome[]) => void = () => {}
  fail: (error: Error) => void = () => {}
  readonly answer = new Promise<readonly FileOutcome[]>((resolve, reject) => {
    this.settle = resolve
    this.fail = reject
  })

  constructor(
    readonly id: number,
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {}
}

/** One thread and what is on its way to it. */
class PutThread {
  readonly #worker: Worker
  readonly #room = new InFlight({ requests: BATCHES_AT_ONCE, bytes: Number.POSITIVE_INFINITY })
  readonly #sent = new Map<number, OpenBatch>()
  readonly #spare: ArrayBuffer[] = []
  #filling: OpenBatch | undefined
  #batches = 0
  /** Lists of folders that it has not answered. */
  #lists = 0
  #idle: NodeJS.Timeout | undefined
  /** Why it takes nothing any more. */
  #ended: Error | undefined

  constructor(entry: string) {
    this.#worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } })
    this.#worker.on('message', (answer: ThreadAnswer) => {
      if ('foreseen' in answer) this.#lists -= 1
      else this.#settle(answer)
      this.#rest()
    })
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the thread that writes files ended')))
    this.#rest()
  }

  /**
   * Takes a copy of the bytes, once there is room for it.
   * @param placeOf called when the copy is made, so that `bytes` may be a view that ends with it; says undefined where
   *   they turn out to be no whole file
   * @returns the write on its way, or the copy where nothing is to be written
   */
  async put(bytes: Uint8Array, placeOf: () => FilePlace | undefined): Promise<StartedWrite> {
    let batch = this.#withRoom(bytes.byteLength)
    while (!batch) {
      await this.#newBatch()
      batch = this.#withRoom(bytes.byteLength)
    }
    const from = batch.used
    const to = from + bytes.byteLength
    batch.bytes.set(bytes, from)
    const place = placeOf()
    if (!place) return { copy: batch.bytes.slice(from, to) }
    batch.used = to
    const index = batch.files.push({ ...place, from, to }) - 1
    return { written: batch.answer.then((outcomes) => written(outcomes[index])) }
  }

  /** Makes folders when there is nothing to write. Keeps no process alive, and is no error where it fails. */
  foresee(list: ForeseenList): void {
    clearTimeout(this.#idle)
    this.#lists += 1
    this.#worker.postMessage(list satisfies ThreadTask)
  }

  #withRoom(bytes: number): OpenBatch | undefined {
    return this.#filling && this.#filling.used + bytes <= BATCH_BYTES ? this.#filling : undefined
  }

  async #newBatch(): Promise<void> {
    this.#send()
    await this.#room.enter(0)
    // Somebody else may have begun one while this call waited.
    if (this.#filling || this.#ended) this.#room.leave(0)
    else this.#begin()
    if (this.#ended) throw this.#ended
  }

  #begin(): void {
    clearTimeout(this.#idle)
    this.#worker.ref()
    const bytes = new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(BATCH_BYTES))
    const batch = new OpenBatch(this.#batches++, bytes)
    this.#filling = batch
    // Whoever waits for the last file does not have to know that it lies in a batch.
    setImmediate(() => {
      if (this.#filling === batch) this.#send()
    })
  }

  #send(): void {
    const batch = this.#filling
    if (!batch) return
    this.#filling = undefined
    const { id, files } = batch
    const { buffer } = batch.bytes
    if (files.length === 0) {
      this.#settle({ id, buffer, outcomes: [] })
      this.#rest()
      return
    }
    this.#sent.set(id, batch)
    this.#worker.postMessage({ id, buffer, files } satisfies PutBatch, [buffer])
  }

  #settle({ id, buffer, outcomes }: PutAnswer): void {
    this.#spare.push(buffer)
    this.#sent.get(id)?.settle(outcomes)
    this.#sent.delete(id)
    this.#room.leave(0)
  }

  /** Without files it keeps no process alive; with nothing at all to do it ends after a while. */
  #rest(): void {
    if (this.#sent.size > 0 || this.#filling) return
    this.#worker.unref()
    clearTimeout(this.#idle)
    if (this.#lists > 0) return
    this.#idle = setTimeout(() => {
      if (shared === this) shared = undefined
      void this.#worker.terminate()
    }, IDLE_MS).unref()
  }

  #end(error: Error): void {
    this.#ended ??= error
    if (shared === this) shared = undefined
    clearTimeout(this.#idle)
    const lost = [...this.#sent.values(), ...(this.#filling ? [this.#filling] : [])]
    this.#sent.clear()
    this.#filling = undefined
    for (const batch of lost) {
      batch.fail(error)
      this.#room.leave(0)
    }
  }
}

let shared: PutThread | undefined

/** The thread of this process; started when there is none. */
export function putThread(): Pick<PutThread, 'put' | 'foresee'> {
  shared ??= new PutThread(built('lake/folder/put-thread-entry.js'))
  return shared
}

function written(outcome: FileOutcome | undefined): WrittenFile {
  if (outcome && 'written' in outcome) return outcome.written
  const { message, code } = outcome?.failed ?? { message: 'a file has no answer', code: undefined }
  throw Object.assign(new Error(message), code === undefined ? {} : { code })
}
