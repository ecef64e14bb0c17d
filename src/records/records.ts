/**
 * The records of a run: what its activities leave in the store and find again. A record that stands is the truth: an
 * activity that finds its own returns at once.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { Reference } from '../contract/activities.js'
import type { ObjectKey, ObjectStore, PutOptions } from '../lake/object-store.js'
import { IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { RUN_RECORD } from './names.js'

const READ_BUFFER_BYTES = 4 * 1024 * 1024

/** Records and staged objects of one run, under `runs/<run id>/`. */
export class RunRecords {
  constructor(
    readonly store: ObjectStore,
    readonly runId: string,
  ) {}

  /** Key of a record or object of this run. */
  key(name: string): ObjectKey {
    return `runs/${this.runId}/${name}`
  }

  /**
   * Parses a JSON record, or answers undefined where there is none.
   * @throws IntegrityError ETL3-RN-03 when it cannot be read
   */
  async find<T>(name: string, parse: (value: unknown) => T, signal: AbortSignal): Promise<T | undefined> {
    return await findRecord(this.store, this.key(name), parse, signal)
  }

  /** Stores a JSON record. */
  async save(name: string, value: unknown, signal: AbortSignal): Promise<Reference> {
    failPoint(`record:${name}`)
    const stored = await this.store.put(this.key(name), jsonBytes(value), signal, optionsOf(name))
    // A record is the truth of a resumed run: once it is saved, it has to survive a power cut.
    await this.store.flush(stored.key, signal)
    return { uri: this.store.locate(stored.key), sha256: stored.sha256, bytes: stored.bytes }
  }

  /** Stores a JSON record unless there is one; the one that stands is parsed and returned. */
  async saveOnce<T>(name: string, value: T, parse: (value: unknown) => T, signal: AbortSignal): Promise<T> {
    failPoint(`record:${name}`)
    const standing = await this.store.putIfAbsent(this.key(name), jsonBytes(value), signal, optionsOf(name))
    return parseRecord(standing, parse, this.store.locate(this.key(name)))
  }

  /** Reference to a record that stands, or undefined. */
  async reference(name: string, signal: AbortSignal): Promise<Reference | undefined> {
    const bytes = await this.store.find(this.key(name), signal)
    if (bytes === undefined) return undefined
    return {
      uri: this.store.locate(this.key(name)),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.byteLength,
    }
  }

  /** Stores a local file as an object of this run, so that it survives what the records that name it survive. */
  async putFile(name: string, path: string, signal: AbortSignal): Promise<Reference> {
    failPoint(`record:${name}`)
    const stored = await this.store.put(this.key(name), piecesOf(path), signal, optionsOf(name))
    await this.store.flush(stored.key, signal)
    return { uri: this.store.locate(stored.key), sha256: stored.sha256, bytes: stored.bytes }
  }
}

/** What holds the whole configuration. */
const WITH_SETTINGS: ReadonlySet<string> = new Set([RUN_RECORD, 'receipt.json'])

/** Folders of rows of the input as they came. */
const ROWS_OF_INPUT = /^(?:quarantine|staged)\//

function optionsOf(name: string): PutOptions {
  const holdsRows = ROWS_OF_INPUT.test(name)
  return { confidential: holdsRows || WITH_SETTINGS.has(name), folderToo: holdsRows }
}

/**
 * Parses the JSON record under a key, or answers undefined where there is none.
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export async function findRecord<T>(
  store: ObjectStore,
  key: ObjectKey,
  parse: (value: unknown) => T,
  signal: AbortSignal,
): Promise<T | undefined> {
  const bytes = await store.find(key, signal)
  return bytes === undefined ? undefined : parseRecord(bytes, parse, store.locate(key))
}

/**
 * Parses the bytes of a JSON record.
 *
 * @param address of the record, for the message
 * @throws IntegrityError ETL3-RN-03 when it cannot be read
 */
export function parseRecord<T>(bytes: Uint8Array, parse: (value: unknown) => T, address: string): T {
  try {
    return parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw new IntegrityError('ETL3-RN-03', `a record cannot be read [record=${address}]`, {
      hint: 'It is damaged, or of another version of ETL3. Restore it from a copy; the log says what is wrong with it.',
      cause,
    })
  }
}

/** Readable JSON with a line end, keys in the order in which they were written. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`, 'utf8')
}

function* piecesOf(path: string): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null)
      if (read === 0) return
      yield buffer.subarray(0, read)
    }
  } finally {
    closeSync(file)
  }
}
