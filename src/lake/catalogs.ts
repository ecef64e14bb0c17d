/** Picks the adapter behind the {@link Catalog} port. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import type { Catalog, PublishedTable, RegisterOutcome, SmokeCount } from './catalog.js'
import { Engine, readParquet } from '../runtime/engine.js'

class Provisional implements Catalog {
  constructor(readonly uri: string) {}
  async register(state: PublishedTable): Promise<RegisterOutcome> {
    writeFileSync(this.uri, JSON.stringify({ runId: state.runId, manifest: state.manifestPath }))
    return { partitions: Number(state.figures['partitions']), created: 0, updated: 0, deleted: 0 }
  }
  async countRows(columns: readonly string[]): Promise<readonly SmokeCount[]> {
    const e = await Engine.open({ memoryLimitMb: 100, threads: 1, scratch: '/tmp' })
    const r = await e.rows(`SELECT ${columns.join()}, sum(rows)::BIGINT AS rows FROM ${readParquet([JSON.parse(readFileSync(this.uri, 'utf8')).manifest])} GROUP BY ALL`)
    e.close()
    return r.map((x) => ({ values: columns.map((c) => (x[c] ?? null) as string | null), rows: Number(x['rows']) }))
  }
  async registeredRun(): Promise<string | undefined> {
    return existsSync(this.uri) ? JSON.parse(readFileSync(this.uri, 'utf8')).runId : undefined
  }
}
export function openCatalog(config: Config): Catalog {
  return new Provisional(join(config.output.metadata_uri, 'catalog.duckdb'))
}
