/** A file of one input table in which some columns are written in an unusual way, and what the contract reads of it. */
import { join } from 'node:path'
import type { TableName } from '../../../src/config/schema.js'
import { type Cell, Engine } from '../../../src/engine/engine.js'
import { sqlIdentifier, sqlString } from '../../../src/engine/sql.js'
import { contractOf } from '../../../src/star/contract.js'
import { explainReading } from '../../../src/star/explain-reading.js'
import { type CheckedFile, readSchemas, selectInput } from '../../../src/star/file-schema.js'
import { checkValues, type PaddedCodes } from '../../../src/star/value-checks.js'

/** SQL of a value for each column that must be there. */
const PLAIN: Readonly<Record<string, string>> = {
  negotiated_rate: '1.5::DOUBLE',
  medicare_prof_stateavg: '1.5::DOUBLE',
  data_year: '2025',
  pos_members: "['11']",
}

/** Columns by name: SQL of an expression. A name that differs from the contract's in case stands in its place. */
export type OddColumns = Readonly<Record<string, string>>

/** Writes a file of as many rows as `rows`, each with its expressions over the row's number `i` (from 0). */
export async function writeOdd(
  engine: Engine,
  file: string,
  name: TableName,
  { columns, rows = 1, without = [] }: { columns: OddColumns; rows?: number; without?: readonly string[] },
): Promise<void> {
  const odd = new Set(Object.keys(columns).map((column) => column.trim().toLowerCase()))
  const plain = contractOf(name)
    .columns.filter((c) => c.required && !odd.has(c.name) && !without.includes(c.name))
    .map((c) => [c.name, PLAIN[c.name] ?? "'x'"] as const)
  const list = [...plain, ...Object.entries(columns)].map(([column, sql]) => `${sql} AS ${sqlIdentifier(column)}`)
  await engine.run(`COPY (SELECT ${list.join(', ')} FROM range(${rows}) r(i)) TO ${sqlString(file)} (FORMAT parquet)`)
}

/** What ETL3 reads of files of a table. */
export interface ReadBack {
  readonly rows: Record<string, Cell>[]
  readonly padded: readonly PaddedCodes[]
  readonly files: readonly CheckedFile[]
}

/** Reads files as a run does: schemas, values, rows. */
export async function readBack(engine: Engine, name: TableName, paths: readonly string[]): Promise<ReadBack> {
  const found = paths.map((path) => ({ path }))
  const schemas = await readSchemas(name, found, engine)
  const files = found.flatMap((file, i) => {
    const schema = schemas[i]
    return schema ? [{ ...file, schema }] : []
  })
  const padded = await checkValues(name, files, engine)
  const rows = await explainReading([{ name, files }], engine, async () => await engine.rows(selectInput(name, files)))
  return { rows, padded, files }
}

/** An engine over a folder, for a test file. */
export async function openEngine(folder: string): Promise<Engine> {
  return await Engine.open({ memoryLimitMb: 256, threads: 1, scratch: join(folder, 'scratch') })
}
