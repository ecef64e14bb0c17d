/** The object store of a bucket: on AWS, or any server that speaks S3. */
import { severalAtOnce } from '../../runtime/several-at-once.js'
import {
  type ListedObject,
  type ObjectContent,
  type ObjectKey,
  ObjectNotFound,
  type ObjectStore,
  type PublishCondition,
  type PublishOutcome,
  type PutObject,
  type SeenObject,
  type StartedPut,
  type StoredObject,
  type UnfinishedWrite,
} from '../object-store.js'
import { formatS3Address, keyBelow, parseS3Address, type S3Address } from './address.js'
import { connectS3, type S3Connection } from './client.js'
import { deleteKeys, deleteUnchanged } from './deletion.js'
import { fetchObject } from './fetch.js'
import { listPages } from './listing.js'
import { partsOf, putInParts } from './multipart.js'
import { copyObject, digestObject, getObject, headObject, putObject, putObjectIfAbsent } from './object.js'
import type { S3Settings } from './settings.js'
import { abortUpload, listUploads } from './uploads.js'

/** What S3 copies in one request ("CopyObject" in the Amazon S3 API Reference). */
const MOST_COPIED_BYTES = 5 * 1024 ** 3

/** Keys from which on one listing is cheaper than a look at each. */
const KEYS_WORTH_A_LISTING = 32
const NO_KEY = Buffer.alloc(0)

/**
 * A prefix of a bucket as an {@link ObjectStore}.
 *
 * Nobody sees half an object: S3 shows it when the last byte is there and its SHA-256 agrees. What must not overwrite
 * (records, publications) is sent under a condition.
 */
export class S3ObjectStore implements ObjectStore {
  readonly uri: string
  readonly atOnce: number
  readonly mostPublishedBytes = MOST_COPIED_BYTES
  readonly #root: S3Address
  readonly #connection: S3Connection

