/**
 * The catalog of a bucket that no query service looks after: `catalog.json` says which run's manifest lists the table.
 * Whoever reads the table with an engine of their own finds there what to read.
 */
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { type Cell, readParquet, withEngine } from '../runtime/engine.js'
import { sqlIdentifier } from '../runtime/sql.js'
import type { Catalog, PublishedTable, RegisterOutcome, SmokeCount } from './catalog.js'
import type { ObjectStore } from './object-store.js'

const RECORD = 'catalog.json'
const MANIFEST = 'catalog.parquet'
const MEMORY_LIMIT_MB = 64

const recordSchema = z.object({
  formatVersion: z.literal(1),
  runId: z.string(),
  table: z.string(),
  tableUri: z.string(),
  /** SHA-256 of `catalog.parquet`, the list of partitions. */
  manifestSha256: z.string(),
})

/** Where the record lies. */
export interface ManifestCatalogOptions {
  /** Store of the run records: `output.metadata_uri`. */
  readonly metadata: ObjectStore
  /** Local folder for fetched and spilled files. */
  readonly scratch: string
}

/** A record beside the runs as a {@link Catalog}. */
export class ManifestCatalog implements Catalog {
  readonly uri: string
  readonly #options: ManifestCatalogOptions

  constructor(options: ManifestCatalogOptions) {
    this.#options = options
    this.uri = options.metadata.locate(RECORD)
  }

  async register(state: PublishedTable, signal: AbortSignal): Promise<RegisterOutcome> {
    const { metadata } = this.#options
    const before = await this.#partitions(await this.#published(signal), signal)
    const now = await this.#partitions(state.manifestPath, signal)
    const pieces: AsyncIterable<Uint8Array> = createReadStream(state.manifestPath)
    const { sha256 } = await metadata.put(MANIFEST, pieces, signal)
    const record = {
      formatVersion: 1,
      runId: state.runId,
      table: state.table,
      tableUri: state.tableUri,
      manifestSha256: sha256,
    }
    await metadata.put(RECORD, Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`), signal)
    return {
      partitions: now.size,
      created: [...now.keys()].filter((key) => !before.has(key)).length,
      updated: [...now].filter(([key, sum]) => before.has(key) && before.get(key) !== sum).length,
      deleted: [...before.keys()].filter((key) => !now.has(key)).length,
    }
  }

  async countRows(columns: readonly string[], signal: AbortSignal): Promise<readonly SmokeCount[]> {
    const names = columns.map(sqlIdentifier).join(', ')
    const manifest = await this.#published(signal)
    if (manifest === undefined) return []
    const sql = `SELECT ${names}, sum(rows)::BIGINT AS counted_rows FROM ${readParquet([manifest])} GROUP BY ALL`
    return (await this.#rows(sql, signal)).map((row) => ({
      values: columns.map((name) => (row[name] === null ? null : String(row[name]))),
      rows: Number(row['counted_rows']),
    }))
  }

  async registeredRun(signal: AbortSignal): Promise<string | undefined> {
    const bytes = await this.#options.metadata.find(RECORD, signal)
    return bytes && recordSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).runId
  }

  /** The list of partitions as a local file, or undefined before there is one. */
  async #published(signal: AbortSignal): Promise<string | undefined> {
    const { metadata, scratch } = this.#options
    if ((await metadata.stat([MANIFEST], signal))[0] === undefined) return undefined
    return await metadata.fetchLocal(MANIFEST, scratch, signal)
  }

  /** SHA-256 of each partition's object, by key. */
  async #partitions(manifest: string | undefined, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (manifest === undefined) return new Map()
    const rows = await this.#rows(`SELECT key, sha256 FROM ${readParquet([manifest])}`, signal)
    return new Map(rows.map(({ key, sha256 }) => [String(key), String(sha256)]))
  }

  async #rows(sql: string, signal: AbortSignal): Promise<Record<string, Cell>[]> {
    const options = { memoryLimitMb: MEMORY_LIMIT_MB, threads: 1, scratch: this.#options.scratch }
    return await withEngine(options, signal, async (engine) => await engine.rows(sql))
  }
}
