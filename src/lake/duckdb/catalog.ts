/** The embedded catalog: a DuckDB file with a view over the published files, the partition list and the run's figures. */
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { type Cell, type Engine, withEngine } from '../../engine/engine.js'
import { ENGINE_MB } from '../../engine/engine-memory.js'
import { readParquet } from '../../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import { manifestRelation } from '../../partition-files/manifest-file.js'
import { ConflictError, firstLineOf, IntegrityError, messageOf } from '../../runtime/errors.js'
import { makeFolder } from '../../runtime/make-folder.js'
import type {
  Catalog,
  CatalogColumn,
  PublishedAnalytics,
  PublishedTable,
  RegisterOutcome,
  RowCount,
  SmokeCount,
} from '../catalog.js'
import { folderError, systemCode } from '../file-errors.js'
import { flushOne, UNFINISHED_FOLDER } from '../whole-file.js'
import { analyticsSelect, partitionedName } from './analytics-select.js'
import { KeyList } from './key-list.js'
import { NumberedFile } from './numbered-file.js'
import { tablePaths, tableSelect } from './table-select.js'

/** File name of the catalog in the metadata folder. */
export const CATALOG_FILE = 'catalog.duckdb'

/** Schema of the tables about the table, beside the schema that holds the view. */
export const ABOUT_SCHEMA = 'etl3'

/** Schema in which DuckDB looks for a name that is said without one. */
export const DEFAULT_SCHEMA = 'main'

/** Macro that gives the paths of all published files, as `read_parquet` takes them. */
const FILES = `${ABOUT_SCHEMA}.files`

/** Tables of rates; `main` shows them under the table's name, as `<table>_rates`. */
const RATES = { byState: 'rates', byPayer: 'rates_by_payer' } as const

/** Files that {@link DuckDbCatalog.countRows} reads, spread evenly over the partitions. */
const COUNTED_FILES = 256

/** Where the embedded catalog lies and how it is written. */
export interface DuckDbCatalogOptions {
  /** Folder of the run records: `output.metadata_uri`. */
  readonly metadataFolder: string
  /** Schema of the views: `athena.database`. They stand in DuckDB's `main` as well, so that their bare names are found. */
  readonly database: string
  /** Folder for spill files. */
  readonly scratch: string
}

/**
 * A DuckDB file as a {@link Catalog}.
 *
 * Each registration writes a new file and puts it in the place of the old one, so a reader never waits for a lock and
 * never sees half a run. It carries the number of the run's lock, so a worker that is late changes nothing. In the
 * schema `etl3` are the tables `published` (one row), `partitions`, `quarantine`, `rates`, `rates_by_payer`, `columns` and
 * `figures`, and the macro `files()`.
 */
export class DuckDbCatalog implements Catalog {
  readonly uri: string
  readonly #options: DuckDbCatalogOptions
  readonly #unfinished: string

  constructor(options: DuckDbCatalogOptions) {
    const folder = resolve(options.metadataFolder)
    this.uri = join(folder, CATALOG_FILE)
    this.#options = options
    this.#unfinished = join(folder, UNFINISHED_FOLDER)
  }

  /** A view holds any value. */
  async foresee(): Promise<readonly string[]> {
    return []
  }