  /**
   * @param uri `s3://bucket` or `s3://bucket/prefix`
   * @throws UsageError `ETL3-ST-02` for any other address
   */
  constructor(uri: string, settings: S3Settings) {
    this.#root = parseS3Address(uri)
    this.uri = formatS3Address(this.#root)
    this.atOnce = settings.requestsAtOnce
    this.#connection = connectS3(settings)
  }

  locate(key: ObjectKey): string {
    return formatS3Address(this.#at(key))
  }

  async put(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<PutObject> {
    return await (await this.startPut(key, bytes, signal)).stored
  }

  async startPut(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StartedPut> {
    signal.throwIfAborted()
    const at = this.#at(key)
    const parts = partsOf(bytes)
    const first = await parts.next()
    const body = first.done ? Buffer.alloc(0) : first.value
    const second = first.done ? first : await parts.next()
    if (second.done) return await this.#startWhole(key, body, signal)
    const all = following([body, second.value], parts)
    const { etag, bytes: size, sha256 } = await putInParts(this.#connection, at, all, signal)
    return { stored: Promise.resolve({ key, bytes: size, etag, sha256 }) }
  }

  /** S3 answers a put when the object is safe. */
  async flush(prefix: ObjectKey, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#under(prefix)
  }

  async putIfAbsent(key: ObjectKey, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    for (;;) {
      if (await putObjectIfAbsent(this.#connection, this.#at(key), bytes, signal)) return bytes
      const standing = await this.find(key, signal)
      // Deleted between the two requests: there is none again.
      if (standing) return standing
    }
  }

  async get(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await this.find(key, signal)
    if (!bytes) throw new ObjectNotFound(key, this.uri)
    return bytes
  }

  async find(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    return await getObject(this.#connection, this.#at(key), signal)
  }

  async digest(key: ObjectKey, signal: AbortSignal): Promise<ObjectContent | undefined> {
    signal.throwIfAborted()
    return await digestObject(this.#connection, this.#at(key), signal)
  }

  async fetchLocal(key: ObjectKey, scratch: string, signal: AbortSignal): Promise<string> {
    const path = await fetchObject(this.#connection, this.#at(key), scratch, signal)
    if (path === undefined) throw new ObjectNotFound(key, this.uri)
    return path
  }

  async stat(keys: readonly ObjectKey[], signal: AbortSignal): Promise<(StoredObject | undefined)[]> {
    signal.throwIfAborted()
    if (keys.length < KEYS_WORTH_A_LISTING) {
      return await severalAtOnce(keys, this.atOnce, (key) => this.#look(key, signal))
    }
    const wanted = new Set(keys)
    const found = new Map<ObjectKey, StoredObject>()
    for await (const { modifiedMs: _, ...object } of this.#between(keys, signal)) {
      if (wanted.has(object.key)) found.set(object.key, object)
    }
    return keys.map((key) => found.get(key))
  }

  /**
   * All objects from the first of some keys to the last one, and few others: who asks piece by piece lists nothing twice.
   * Listings are in the order of UTF-8's bytes.
   */
  async *#between(keys: readonly ObjectKey[], signal: AbortSignal): AsyncGenerator<ListedObject> {
    const ordered = keys.map((key) => Buffer.from(key)).sort(Buffer.compare)
    const first = [...(ordered[0]?.toString() ?? '')]
    const last = ordered.at(-1) ?? NO_KEY
    // A key stands behind every beginning of itself.
    for await (const object of this.#list(commonFolder(keys), signal, first.slice(0, -1).join(''))) {
      if (Buffer.compare(Buffer.from(object.key), last) > 0) return
      yield object
    }
  }

  async tellsApart(first: string, second: string): Promise<boolean> {
    return first !== second
  }

  list(prefix: ObjectKey, signal: AbortSignal): AsyncGenerator<ListedObject> {
    return this.#list(prefix, signal)
  }

  async *#list(prefix: ObjectKey, signal: AbortSignal, after?: ObjectKey): AsyncGenerator<ListedObject> {
    signal.throwIfAborted()
    const { bucket, path } = this.#under(prefix)
    const root = this.#root.path === '' ? 0 : this.#root.path.length + 1
    const under = { bucket, path: path === '' ? '' : `${path}/` }
    const start = after === undefined ? undefined : this.#under(after).path
    for await (const page of listPages(this.#connection, under, signal, start)) {
      for (const object of page) yield { ...object, key: object.key.slice(root) }
    }
  }

  async delete(keys: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    const whole = [...new Set(keys)].map((key) => this.#at(key).path)
    await deleteKeys(this.#connection, this.#root.bucket, whole, signal)
  }

  /** AWS keeps the condition of each deletion itself; other servers may not (versitygw 1.8, moto 5). */
  async deleteUnchanged(
    seen: readonly SeenObject[],
    before: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<ObjectKey[]> {
    const keyOf = new Map(seen.map(({ key }) => [this.#at(key).path, key]))
    const paths = seen.map(({ key, etag }) => ({ path: this.#at(key).path, etag }))
    const changed = await deleteUnchanged(this.#connection, this.#root.bucket, paths, before, signal)
    return changed.map((path) => keyOf.get(path) ?? path)
  }

  /** A bucket has no folders: there is nothing to make ready. */
  foresee(): void {}

  /**
   * A copy under conditions; the source goes later, with the objects of its run. AWS keeps the conditions of a copy
   * itself; other servers may not (versitygw 1.8, moto 5), so there is a look before it as well. A late worker is stopped
   * by either, and by a newer run having taken the source away.
   */
  async publish(
    source: string,
    key: ObjectKey,
    condition: PublishCondition,
    signal: AbortSignal,
  ): Promise<PublishOutcome> {
    signal.throwIfAborted()
    const from = parseS3Address(source)
    const to = this.#at(key)
    const found = await this.#look(key, signal)
    if (!holds(condition, found)) {
      const source = await headObject(this.#connection, from, signal)
      return { outcome: source ? 'mismatch' : 'sourceMissing', found }
    }
    const result = await copyObject(this.#connection, { from, to }, condition, signal)
    if (result === 'sourceMissing') return { outcome: 'sourceMissing', found: await this.#look(key, signal) }
    if (result === 'conditionFailed') return { outcome: 'mismatch', found: await this.#look(key, signal) }
    // The source goes with the objects of its run: a thousand keys a request, and no reader waits for it.
    return { outcome: 'moved', etag: result.copied.etag }
  }

  /** S3 answers a copy when the object is safe. */
  async settle(_keys: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  async retire(prefix: ObjectKey, signal: AbortSignal): Promise<void> {
    const keys: ObjectKey[] = []
    for await (const { key } of this.list(prefix, signal)) keys.push(key)
    await this.delete(keys, signal)
  }

  async *unfinished(signal: AbortSignal): AsyncGenerator<UnfinishedWrite> {
    signal.throwIfAborted()
    const { bucket, path } = this.#root
    const under = { bucket, path: path === '' ? '' : `${path}/` }
    for await (const { at, uploadId, startedMs } of listUploads(this.#connection, under, signal)) {
      yield { name: `${at.path}?uploadId=${uploadId}`, startedMs, bytes: 0 }
    }
  }

  async discard({ name }: UnfinishedWrite, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const cut = name.lastIndexOf('?uploadId=')
    const path = name.slice(0, cut)
    if (cut < 0 || !path.startsWith(this.#root.path)) throw new TypeError(`'${name}' is not an unfinished write`)
    const upload = { at: { bucket: this.#root.bucket, path }, uploadId: name.slice(cut + '?uploadId='.length) }
    await abortUpload(this.#connection, upload, signal)
  }

  async #startWhole(key: ObjectKey, body: Buffer, signal: AbortSignal): Promise<StartedPut> {
    const { inFlight } = this.#connection
    await inFlight.enter(body.byteLength)
    const stored = putObject(this.#connection, this.#at(key), body, signal)
      .then(({ bytes, etag, sha256Hex }) => ({ key, bytes, etag, sha256: sha256Hex }))
      .finally(() => inFlight.leave(body.byteLength))
    // Whoever started it looks at it later; until then a failure is nobody's yet.
    stored.catch(() => undefined)
    return { stored }
  }

  async #look(key: ObjectKey, signal: AbortSignal): Promise<StoredObject | undefined> {
    const object = await headObject(this.#connection, this.#at(key), signal)
    return object && { key, bytes: object.bytes, etag: object.etag }
  }

  #at(key: ObjectKey): S3Address {
    return { bucket: this.#root.bucket, path: keyBelow(this.#root, key) }
  }

  #under(prefix: ObjectKey): S3Address {
    const folder = prefix.replace(/\/$/, '')
    return folder === '' ? this.#root : this.#at(folder)
  }
}

function holds(condition: PublishCondition, found: StoredObject | undefined): boolean {
  return condition.expect === 'absent' ? found === undefined : found?.etag === condition.etag
}

async function* following<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}

/** The folder that holds all keys. */
function commonFolder(keys: readonly ObjectKey[]): ObjectKey {
  let common = keys[0] ?? ''
  for (const key of keys) {
    while (!key.startsWith(common)) common = common.slice(0, -1)
  }
  return common.slice(0, Math.max(0, common.lastIndexOf('/')))
}
