/**
 * Files with a row for each partition: `plan.parquet` and `manifest.parquet`. A format names the file and its columns and
 * has a version, which each file carries. The files are put together in pieces, so that memory does not grow with them.
 */
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { readFooter } from '../parquet/footer-check.js'
import { ConflictError } from '../runtime/errors.js'

/** Key of a file's version in its key-value metadata. */
const VERSION_KEY = 'etl3.formatVersion'

/** Version of the files that were written before files had one. */
const FIRST_VERSION = 1

/** Partitions that are joined and sorted at once: about 10 MB, whatever the table has. */
export const PIECE_PARTITIONS = 16_384

const ROW_GROUP_ROWS = 8_192

/** A kind of file: its columns besides the partition columns, which differ from one configuration to another. */
export interface PartitionFormat<Column extends string> {
  /** Its name in the folder of a run. */
  readonly name: string
  /** Higher by one when a reader of the former version would misread it. */
  readonly version: number
  /** SQL type of each column. */
  readonly columns: Readonly<Record<Column, string>>
}

/** Which columns of a file are asked for. */
export interface AskedColumns<Column extends string> {
  readonly columns: readonly Column[]
  /** Partition columns, where the file has them. */
  readonly partitionColumns?: readonly string[]
}

/**
 * SQL of the partitions of local files, in the order of the files: only these columns, so that the compiler finds who
 * reads one that is taken away. Without any file: no row, in the same types.
 */
export function partitionRelation<Column extends string>(
  format: PartitionFormat<Column>,
  files: readonly string[],
  { columns, partitionColumns = [] }: AskedColumns<Column>,
): string {
  if (files.length > 0) {
    const names = [...columns, ...partitionColumns].map(sqlIdentifier).join(', ')
    // Runs of other configurations have other partition columns.
    return `(SELECT ${names} FROM ${readParquet(files, files.length > 1 ? ', union_by_name = true' : '')})`
  }
  const typed = columns.map((column) => `NULL::${format.columns[column]} AS ${sqlIdentifier(column)}`)
  const values = partitionColumns.map((column) => `NULL::VARCHAR AS ${sqlIdentifier(column)}`)
  return `(SELECT ${[...typed, ...values].join(', ')} WHERE false)`
}

/** What a SELECT lists to give the rows of a file: an expression for each column, and the partition columns as they are. */
export function partitionSelectList<Column extends string>(
  format: PartitionFormat<Column>,
  values: Readonly<Record<Column, string>>,
  partitionColumns: string,
): string {
  const typed = columnsOf(format).map(
    (column) => `(${values[column]})::${format.columns[column]} AS ${sqlIdentifier(column)}`,
  )
  return [...typed, partitionColumns].join(', ')
}

/** The partition columns that a file has. */
export async function partitionColumnsOf<Column extends string>(
  engine: Engine,
  format: PartitionFormat<Column>,
  file: string,
): Promise<readonly string[]> {
  const all = await engine.column(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${readParquet([file])})`)
  return all.map(String).filter((name) => !(name in format.columns))
}

/** Writes some of the partitions of a file, as a SELECT gives them and in its order. @param target local path */
export async function writePieceOfPartitions(engine: Engine, select: string, target: string): Promise<void> {
  await engine.run(`COPY (${select}) TO ${sqlString(target)} (FORMAT parquet, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`)
}

/** Makes a file of its pieces, one after the other. */
export async function joinPartitionFile<Column extends string>(
  engine: Engine,
  format: PartitionFormat<Column>,
  pieces: readonly string[],
  target: string,
): Promise<void> {
  await engine.run(`COPY (FROM ${readParquet(pieces)}) TO ${sqlString(target)} (FORMAT parquet, ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
    KV_METADATA {${sqlIdentifier(VERSION_KEY)}: ${sqlString(String(format.version))}})`)
}

/**
 * Makes sure that a local file is of a version that this ETL3 reads; one without a version is of the first.
 *
 * @param address of the file, for the message
 * @throws ConflictError ETL3-RN-04 for another version
 * @throws IntegrityError ETL3-PQ-20 when it is no Parquet file
 */
export function requireKnownVersion<Column extends string>(
  format: PartitionFormat<Column>,
  file: string,
  address: string,
): void {
  const told = readFooter(file, address).metadata.get(VERSION_KEY)
  const version = told === undefined ? FIRST_VERSION : Number(told)
  if (Number.isInteger(version) && version >= FIRST_VERSION && version <= format.version) return
  throw new ConflictError(
    'ETL3-RN-04',
    `${format.name} has format version ${JSON.stringify(told)}, and this ETL3 reads versions up to ${format.version} [${address}]`,
    { hint: 'A newer ETL3 wrote it. Use that version or a newer one for this table.' },
  )
}

function columnsOf<Column extends string>({ columns }: PartitionFormat<Column>): readonly Column[] {
  const isColumn = (name: string): name is Column => name in columns
  return Object.keys(columns).filter(isColumn)
}
