/**
 * What a user would write instead: DuckDB's COPY of the same join, as a process of its own. Takes one JSON argument
 * ({@link CopyRequest}), prints one JSON line ({@link CopyResult}).
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { createOracleView, DEFAULT_OPTIONS, type StarTables } from '../test/oracle/oracle-table.js'
import { quoted, text } from '../test/oracle/sql.js'

/** What to copy, and how. */
export interface CopyRequest {
  readonly tables: StarTables
  /** An empty folder. */
  readonly out: string
  readonly threads: number
  readonly memoryLimitMb: number
  /**
   * `one`: to one unpartitioned file. `partitionBy`: COPY … PARTITION_BY the nine columns. `each`: one COPY a partition,
   * for a sample of one partition in `every`, from a joined table that numbers its partitions and is sorted by them.
   */
  readonly way: 'one' | 'partitionBy' | 'each'
  readonly every?: number
}

/** How it went. */
export interface CopyResult {
  /** Join and COPY; for `each` only the COPYs. */
  readonly seconds: number
  readonly rows: number
  readonly files: number
  readonly bytes: number
  readonly peakMb: number
  /** For `each`: join, numbering and sorting, once for all partitions. */
  readonly preparationSeconds?: number
  /** For `each`: where each file lies in the table of ETL3. */
  readonly partitions?: readonly (readonly (string | null)[])[]
}

const PARTITION = DEFAULT_OPTIONS.partitionColumns.map(quoted)

async function copy(request: CopyRequest): Promise<CopyResult> {
  const { tables, out, threads, memoryLimitMb, way } = request
  mkdirSync(out, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${memoryLimitMb}MiB`,
    temp_directory: join(out, 'spill'),
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  const began = performance.now()
  const since = (start: number): number => (performance.now() - start) / 1000
  const peakMb = (): number => process.resourceUsage().maxRSS / 1024
  await createOracleView(connection, tables)
  const count = async (sql: string): Promise<number> =>
    Number((await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0] ?? 0)
  switch (way) {
    case 'one': {
      const file = join(out, 'one.parquet')
      await connection.run(`COPY (FROM oracle_view) TO ${text(file)} (FORMAT parquet)`)
      const seconds = since(began)
      const rows = await count(`SELECT count(*)::DOUBLE FROM read_parquet(${text(file)})`)
      return { seconds, rows, files: 1, bytes: statSync(file).size, peakMb: peakMb() }
    }
    case 'partitionBy': {
      await connection.run(
        `COPY (FROM oracle_view) TO ${text(join(out, 'table'))} (FORMAT parquet, PARTITION_BY (${PARTITION.join(', ')}))`,
      )
      const seconds = since(began)
      const rows = await count(`SELECT count(*)::DOUBLE FROM read_parquet(${text(join(out, 'table/**/*.parquet'))})`)
      return { seconds, rows, files: 0, bytes: 0, peakMb: peakMb() }
    }
    case 'each': {
      await connection.run('CREATE TABLE joined AS FROM oracle_view')
      await connection.run(
        `CREATE TABLE numbers AS SELECT *, row_number() OVER (ORDER BY ${PARTITION.join(', ')}) - 1 AS number
         FROM (SELECT DISTINCT ${PARTITION.join(', ')} FROM joined)`,
      )
      const same = PARTITION.map((column) => `joined.${column} IS NOT DISTINCT FROM numbers.${column}`)
      await connection.run(
        `CREATE TABLE numbered AS SELECT joined.*, number FROM joined JOIN numbers ON ${same.join(' AND ')}
         ORDER BY number, code, fact_uid, npi`,
      )
      await connection.run('DROP TABLE joined')
      // The rows lie in the order that the files need: nothing is sorted again.
      await connection.run('SET preserve_insertion_order = true')
      const preparationSeconds = since(began)
      const found = await connection.runAndReadAll(
        `SELECT number::DOUBLE, ${PARTITION.join(', ')} FROM numbers WHERE number % ${request.every ?? 1} = 0 ORDER BY number`,
      )
      const chosen = found.getRowsJson().map(([number, ...values]) => ({
        number: Number(number),
        values: values.map((value) => (value === null ? null : String(value))),
        file: join(out, `${Number(number)}.parquet`),
      }))
      const start = performance.now()
      for (const { number, file } of chosen) {
        // Zone maps of the sorted number leave the row groups of other partitions unread.
        await connection.run(
          `COPY (SELECT * EXCLUDE (number) FROM numbered WHERE number = ${number}) TO ${text(file)} (FORMAT parquet, COMPRESSION snappy)`,
        )
      }
      const seconds = since(start)
      const rows = await count(`SELECT count(*)::DOUBLE FROM numbered WHERE number % ${request.every ?? 1} = 0`)
      const bytes = chosen.reduce((sum, { file }) => sum + statSync(file).size, 0)
      const partitions = chosen.map(({ values }) => values)
      return { seconds, preparationSeconds, rows, files: chosen.length, bytes, peakMb: peakMb(), partitions }
    }
  }
}

const request: CopyRequest = JSON.parse(process.argv[2] ?? '{}')
process.stdout.write(`${JSON.stringify(await copy(request))}\n`)