  /**
   * @throws ConflictError `ETL3-CA-04` where a newer run has registered meanwhile: its catalog stays
   * @throws ResourceError `ETL3-DK-01`, ConfigError `ETL3-DK-03` where the file cannot be written
   */
  async register(state: PublishedTable, signal: AbortSignal): Promise<RegisterOutcome> {
    const fresh = this.#unfinishedPath()
    const built = whereDuckDbCanWrite(fresh)
    try {
      const outcome = await this.#withEngine(signal, async (engine) => {
        await engine.run(`ATTACH ${sqlString(built)} AS fresh`)
        await this.#writeTables(engine, state)
        await this.#writeViews(engine, state)
        const outcome = await this.#compare(engine)
        await engine.run('CHECKPOINT fresh')
        await engine.run('DETACH fresh')
        return outcome
      })
      if (built !== fresh) copyFileSync(built, fresh)
      flushOne(fresh)
      const file = new NumberedFile(this.uri)
      const newest = file.replace(fresh, state.lockNumber)
      flushOne(dirname(this.uri))
      if (newest > state.lockNumber) throw outrun(state.lockNumber, newest, file.locate(newest))
      return outcome
    } catch (error) {
      throw folderError(error, 'write', this.uri)
    } finally {
      for (const path of [fresh, built]) {
        rmSync(path, { force: true })
        rmSync(`${path}.wal`, { force: true })
      }
    }
  }

  /**
   * Rows by partition columns. A sample of the files, all of them in a small table, is read through the same SELECT as
   * the view's; the others count with the rows that the catalog lists. So memory and time stay bounded.
   * @throws IntegrityError `ETL3-CA-03` where a file cannot be read
   */
  async countRows(columns: readonly string[], signal: AbortSignal): Promise<RowCount> {
    return { state: 'counted', counts: await this.#counts(columns, signal) }
  }

  /** Counts are never under way here; whoever asks gets them anew. */
  async lookAtCount(_query: string, columns: readonly string[], signal: AbortSignal): Promise<RowCount> {
    return await this.countRows(columns, signal)
  }

  async stopCount(): Promise<void> {}

  async registeredRun(signal: AbortSignal): Promise<string | undefined> {
    if (!existsSync(this.uri)) return undefined
    return await this.#withEngine(signal, async (engine) => {
      if (!(await this.#attachIfReadable(engine))) return undefined
      const [row] = await engine.rows('SELECT run_id FROM published.etl3.published')
      return row === undefined ? undefined : String(row['run_id'])
    })
  }

  async #counts(columns: readonly string[], signal: AbortSignal): Promise<readonly SmokeCount[]> {
    const names = columns.map(sqlIdentifier)
    return await this.#withEngine(signal, async (engine) => {
      await this.#attach(engine)
      const analytics = await readAnalytics(engine, 'published')
      if (analytics) {
        // Its files are few: all of them are asked, and nothing but them.
        const select = analyticsSelect(await readColumns(engine, 'published'), analytics)
        return countsOf(
          columns,
          await readable(() =>
            engine.rows(`SELECT ${[...names, 'count(*) AS counted_rows'].join(', ')} FROM (${select}) GROUP BY ALL`),
          ),
        )
      }
      await engine.run(`CREATE TEMP TABLE sampled AS SELECT key FROM (
        SELECT key, row_number() OVER (ORDER BY key) AS n, count(*) OVER () AS total FROM published.etl3.partitions
      ) WHERE n % greatest(1, ceil(total / ${COUNTED_FILES})::BIGINT) = 0`)
      const select = tableSelect({
        columns: await readColumns(engine, 'published'),
        partitionColumns: await readPartitionColumns(engine, 'published'),
        tableRoot: String((await engine.row('SELECT table_uri FROM published.etl3.published'))['table_uri']),
        keys: await KeyList.from(engine.columnPieces('FROM sampled ORDER BY key')),
      })
      const rows = await readable(() =>
        engine.rows(`SELECT ${[...names, 'sum(rows)::BIGINT AS counted_rows'].join(', ')} FROM (
          SELECT ${[...names, 'rows'].join(', ')} FROM published.etl3.partitions WHERE key NOT IN (FROM sampled)
          UNION ALL SELECT ${[...names, 'count(*)'].join(', ')} FROM (${select}) GROUP BY ALL
        ) GROUP BY ALL`),
      )
      return countsOf(columns, rows)
    })
  }

  async #writeTables(engine: Engine, state: PublishedTable): Promise<void> {
    const partitionColumns = state.partitionColumns.map(sqlIdentifier)
    await engine.run(`CREATE SCHEMA fresh.${ABOUT_SCHEMA}`)
    await engine.run(
      `CREATE TABLE fresh.etl3.published AS SELECT ${[
        `${sqlString(state.runId)} AS run_id`,
        `${sqlString(this.#options.database)} AS database`,
        `${sqlString(state.table)} AS table_name`,
        `${sqlString(resolve(state.tableUri))} AS table_uri`,
        `${state.analytics ? sqlString(resolve(state.analytics.uri)) : 'NULL'}::VARCHAR AS analytics_uri`,
      ].join(', ')}`,
    )
    const published = manifestRelation([state.manifestPath], {
      columns: ['key', 'rows', 'facts', 'bytes', 'sha256', 'fingerprint'],
      partitionColumns: state.partitionColumns,
    })
    // The manifest is in the order of the keys already: sorted again, 77,000 partitions would take 60 MB more.
    await engine.run(
      `CREATE TABLE fresh.etl3.partitions AS SELECT ${['key', ...partitionColumns].join(', ')}, rows, facts, bytes, sha256, ` +
        `fingerprint FROM ${published}`,
    )
    if (state.quarantinePath !== undefined) {
      await engine.run(`CREATE TABLE fresh.etl3.quarantine AS FROM ${readParquet([state.quarantinePath])}`)
    }
    if (state.rates) {
      await engine.run(`CREATE TABLE fresh.etl3.${RATES.byState} AS FROM ${readParquet([state.rates.byState])}`)
      await engine.run(`CREATE TABLE fresh.etl3.${RATES.byPayer} AS FROM ${readParquet([state.rates.byPayer])}`)
    }
    await writeColumns(engine, state)
    await writeFigures(engine, state)
    if (state.analytics) await writeAnalytics(engine, state.analytics)
  }

  /**
   * The view of the partitions takes its files from the macro `etl3.files()`. While it is created, DuckDB makes a list of
   * them and keeps it in several copies: of 77,000 files 120 MB. So it is created over one file, and the macro gets the
   * others afterwards; nobody evaluates it there.
   */
  async #writeViews(engine: Engine, state: PublishedTable): Promise<void> {
    const keys = await KeyList.from(engine.columnPieces('SELECT key FROM fresh.etl3.partitions'))
    const root = resolve(state.tableUri)
    await engine.run(`CREATE MACRO fresh.${FILES}() AS ${tablePaths(root, keys.first())}`)
    const select = tableSelect({ ...state, tableRoot: root, keys, files: `${FILES}()` })
    const { table, columns, analytics } = state
    await this.#createView(engine, analytics ? partitionedName(table) : table, select)
    if (analytics) await this.#createView(engine, table, analyticsSelect(columns, analytics))
    await engine.run(`CREATE OR REPLACE MACRO fresh.${FILES}() AS ${tablePaths(root, keys)}`)
    if (state.rates) {
      for (const name of Object.values(RATES)) {
        await this.#createView(engine, `${table}_${name}`, `SELECT * FROM ${ABOUT_SCHEMA}.${name}`)
      }
    }
  }

  /** The SELECT itself stands in both schemas, so that neither view needs the other one's name. */
  async #createView(engine: Engine, name: string, select: string): Promise<void> {
    for (const schema of new Set([this.#options.database, DEFAULT_SCHEMA])) {
      await engine.run(`CREATE SCHEMA IF NOT EXISTS fresh.${sqlIdentifier(schema)}`)
      await engine.run(`CREATE VIEW fresh.${sqlIdentifier(schema)}.${sqlIdentifier(name)} AS ${select}`)
    }
  }

  /** What the new file changes. One that cannot be read counts as none: it is replaced anyway. */
  async #compare(engine: Engine): Promise<RegisterOutcome> {
    const partitions = await engine.count('SELECT count(*) FROM fresh.etl3.partitions')
    if (!existsSync(this.uri) || !(await this.#attachIfReadable(engine))) {
      return { partitions, created: partitions, updated: 0, deleted: 0 }
    }
    const change = await engine.row(`SELECT count(*) FILTER (before.key IS NULL) AS created,
        count(*) FILTER (before.sha256 <> now.sha256) AS updated, count(*) FILTER (now.key IS NULL) AS deleted
      FROM fresh.etl3.partitions AS now FULL JOIN published.etl3.partitions AS before ON before.key = now.key`)
    return {
      partitions,
      created: Number(change['created']),
      updated: Number(change['updated']),
      deleted: Number(change['deleted']),
    }
  }

  async #attachIfReadable(engine: Engine): Promise<boolean> {
    try {
      await this.#attach(engine)
      await engine.row('SELECT count(*) FROM published.etl3.partitions')
      return true
    } catch (error) {
      // DuckDB's errors are plain ones; everything that has a code of ours, or of the system, is a reason to stop.
      if (systemCode(error) !== undefined) throw error
      return false
    }
  }

  /** Attaches a copy of the catalog: somebody who has it open for writing, in DuckDB's own shell, keeps others out. */
  async #attach(engine: Engine): Promise<void> {
    const copy = this.#unfinishedPath()
    try {
      copyFileSync(this.uri, copy)
      await engine.run(`ATTACH ${sqlString(copy)} AS published (READ_ONLY)`)
    } finally {
      // The engine keeps it open; nobody else needs its name.
      rmSync(copy, { force: true })
    }
  }

  async #withEngine<T>(signal: AbortSignal, act: (engine: Engine) => Promise<T>): Promise<T> {
    return await withEngine(
      { memoryLimitMb: ENGINE_MB.catalog, threads: 1, scratch: this.#options.scratch },
      signal,
      act,
    )
  }

  #unfinishedPath(): string {
    try {
      makeFolder(this.#unfinished)
    } catch (error) {
      throw folderError(error, 'create', this.#unfinished)
    }
    return join(this.#unfinished, `catalog-${process.pid}-${randomBytes(6).toString('hex')}`)
  }
}

/**
 * DuckDB puts `.wal` before the first question mark of a database's path, wherever it stands, as in an address: below
 * such a folder it can read a database and not write one. Then it is written elsewhere, to be copied.
 */
function whereDuckDbCanWrite(path: string): string {
  return path.includes('?') ? join(tmpdir(), `etl3-${basename(path)}`) : path
}

function countsOf(columns: readonly string[], rows: readonly Record<string, Cell>[]): SmokeCount[] {
  return rows.map((row) => ({
    values: columns.map((name) => (row[name] === null ? null : String(row[name]))),
    rows: Number(row['counted_rows']),
  }))
}

function outrun(number: number, newest: number, file: string): ConflictError {
  return new ConflictError(
    'ETL3-CA-04',
    `the catalog is that of a newer run [its lock has number ${newest}, this run's ${number}]`,
    { hint: `Start the run again. If the folder lock/ was deleted by hand, delete ${file} as well.` },
  )
}

