/**
 * A table whose metadata files are numbered, `metadata/v<n>.metadata.json`: the highest number is the current one, and
 * whoever makes a number first has it. So do Hadoop's tables in Spark, and DuckDB and pyiceberg read them by
 * `metadata/version-hint.text`.
 */
import type { ObjectStore } from '../lake/object-store.js'
import { type FoundTable, METADATA_FOLDER, type TableCatalog } from './table-catalog.js'
import { parseTableMetadata, type TableMetadata, writeTableMetadata } from './table-metadata.js'

const VERSION_HINT = `${METADATA_FOLDER}/version-hint.text`
const VERSION = /^v(\d+)\.metadata\.json$/
const ANY_METADATA = /\.metadata\.json$/

/** How often a listing is made again because the newest file in it was gone. */
const LOOKS = 4

/** A table below the root of a store. */
export class VersionedCatalog implements TableCatalog {
  readonly name: string
  readonly findsByPlace = true
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.name = store.uri
    this.#store = store
  }

  async load(signal: AbortSignal): Promise<FoundTable | undefined> {
    for (let look = 1; ; look++) {
      const { newest, strangers } = await this.#list(signal)
      if (newest === 0) return undefined
      const key = versionKey(newest)
      const metadataFile = this.#store.locate(key)
      // Gone since the listing: there is a newer one, and this one was cleaned away.
      const bytes = look < LOOKS ? await this.#store.find(key, signal) : await this.#store.get(key, signal)
      if (!bytes) continue
      return { metadata: parseTableMetadata(bytes, metadataFile), metadataFile, version: newest, strangers }
    }
  }

  async replace(found: FoundTable | undefined, metadata: TableMetadata, signal: AbortSignal): Promise<boolean> {
    const version = (found?.version ?? 0) + 1
    const key = versionKey(version)
    const bytes = writeTableMetadata(metadata)
    const standing = await this.#store.putIfAbsent(key, bytes, signal)
    if (!Buffer.from(standing).equals(bytes)) return false
    if (await this.#isStale(version, signal)) {
      await this.#store.delete([key], signal)
      return false
    }
    await this.refresh(signal)
    return true
  }

  /** A writer that was overtaken while it wrote looks again, so the last one to write has seen the newest number. */
  async refresh(signal: AbortSignal): Promise<void> {
    let shown = 0
    for (;;) {
      const { newest } = await this.#list(signal)
      if (newest === shown || newest === 0) return
      const text = Buffer.from(String(newest))
      const standing = await this.#store.find(VERSION_HINT, signal)
      if (!standing || !text.equals(standing)) await this.#store.put(VERSION_HINT, text, signal)
      shown = newest
    }
  }

  /**
   * Whether a number that was free was one that others have used and cleaned away since: a writer that slept for days
   * finds it so. The newest file goes back, by its log, to each one that counted.
   */
  async #isStale(version: number, signal: AbortSignal): Promise<boolean> {
    const now = await this.load(signal)
    if (!now || now.version === version) return false
    const own = this.#store.locate(versionKey(version))
    return !now.metadata['metadata-log'].some((entry) => entry['metadata-file'] === own)
  }

  async #list(signal: AbortSignal): Promise<{ readonly newest: number; readonly strangers: readonly string[] }> {
    let newest = 0
    const strangers: string[] = []
    for await (const { key } of this.#store.list(METADATA_FOLDER, signal)) {
      const name = key.slice(METADATA_FOLDER.length + 1)
      const digits = VERSION.exec(name)?.[1]
      if (digits !== undefined) newest = Math.max(newest, Number(digits))
      else if (ANY_METADATA.test(name)) strangers.push(name)
    }
    return { newest, strangers: strangers.toSorted() }
  }
}

function versionKey(version: number): string {
  return `${METADATA_FOLDER}/v${version}.metadata.json`
}
