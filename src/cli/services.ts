/**
 * The machinery behind the commands, loaded when a command needs it: Temporal's client and DuckDB take half a second
 * each, and `--help` should not.
 */
import type { CurrentRecord } from '../activities/current.js'
import type { Config } from '../config/schema.js'
import type { OpenRunsOptions, Runs } from './runs.js'

/** A question to the catalog. */
export interface CatalogQuery {
  readonly config: Config
  readonly sql: string
  readonly signal: AbortSignal
}

/** Its answer. */
export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
  /** Files of the table that were opened; undefined where the engine does not tell. */
  readonly filesScanned?: number | undefined
}

/** What commands ask of the rest of ETL3. */
export interface CliServices {
  /** Finds or starts a server and a worker. */
  openRuns(options: OpenRunsOptions): Promise<Runs>
  /** A server that is there already, or undefined; starts nothing. */
  findRuns(options: OpenRunsOptions): Promise<Runs | undefined>
  queryCatalog(query: CatalogQuery): Promise<QueryAnswer>
  /** The run that the table shows, or undefined when nothing is published yet. */
  publishedRun(config: Config, signal: AbortSignal): Promise<CurrentRecord | undefined>
}

/** The real machinery. */
export function realServices(env: Readonly<Record<string, string | undefined>>): CliServices {
  return {
    async openRuns(options) {
      const [{ openSession }, { TemporalRuns }] = await Promise.all([
        import('../runtime/session.js'),
        import('./temporal-runs.js'),
      ])
      const { config, workflowId, log } = options
      const onNotice = (line: string): void => options.onNotice(line)
      return new TemporalRuns(await openSession({ config, workflowId, log, onNotice, env }), env)
    },
    async findRuns(options) {
      const { findRuns } = await import('./find-runs.js')
      return await findRuns(options, env)
    },
    async queryCatalog(query) {
      const { isOnAws } = await import('../lake/catalogs.js')
      if (isOnAws(query.config)) {
        const { queryAthena } = await import('../lake/athena-query.js')
        return await queryAthena(query)
      }
      const { queryCatalog } = await import('../lake/query.js')
      return await queryCatalog(query)
    },
    async publishedRun(config, signal) {
      const [{ readCurrent }, { openStore }] = await Promise.all([
        import('../activities/current.js'),
        import('../lake/stores.js'),
      ])
      return await readCurrent(openStore(config.output.metadata_uri), signal)
    },
  }
}