/** Two tables, where the run keeps the analytics table. */
async function writeAnalytics(engine: Engine, analytics: PublishedAnalytics): Promise<void> {
  await engine.run('CREATE TABLE fresh.etl3.analytics (uri VARCHAR, snapshot_id VARCHAR, committed_ms BIGINT)')
  await engine.run('CREATE TABLE fresh.etl3.analytics_files (key VARCHAR, rows BIGINT, bytes BIGINT)')
  const { uri, snapshotId, timestampMs, files } = analytics
  await engine.run(
    `INSERT INTO fresh.etl3.analytics VALUES (${sqlString(resolve(uri))}, ${sqlString(snapshotId)}, ${timestampMs})`,
  )
  const values = files.map(({ key, rows, bytes }) => `(${sqlString(key)}, ${rows}, ${bytes})`)
  if (values.length > 0) await engine.run(`INSERT INTO fresh.etl3.analytics_files VALUES ${values.join(', ')}`)
}

/** The analytics table that a catalog shows, or undefined where it shows none. @param catalog name under which it is attached */
export async function readAnalytics(
  engine: Pick<Engine, 'rows'>,
  catalog: string,
): Promise<PublishedAnalytics | undefined> {
  const [known] = await engine.rows(
    `SELECT count(*) AS tables FROM duckdb_tables() WHERE database_name = ${sqlString(catalog)} AND schema_name = 'etl3' AND table_name = 'analytics'`,
  )
  if (Number(known?.['tables']) === 0) return undefined
  const about = `${sqlIdentifier(catalog)}.etl3`
  const [table] = await engine.rows(`SELECT uri, snapshot_id, committed_ms FROM ${about}.analytics`)
  if (!table) return undefined
  const files = await engine.rows(`SELECT key, rows, bytes FROM ${about}.analytics_files ORDER BY key`)
  return {
    uri: String(table['uri']),
    snapshotId: String(table['snapshot_id']),
    timestampMs: Number(table['committed_ms']),
    files: files.map(({ key, rows, bytes }) => ({ key: String(key), rows: Number(rows), bytes: Number(bytes) })),
  }
}

