/** What an input file's schema gives for the contract, and the SELECT through which everything else reads it. */
import type { TableName } from '../config/schema.js'
import { type Engine, readParquet } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { InputError } from '../runtime/errors.js'
import { type ColumnKind, type ContractColumn, contractOf } from './contract.js'
import type { InputFile } from './inputs.js'

/** What one file's schema gives for the contract. */
export interface FileSchema {
  readonly rows: number
  /** DuckDB type of each contract column that the file has. */
  readonly types: Readonly<Record<string, string>>
  readonly missingOptional: readonly string[]
  readonly extra: readonly string[]
}

/**
 * Reads a file's schema against the contract.
 *
 * @throws InputError ETL3-IN-03 when it is not a readable Parquet file, ETL3-IN-04 when required columns are missing,
 * ETL3-IN-05 when a column has a type that cannot be read as the contract wants
 */
export async function readSchema(name: TableName, file: InputFile, engine: Engine): Promise<FileSchema> {
  const table = contractOf(name)
  const found = new Map<string, string>()
  const local = file.local ?? file.path
  let rows: number
  try {
    for (const row of await engine.rows(`DESCRIBE SELECT * FROM ${readParquet([local])}`)) {
      found.set(String(row['column_name']), String(row['column_type']))
    }
    rows = await engine.count(
      `SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata(${sqlString(local)})`,
    )
  } catch (cause) {
    throw unreadable(name, file.path, cause)
  }
  const missing = table.columns.filter((c) => !found.has(c.name))
  const missingRequired = missing.filter((c) => c.required).map((c) => c.name)
  if (missingRequired.length > 0) {
    throw new InputError('ETL3-IN-04', `${name} lacks ${list('column', missingRequired)} [file=${file.path}]`, {
      hint: `The columns that ETL3 reads of ${name} are: ${table.columns.map((c) => c.name).join(', ')}.`,
    })
  }
  const types: Record<string, string> = {}
  for (const column of table.columns) {
    const type = found.get(column.name)
    if (type === undefined) continue
    if (!accepts(column.kind, type)) {
      throw new InputError(
        'ETL3-IN-05',
        `${name}.${column.name} is ${type}, expected ${KIND_NAMES[column.kind]} [file=${file.path}]`,
        { hint: 'Write the column with the expected type, or name another file under input.tables.' },
      )
    }
    types[column.name] = type
  }
  const known = new Set(table.columns.map((c) => c.name))
  return {
    rows,
    types,
    missingOptional: missing.filter((c) => !c.required).map((c) => c.name),
    extra: [...found.keys()].filter((name) => !known.has(name)),
  }
}

/** An error of reading a Parquet file, in words for its owner. */
export function unreadable(name: string, path: string, cause: unknown): InputError {
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause)
  return new InputError('ETL3-IN-03', `${name} is not a readable Parquet file [file=${path}]: ${reason}`, {
    hint: 'The file may be truncated or of another format: write it again.',
    cause,
  })
}

/**
 * A SELECT that reads files of a table with exactly the contract's columns and types.
 * Each file is cast by itself, since types may differ from file to file (BIGINT here, text there).
 */
export function selectInput(
  name: TableName,
  files: readonly { readonly path: string; readonly local?: string; readonly schema: FileSchema }[],
): string {
  const table = contractOf(name)
  if (files.length === 0) {
    return `SELECT ${table.columns.map((c) => `NULL::${SQL_TYPES[c.kind]} AS ${sqlIdentifier(c.name)}`).join(', ')} WHERE false`
  }
  return files
    .map(
      ({ path, local, schema }) =>
        `SELECT ${table.columns.map((c) => castColumn(c, schema)).join(', ')} FROM ${readParquet([local ?? path])}`,
    )
    .join(' UNION ALL ')
}

const SQL_TYPES: Readonly<Record<ColumnKind, string>> = {
  id: 'VARCHAR',
  text: 'VARCHAR',
  number: 'DOUBLE',
  integer: 'INTEGER',
  texts: 'VARCHAR[]',
}

const KIND_NAMES: Readonly<Record<ColumnKind, string>> = {
  id: 'text or a whole number',
  text: 'text',
  number: 'a number',
  integer: 'a whole number',
  texts: 'a list of text',
}

const WHOLE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/
const SCALAR_TEXT = /^(VARCHAR|BOOLEAN|UUID|DATE|TIMESTAMP.*|ENUM\(.*\))$/

function accepts(kind: ColumnKind, type: string): boolean {
  switch (kind) {
    case 'id':
      return WHOLE.test(type) || /^(VARCHAR|UUID|ENUM\(.*\))$/.test(type)
    case 'text':
      return WHOLE.test(type) || FRACTION.test(type) || SCALAR_TEXT.test(type)
    case 'number':
      return WHOLE.test(type) || FRACTION.test(type)
    case 'integer':
      return WHOLE.test(type)
    case 'texts':
      return type.endsWith('[]') && accepts('text', type.slice(0, -2))
  }
}

function castColumn(column: ContractColumn, schema: FileSchema): string {
  const name = sqlIdentifier(column.name)
  const type = SQL_TYPES[column.kind]
  const found = schema.types[column.name]
  if (found === undefined) return `NULL::${type} AS ${name}`
  return found === type ? name : `${name}::${type} AS ${name}`
}

function list(noun: string, names: readonly string[]): string {
  return `${names.length === 1 ? noun : `${noun}s`} ${names.join(', ')}`
}
