/**
 * What distinguishes the partitions that Glue has from those that are due. Both sides lie in an engine's tables and are
 * read in windows, so that 30,000 partitions take no more of the process than a hundred.
 */
import type { Partition } from '@aws-sdk/client-glue'
import type { Engine } from '../../engine/engine.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import { manifestRelation } from '../../partition-files/manifest-file.js'
import type { PublishedTable } from '../catalog.js'
import { PARTITION_FILE, partitionKey } from '../keys.js'
import { fromGlueValue } from './values.js'

/** Property of a partition: digest of its columns and its object. What a reader does not see changes it too. */
export const PARTITION_MARK = 'etl3.mark'

/** A partition that must be in Glue. */
export interface DuePartition {
  /** Raw values, null for NULL, in the order of the partition columns. */
  readonly values: readonly (string | null)[]
  /** Address of its directory, escaped, with the final '/'. */
  readonly location: string
  readonly mark: string
  readonly rows: number
  readonly bytes: number
}

/** How many partitions must be created, updated, deleted. */
export interface DifferenceCounts {
  readonly partitions: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** What the due partitions are made of. */
export interface DueOptions {
  readonly state: PublishedTable
  /** Address of the table with the final '/'. */
  readonly root: string
  readonly columnsDigest: string
}

/** Partitions read from the engine at once. */
const WINDOW = 1_000

/** The due partitions, and how Glue's differ from them. */
export class PartitionDifference {
  readonly #engine: Engine
  readonly #columns: readonly string[]

  private constructor(engine: Engine, columns: readonly string[]) {
    this.#engine = engine
    this.#columns = columns
  }

  /** Loads the manifest's partitions into the engine. */
  static async open(engine: Engine, { state, root, columnsDigest }: DueOptions): Promise<PartitionDifference> {
    const columns = state.partitionColumns.map((name, i) => `${sqlIdentifier(name)} AS v${i}`)
    await engine.run(`CREATE TABLE due AS SELECT key, ${[...columns, 'rows', 'bytes'].join(', ')},
      ${sqlString(root)} || left(key, length(key) - ${PARTITION_FILE.length}) AS location,
      ${sqlString(`${columnsDigest} `)} || sha256 AS mark
      FROM ${manifestRelation([state.manifestPath], { columns: ['key', 'rows', 'bytes', 'sha256'], partitionColumns: state.partitionColumns })}`)
    await engine.run('CREATE TABLE found (key VARCHAR, glue_values VARCHAR, location VARCHAR, mark VARCHAR)')
    return new PartitionDifference(engine, state.partitionColumns)
  }

  /** Compares with what Glue has now. @param pages its partitions, page by page */
  async compare(pages: AsyncIterable<readonly Partition[]>): Promise<DifferenceCounts> {
    const engine = this.#engine
    await engine.run('TRUNCATE found')
    await engine.append('found', this.#foundRows(pages))
    await engine.run(`CREATE OR REPLACE TABLE to_write AS
      SELECT due.*, found.key IS NULL AS is_new FROM due LEFT JOIN found ON found.key = due.key
      WHERE found.key IS NULL OR found.mark <> due.mark OR found.location <> due.location`)
    await engine.run(`CREATE OR REPLACE TABLE to_delete AS
      SELECT glue_values FROM found WHERE NOT EXISTS (FROM due WHERE due.key = found.key)`)
    const { partitions, created, updated, deleted } = await engine.row(`SELECT
      (SELECT count(*) FROM due) AS partitions, (SELECT count(*) FROM to_write WHERE is_new) AS created,
      (SELECT count(*) FROM to_write WHERE NOT is_new) AS updated, (SELECT count(*) FROM to_delete) AS deleted`)
    return {
      partitions: Number(partitions),
      created: Number(created),
      updated: Number(updated),
      deleted: Number(deleted),
    }
  }

  /** Partitions that Glue has not. */
  created(): AsyncGenerator<DuePartition> {
    return this.#written('is_new')
  }

  /** Partitions that Glue has otherwise. */
  updated(): AsyncGenerator<DuePartition> {
    return this.#written('NOT is_new')
  }

  /** `Values` of the partitions that Glue has too many. */
  async *deleted(): AsyncGenerator<string[]> {
    for await (const row of this.#rows('to_delete', 'true')) yield parseValues(String(row['glue_values']))
  }

  async *#written(condition: string): AsyncGenerator<DuePartition> {
    for await (const row of this.#rows('to_write', condition)) {
      yield {
        values: this.#columns.map((_, i) => textOrNull(row[`v${i}`])),
        location: String(row['location']),
        mark: String(row['mark']),
        rows: Number(row['rows']),
        bytes: Number(row['bytes']),
      }
    }
  }

  async *#rows(table: string, condition: string): AsyncGenerator<Record<string, unknown>> {
    for (let offset = 0; ; offset += WINDOW) {
      // The engine keeps the order of insertion, so windows neither overlap nor leave anything out.
      const rows = await this.#engine.rows(`SELECT * FROM ${table} WHERE ${condition} LIMIT ${WINDOW} OFFSET ${offset}`)
      yield* rows
      if (rows.length < WINDOW) return
    }
  }

  async *#foundRows(pages: AsyncIterable<readonly Partition[]>): AsyncGenerator<(string | null)[]> {
    for await (const page of pages) {
      for (const { Values = [], StorageDescriptor, Parameters } of page) {
        const values = JSON.stringify(Values)
        const key = this.#keyOf(Values) ?? values
        yield [key, values, StorageDescriptor?.Location ?? '', Parameters?.[PARTITION_MARK] ?? '']
      }
    }
  }

  /** Key of the object that a partition of Glue stands for; undefined for one that cannot be ETL3's. */
  #keyOf(values: readonly string[]): string | undefined {
    if (values.length !== this.#columns.length) return undefined
    try {
      return partitionKey(this.#columns, values.map(fromGlueValue))
    } catch {
      // Longer than a key can be.
      return undefined
    }
  }
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}

function parseValues(json: string): string[] {
  const values: unknown = JSON.parse(json)
  return Array.isArray(values) ? values.map(String) : []
}