/** The columns of the published table, in its order. @param catalog name under which the file is attached */
export async function readColumns(engine: Pick<Engine, 'rows'>, catalog: string): Promise<CatalogColumn[]> {
  const rows = await engine.rows(
    `SELECT name, type, comment FROM ${sqlIdentifier(catalog)}.etl3.columns ORDER BY position`,
  )
  return rows.map(({ name, type, comment }) => ({ name: String(name), type: String(type), comment: String(comment) }))
}

/** The partition columns of the published table, in the order of the directories. */
export async function readPartitionColumns(engine: Pick<Engine, 'rows'>, catalog: string): Promise<string[]> {
  const rows = await engine.rows(
    `SELECT name FROM ${sqlIdentifier(catalog)}.etl3.columns WHERE partition_position IS NOT NULL ORDER BY partition_position`,
  )
  return rows.map(({ name }) => String(name))
}

async function writeColumns(engine: Engine, state: PublishedTable): Promise<void> {
  await engine.run(
    'CREATE TABLE fresh.etl3.columns (position INTEGER, name VARCHAR, type VARCHAR, comment VARCHAR, partition_position INTEGER)',
  )
  const values = state.columns.map(({ name, type, comment }, position) => {
    const partition = state.partitionColumns.indexOf(name)
    return `(${position + 1}, ${sqlString(name)}, ${sqlString(type)}, ${sqlString(comment)}, ${partition < 0 ? 'NULL' : partition + 1})`
  })
  if (values.length > 0) await engine.run(`INSERT INTO fresh.etl3.columns VALUES ${values.join(', ')}`)
}

async function writeFigures(engine: Engine, state: PublishedTable): Promise<void> {
  await engine.run('CREATE TABLE fresh.etl3.figures (name VARCHAR, value VARCHAR)')
  const values = Object.entries(state.figures).map(
    ([name, value]) => `(${sqlString(name)}, ${sqlString(String(value))})`,
  )
  if (values.length > 0) await engine.run(`INSERT INTO fresh.etl3.figures VALUES ${values.join(', ')}`)
}

async function readable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const message = messageOf(cause)
    if (!message.startsWith('IO Error') && !message.startsWith('Invalid Input Error')) throw cause
    throw new IntegrityError('ETL3-CA-03', `a published file cannot be read: ${firstLineOf(cause)}`, {
      hint: 'Run again: it finds what is missing and writes it anew.',
      cause,
    })
  }
}
