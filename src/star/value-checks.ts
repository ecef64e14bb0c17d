/** Checks of values that only some types need: what has no meaning in the contract is refused, what was mended is told. */
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { InputError } from '../runtime/errors.js'
import { countOf } from '../runtime/figures.js'
import { KINDS } from './column-kinds.js'
import { type ContractColumn, contractOf } from './contract.js'
import { type CheckedFile, type ColumnForm, columnForm, filesBySchema, localOf } from './file-schema.js'
import { quotedValue } from './unreadable-file.js'

/** Codes of a column that were stored as numbers and got back the zeros in front of them. */
export interface PaddedCodes {
  readonly column: string
  readonly rows: number
  /** One of them, as the file has it and as it is read. */
  readonly stored: string
  readonly read: string
}

interface Read extends ColumnForm {
  readonly column: ContractColumn
}

/**
 * Refuses values that their column's kind does not take, and counts codes that zeros were put in front of. Reads only
 * columns of types that can hold such a value: none of a file that holds what the contract wants.
 *
 * @throws InputError ETL3-IN-05 with the column, a value, its file and how many there are
 */
export async function checkValues(
  name: TableName,
  files: readonly CheckedFile[],
  engine: Engine,
): Promise<PaddedCodes[]> {
  const padded = new Map<string, PaddedCodes>()
  for (const { schema, files: alike } of filesBySchema(files)) {
    const reads = contractOf(name).columns.flatMap((column): Read[] => {
      const found = columnForm(column, schema)
      return found ? [{ column, ...found }] : []
    })
    await refuseValues(name, reads, alike, engine)
    for (const found of await countPadded(reads, alike, engine)) {
      const before = padded.get(found.column)
      padded.set(found.column, before ? { ...before, rows: before.rows + found.rows } : found)
    }
  }
  return [...padded.values()]
}

async function refuseValues(
  name: TableName,
  reads: readonly Read[],
  files: readonly CheckedFile[],
  engine: Engine,
): Promise<void> {
  for (const { column, source, form } of reads) {
    if (!form.refused) continue
    const refused = form.refused(source)
    const count = (of: readonly CheckedFile[]): Promise<number> =>
      engine.count(`SELECT count(*)::BIGINT FROM ${readParquet(of.map(localOf))} WHERE ${refused}`)
    const rows = await count(files)
    if (rows === 0) continue
    const file = await firstOf(files, async (one) => (await count([one])) > 0)
    const { example } = await engine.row(
      `SELECT ${source}::VARCHAR AS example FROM ${readParquet([localOf(file)])} WHERE ${refused} LIMIT 1`,
    )
    throw new InputError(
      'ETL3-IN-05',
      `${name}.${column.name} is ${file.schema.types[column.name] ?? ''} and holds ${countOf(rows, 'value')} that cannot be taken (${form.because ?? 'unknown'}), for example ${quotedValue(String(example))} [file=${file.path}]`,
      { hint: `Write the column as ${KINDS[column.kind].expected}, or name another file under input.tables.` },
    )
  }
}

async function firstOf<T>(of: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T> {
  for (const one of of) if (await holds(one)) return one
  throw new Error('the values of a file changed while they were checked')
}

async function countPadded(
  reads: readonly Read[],
  files: readonly CheckedFile[],
  engine: Engine,
): Promise<PaddedCodes[]> {
  const found: PaddedCodes[] = []
  for (const { column, source, form } of reads) {
    if (!form.unpadded) continue
    const { rows, stored, read } = await engine.row(
      `SELECT count(*)::BIGINT AS rows, min(stored::VARCHAR) AS stored, arg_min(read::VARCHAR, stored::VARCHAR) AS read
       FROM (SELECT ${form.unpadded(source)} AS stored, ${form.value(source)} AS read FROM ${readParquet(files.map(localOf))})
       WHERE stored IS DISTINCT FROM read`,
    )
    if (Number(rows) === 0) continue
    found.push({ column: column.name, rows: Number(rows), stored: String(stored), read: String(read) })
  }
  return found
}
