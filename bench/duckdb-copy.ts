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
   * for a sample of one partition in `every`, from a table that is joined already.
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
      const found = await connection.runAndReadAll(
        `SELECT ${PARTITION.join(', ')}, count(*)::DOUBLE FROM joined GROUP BY ALL ORDER BY ALL`,
      )
      const chosen = found.getRowsJson().filter((_, i) => i % (request.every ?? 1) === 0)
      const start = performance.now()
      let rows = 0
      let bytes = 0
      const partitions: (string | null)[][] = []
      for (const [i, row] of chosen.entries()) {
        const values = row.slice(0, -1).map((value) => (value === null ? null : String(value)))
        const here = PARTITION.map((column, c) => {
          const value = values[c] ?? null
          return value === null ? `${column} IS NULL` : `${column} = ${text(value)}`
        })
        const file = join(out, `${i}.parquet`)
        await connection.run(
          `COPY (SELECT * FROM joined WHERE ${here.join(' AND ')} ORDER BY code, fact_uid, npi) TO ${text(file)} (FORMAT parquet, COMPRESSION snappy)`,
        )
        rows += Number(row.at(-1))
        bytes += statSync(file).size
        partitions.push(values)
      }
      return { seconds: since(start), rows, files: chosen.length, bytes, peakMb: peakMb(), partitions }
    }
  }
}

const request: CopyRequest = JSON.parse(process.argv[2] ?? '{}')
process.stdout.write(`${JSON.stringify(await copy(request))}\n`)
