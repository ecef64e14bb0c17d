/**
 * The port to where a lake and its run records live: a folder or a bucket prefix. Adapters: `folder-store.ts` and
 * `s3-store.ts`. Nobody outside `src/lake/` knows which one is behind the port; `test/unit/lake/object-store.suite.ts`
 * runs over all of them.
 */

/** A key relative to the store's root: '/'-separated, case-sensitive, never starting with '/', at most 1,024 bytes. */
export type ObjectKey = string

/** What no key holds: an empty part, one that leads up or stays, a NUL. */
export const NOT_A_KEY = /(?:^|\/)\.{0,2}(?:\/|$)|\0/

/** What a store knows of an object without reading it. */
export interface StoredObject {
  readonly key: ObjectKey
  readonly bytes: number
  /** Changes whenever the object is written; opaque outside the store. */
  readonly etag: string
}

/** An object as a listing tells it. */
export interface ListedObject extends StoredObject {
  /** When it was written, in ms since the epoch, by the store's clock. */
  readonly modifiedMs: number
}

/** An object as somebody saw it. */
export type SeenObject = Pick<StoredObject, 'key' | 'etag'>

/** What stands under a key before something is published there. */
export type PublishCondition =
  /** `foreseen`: the place that {@link ObjectStore.foresee} was told for this key, if it was. */
  { readonly expect: 'absent'; readonly foreseen?: string } | { readonly expect: 'etag'; readonly etag: string }

/** How a conditional publication ended: `moved`, or `mismatch` when the condition did not hold (nothing changed). */
export type PublishOutcome =
  | { readonly outcome: 'moved'; readonly etag: string }
  | { readonly outcome: 'mismatch'; readonly found: StoredObject | undefined }
  /** The source is not there: an earlier attempt moved it, or a newer run took it away. */
  | { readonly outcome: 'sourceMissing'; readonly found: StoredObject | undefined }

/** What an object's bytes are, without the bytes. */
export interface ObjectContent {
  readonly bytes: number
  /** Of all bytes, in hex. */
  readonly sha256: string
}

/** An object with the SHA-256 (hex) of its bytes. */
export type PutObject = StoredObject & { readonly sha256: string }

/** What is said of an object that is stored. */
export interface PutOptions {
  /**
   * Not for everybody who can reach the store: on this machine, for its owner alone. In a bucket, the bucket's policy says
   * who reads what.
   */
  readonly confidential?: boolean
  /** The folder of the object is confidential as well: nothing else lies in it. */
  readonly folderToo?: boolean
}

/** A write that began and has not ended: of a process that is gone, or of one that is still at it. */
export interface UnfinishedWrite {
  /** For people, and for the store to find it again. */
  readonly name: string
  readonly startedMs: number
  /** 0 where the store does not tell. */
  readonly bytes: number
}

/** A put whose pieces are consumed, and which may still be on its way. */
export interface StartedPut {
  /** Settles when a reader can see the object, or when it failed. */
  readonly stored: Promise<PutObject>
}

/** A store of immutable-by-convention objects under one root. */
export interface ObjectStore {
  /** The root as the configuration names it: a folder's absolute path, or `s3://bucket/prefix`. */
  readonly uri: string

  /** How many requests at once are worth while: 1 where they do not overlap. */
  readonly atOnce: number

  /** The largest object that {@link ObjectStore.publish} can move. */
  readonly mostPublishedBytes: number

  /** Full address of a key, for people, queries and {@link ObjectStore.publish}: an absolute path or an `s3://` URI. */
  locate(key: ObjectKey): string

  /**
   * Stores an object so that a reader sees all of it or none, in one piece also after a power cut. The same bytes again
   * change nothing for a reader.
   * `bytes` may come in pieces; a piece is consumed before the next one is asked for.
   * @returns what was stored, with the SHA-256 (hex) of its bytes
   */
  put(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    options?: PutOptions,
  ): Promise<PutObject>

