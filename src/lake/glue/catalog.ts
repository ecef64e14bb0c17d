/** The catalog on AWS: Glue holds the tables, Athena counts. */
import { type Engine, withEngine } from '../../engine/engine.js'
import { ENGINE_MB } from '../../engine/engine-memory.js'
import { sqlIdentifier } from '../../engine/sql.js'
import { manifestRelation } from '../../partition-files/manifest-file.js'
import { plannedPartitions } from '../../partition-files/plan-file.js'
import type { Catalog, ForeseenTable, PublishedTable, RegisterOutcome, RowCount } from '../catalog.js'
import type { AthenaQueries } from './athena.js'
import { readObservedPartitions } from './observed-values.js'
import { PartitionDifference } from './partition-difference.js'
import { projectedTableName } from './projected-table-name.js'
import { decideKeys } from './projection.js'
import { Registration } from './registration.js'
import { CLAIM_PROPERTY, defineTables, RUN_PROPERTY, type TableDefinitions } from './table-definition.js'
import type { GlueTables } from './tables.js'
import { fromGlueValue } from './values.js'

/** Where the catalog lies. */
export interface GlueCatalogOptions {
  readonly glue: GlueTables
  readonly athena: AthenaQueries
  /** Name of the exact table. */
  readonly table: string
  /** Folder for spill files. */
  readonly scratch: string
  /** How long another run's claim is respected, in ms. Default: 15,000. */
  readonly claimPatienceMs?: number
}

/**
 * Glue and Athena as a {@link Catalog}.
 *
 * A registration claims the exact table (a property, set with the version that was read), brings its partitions and the
 * projected table to the state, and ends by putting its run's id in place of the claim. Whoever loses the claim finds out
 * before its next deletion, and within a second before any other call.
 */
export class GlueCatalog implements Catalog {
  readonly uri: string
  readonly #options: GlueCatalogOptions
  readonly #glue: GlueTables

  constructor(options: GlueCatalogOptions) {
    this.uri = `glue://${options.glue.database}`
    this.#options = options
    this.#glue = options.glue
  }

  /** What costs the projected table keys. */
  async foresee({ partitionColumns, planPath }: ForeseenTable, signal: AbortSignal): Promise<readonly string[]> {
    const partitions = plannedPartitions(planPath, { columns: [], partitionColumns })
    const { warning } = await this.#withEngine(signal, async (engine) =>
      decideKeys(await readObservedPartitions(engine, { partitions, partitionColumns })),
    )
    return warning === undefined ? [] : [`${projectedTableName(this.#options.table)} has ${warning}`]
  }

  /**
   * @throws ConflictError `ETL3-GL-03` when another run took the table over, `ETL3-GL-04` for a table that is not ETL3's
   * @throws IntegrityError `ETL3-GL-01`, UnavailableError `ETL3-GL-02` for partitions that Glue does not take
   */
  async register(state: PublishedTable, signal: AbortSignal): Promise<RegisterOutcome> {
    const { claimPatienceMs } = this.#options
    const { manifestPath, partitionColumns } = state
    return await this.#withEngine(signal, async (engine) => {
      const partitions = manifestRelation([manifestPath], { columns: ['key'], partitionColumns })
      const tables = defineTables(state, await readObservedPartitions(engine, { partitions, partitionColumns }))
      const difference = await PartitionDifference.open(engine, { state, ...tables })
      await this.#glue.ensureDatabase('Tables that ETL3 registers.', signal)
      const registration = new Registration({ glue: this.#glue, claimPatienceMs, state, tables, difference, signal })
      const counts = await registration.run()
      return { ...counts, notes: [...projectionNotes(state, tables), ...registration.notes] }
    })
  }

  async countRows(columns: readonly string[], signal: AbortSignal): Promise<RowCount> {
    const names = columns.map(sqlIdentifier)
    const table = `${sqlIdentifier(this.#glue.database)}.${sqlIdentifier(this.#options.table)}`
    const groups = names.map((_, i) => i + 1).join(', ')
    const query = await this.#options.athena.start(
      `SELECT ${[...names, 'count(*)'].join(', ')} FROM ${table} GROUP BY ${groups}`,
      signal,
    )
    // Not looked at here: where a look fails, or is given up, nobody would know of the query to stop it.
    return { state: 'counting', query }
  }

  /** @throws UnavailableError `ETL3-AT-01` with Athena's reason when the query failed or was stopped */
  async lookAtCount(query: string, columns: readonly string[], signal: AbortSignal): Promise<RowCount> {
    const { athena } = this.#options
    if (!(await athena.isDone(query, signal))) return { state: 'counting', query }
    const counts = []
    for await (const row of athena.rows(query, signal)) {
      const values = columns.map((_, i) => row[i] ?? null)
      counts.push({
        values: values.map((value) => (value === null ? null : fromGlueValue(value))),
        rows: Number(row[columns.length]),
      })
    }
    return { state: 'counted', counts }
  }

  async stopCount(query: string, signal: AbortSignal): Promise<void> {
    await this.#options.athena.stop(query, signal)
  }

  async registeredRun(signal: AbortSignal): Promise<string | undefined> {
    const { table } = this.#options
    const exact = await this.#glue.find(table, signal)
    const run = exact?.Parameters?.[RUN_PROPERTY]
    if (run === undefined || exact?.Parameters?.[CLAIM_PROPERTY] !== undefined) return undefined
    const projected = await this.#glue.find(projectedTableName(table), signal)
    return projected?.Parameters?.[RUN_PROPERTY] === run ? run : undefined
  }

  async #withEngine<T>(signal: AbortSignal, act: (engine: Engine) => Promise<T>): Promise<T> {
    const options = { memoryLimitMb: ENGINE_MB.catalog, threads: 1, scratch: this.#options.scratch }
    return await withEngine(options, signal, act)
  }
}

function projectionNotes({ table }: PublishedTable, { decision, keyDecision }: TableDefinitions): string[] {
  return [
    `partition projection of ${table} is ${decision.enabled ? 'on' : 'off'}: ${decision.reason}`,
    `${projectedTableName(table)} has ${keyDecision.reason}`,
  ]
}
