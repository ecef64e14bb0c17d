/**
 * Facts of very many small files, gathered. A file takes the engine some time whatever is read of it, and staging reads
 * the facts four times; so small files are read once, into a file for a thousand of them, and staging reads that.
 */
import { join } from 'node:path'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { Etl3Error } from '../runtime/errors.js'
import { contractOf } from './contract.js'
import { isInterrupt } from './explain-reading.js'
import type { FileRange } from './fact-batches.js'
import { FILE_NUMBER } from './file-number.js'
import { type CheckedFile, selectInput } from './file-schema.js'

/** Mean size below which a file takes longer to open than to read twice and to write. */
const SMALL_FILE_BYTES = 64 * 1024

/** Fewer are read as they stand: gathering them would save some milliseconds. */
const FEWEST_FILES = 64

/** A statement names each of its files: some 100 KB of SQL. */
const FILES_AT_ONCE = 1_000

/** Above it a file is read column by column, as always: what is read at once is in memory at once. */
const MOST_IN_ONE_READ = 1024 * 1024

/** Small, because all columns of a row group are in memory until it is written. */
const ROW_GROUP_ROWS = 32_768

/** Files of facts, and the batches in which they are staged. */
export interface BatchedFacts {
  readonly files: readonly CheckedFile[]
  /** Size of each of the files. */
  readonly bytes: readonly number[]
  readonly batches: readonly FileRange[]
}

/** Local paths of what was gathered of each batch; none of a batch whose files are read as they stand. */
export type Gathered = readonly (readonly string[])[]

/** Gathers the batches of small files into files in a folder. */
export async function gatherBatches(
  engine: Engine,
  { files, bytes, batches }: BatchedFacts,
  folder: string,
): Promise<Gathered> {
  const gathered: string[][] = []
  for (const [batch, { from, to }] of batches.entries()) {
    const paths: string[] = []
    gathered.push(paths)
    if (!areSmall(bytes.slice(from, to))) continue
    for (let first = from; first < to; first += FILES_AT_ONCE) {
      const target = join(folder, `gathered-${batch}-${paths.length}.parquet`)
      const last = Math.min(first + FILES_AT_ONCE, to)
      const inOneRead = bytes.slice(first, last).every((one) => one <= MOST_IN_ONE_READ)
      await gatherFacts(engine, files.slice(first, last), { first, target, inOneRead })
      paths.push(target)
    }
  }
  return gathered
}

function areSmall(bytes: readonly number[]): boolean {
  const all = bytes.reduce((sum, one) => sum + one, 0)
  return bytes.length >= FEWEST_FILES && all <= bytes.length * SMALL_FILE_BYTES
}

/** A SELECT of all facts: those that were gathered, and the files of the other batches. */
export function selectFacts({ files, batches }: Omit<BatchedFacts, 'bytes'>, gathered: Gathered): string {
  const paths = gathered.flat()
  if (paths.length === 0) return selectInput('fact_rate', files)
  const others = batches.flatMap(({ from, to }, batch) => (gathered[batch]?.length ? [] : files.slice(from, to)))
  const gatheredFacts = `SELECT * EXCLUDE (${FILE_NUMBER}) FROM (${selectGathered(paths)})`
  const parts = [gatheredFacts, ...(others.length > 0 ? [selectInput('fact_rate', others)] : [])]
  return parts.join(' UNION ALL ')
}

/** Numbers of a fact. A Parquet dictionary takes 0 and -0 for one value, so the sign of a zero is kept beside them. */
const NUMBERS = contractOf('fact_rate')
  .columns.filter(({ kind }) => kind === 'number')
  .map(({ name }) => ({ column: sqlIdentifier(name), isNegativeZero: sqlIdentifier(`${name} is -0`) }))

/** Writes the facts of files into one, as the contract wants them, each with the number of its file. */
async function gatherFacts(
  engine: Engine,
  files: readonly CheckedFile[],
  { first, target, inOneRead }: { readonly first: number; readonly target: string; readonly inOneRead: boolean },
): Promise<void> {
  const signs = NUMBERS.map(
    ({ column, isNegativeZero }) => `, coalesce(${column} = 0 AND signbit(${column}), false) AS ${isNegativeZero}`,
  )
  const statement = `COPY (SELECT *${signs.join('')} FROM (${selectInput('fact_rate', files, first)}))
    TO ${sqlString(target)} (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`
  await (inOneRead ? runInOneRead(engine, statement) : engine.run(statement))
}

/**
 * Runs a statement that reads small files, each in one read in place of several for each of its columns. What a footer
 * says of the places of columns need not be true for that; a file in which it isn't can still be read as always.
 */
async function runInOneRead(engine: Engine, statement: string): Promise<void> {
  await engine.run('SET prefetch_all_parquet_files = true')
  try {
    await engine.run(statement)
    return
  } catch (error) {
    if (error instanceof Etl3Error || isInterrupt(error)) throw error
  } finally {
    await engine.run('SET prefetch_all_parquet_files = false')
  }
  await engine.run(statement)
}

/** A SELECT of gathered facts: what {@link selectInput} gives of their files, numbers included. @param paths of gathered files */
export function selectGathered(paths: readonly string[]): string {
  const values = NUMBERS.map(
    ({ column, isNegativeZero }) =>
      `CASE WHEN ${column} <> 0 THEN ${column} WHEN ${column} IS NULL THEN NULL WHEN ${isNegativeZero} THEN '-0.0'::DOUBLE ELSE 0 END AS ${column}`,
  )
  const signs = NUMBERS.map(({ isNegativeZero }) => isNegativeZero)
  return `SELECT * EXCLUDE (${signs.join(', ')}) REPLACE (${values.join(', ')}) FROM ${readParquet(paths)}`
}