  /**
   * As {@link ObjectStore.put}, but returns as soon as the pieces are consumed and there is room for more, so that the
   * way to the store is hidden behind the making of the next object. How many are on their way at once, and with how
   * many bytes, is bounded by the store. Whoever starts puts has to wait for `stored` of each before its record.
   */
  startPut(
    key: ObjectKey,
    bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StartedPut>

  /** Makes everything that was put under `prefix` survive a power cut; one call per unit, before its record. */
  flush(prefix: ObjectKey, signal: AbortSignal): Promise<void>

  /** Stores a record unless there is one; returns the bytes that stand. Two callers agree on the winner. */
  putIfAbsent(key: ObjectKey, bytes: Uint8Array, signal: AbortSignal, options?: PutOptions): Promise<Uint8Array>

  /** @throws ObjectNotFound when there is no object under `key`. */
  get(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array>

  /** The object's bytes, or undefined when there is none. */
  find(key: ObjectKey, signal: AbortSignal): Promise<Uint8Array | undefined>

  /** Reads the whole object, in little memory whatever its size; undefined when there is none. */
  digest(key: ObjectKey, signal: AbortSignal): Promise<ObjectContent | undefined>

  /**
   * A local file with the object's bytes: the folder store's own file, or a copy fetched once into `scratch`.
   * @throws ObjectNotFound when there is no object under `key`.
   */
  fetchLocal(key: ObjectKey, scratch: string, signal: AbortSignal): Promise<string>

  /** What the store knows of each key, in the same order; undefined where there is no object. Cheap for thousands. */
  stat(keys: readonly ObjectKey[], signal: AbortSignal): Promise<(StoredObject | undefined)[]>

  /**
   * Whether two names of one folder are two places here. A file system may take upper and lower case, or two spellings
   * of one letter, for the same; a bucket never does.
   */
  tellsApart(first: string, second: string, signal: AbortSignal): Promise<boolean>

  /** All objects under a prefix ('' for all), in no promised order. Unfinished temporary files are not objects. */
  list(prefix: ObjectKey, signal: AbortSignal): AsyncIterable<ListedObject>

  /** Deletes keys; one that is not there is not an error. Empty parent folders below the root go as well. */
  delete(keys: readonly ObjectKey[], signal: AbortSignal): Promise<void>

  /**
   * As {@link ObjectStore.delete}, but only objects that are still the ones that were seen.
   * @param before called right before each step of the deletion, also of a repeated one; what it throws ends it
   * @returns the keys under which something else stands now, which stays
   */
  deleteUnchanged(seen: readonly SeenObject[], before: () => Promise<void>, signal: AbortSignal): Promise<ObjectKey[]>

  /**
   * Says which keys will be published here where nothing stands, so that the store can make ready meanwhile what they
   * will need: folders, out of readers' sight. A hint: returns at once, and nothing depends on it.
   * @param place full address (`locate`) of a prefix for that; it goes with the run that owns it
   */
  foresee(keys: readonly ObjectKey[], place: string): void

  /**
   * Moves an object to `key` if `condition` holds there, so that a reader sees the old object or the new one. The source
   * is gone afterwards, or stays until the objects of its run are retired: where a move is a copy and a deletion (S3),
   * thousands of deletions are cheaper together.
   * @param source full address (`locate`) of the object, in this store or another of the same kind
   */
  publish(source: string, key: ObjectKey, condition: PublishCondition, signal: AbortSignal): Promise<PublishOutcome>

  /** Makes publications to these keys survive a power cut; one call for many, before the record that tells of them. */
  settle(keys: readonly ObjectKey[], signal: AbortSignal): Promise<void>

  /**
   * Takes the unpublished objects of an abandoned run away from whoever may still be working on it, so that a late
   * worker that wakes up finds no source to publish. Atomic in a folder (a rename); where publication is conditional
   * by itself (S3) it only deletes.
   */
  retire(prefix: ObjectKey, signal: AbortSignal): Promise<void>

  /** Writes under this root that have not ended. Whose they are only their age tells. */
  unfinished(signal: AbortSignal): AsyncIterable<UnfinishedWrite>

  /** Takes away what such a write has left. One that is gone is no error. */
  discard(write: UnfinishedWrite, signal: AbortSignal): Promise<void>
}

/** There is no object under the key. */
export class ObjectNotFound extends Error {
  override readonly name = 'ObjectNotFound'

  constructor(
    readonly key: ObjectKey,
    readonly store: string,
    options?: ErrorOptions,
  ) {
    super(`there is no object '${key}' in ${store}`, options)
  }
}
