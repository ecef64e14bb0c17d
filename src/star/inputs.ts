/** The input files: where they lie, what they hold, and the views through which everything else reads them. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Config, TableName } from '../config/schema.js'
import { type Engine, readParquet } from '../runtime/engine.js'
import { InputError, UsageError } from '../runtime/errors.js'
import { sqlIdentifier, sqlString } from '../runtime/sql.js'
import { CONTRACT, type ColumnKind, type ContractColumn, type ContractTable, contractOf } from './contract.js'

/** One file of an input table, as it was when the run opened. */
export interface InputFile {
  /** Absolute path. */
  readonly path: string
  readonly bytes: number
  /** Modification time in milliseconds since the epoch; with `bytes` it tells whether the file is still the same. */
  readonly modifiedMs: number
  readonly sha256: string
}

/** One input table: its files, in the order of their paths. No file: a missing optional table. */
export interface InputTable {
  readonly name: TableName
  readonly files: readonly InputFile[]
}

/** What one file's schema gives for the contract. */
export interface FileSchema {
  readonly rows: number
  /** DuckDB type of each contract column that the file has. */
  readonly types: Readonly<Record<string, string>>
  readonly missingOptional: readonly string[]
  readonly extra: readonly string[]
}

const HASH_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * Finds all input files and takes their checksums.
 *
 * @param engine resolves globs
 * @throws InputError ETL3-IN-01 naming every required table that is not there
 */
export async function findInputs(config: Config, engine: Engine, signal: AbortSignal): Promise<InputTable[]> {
  const tables: InputTable[] = []
  const missing: string[] = []
  for (const table of CONTRACT) {
    const place = placeOf(config, table)
    const paths = await expand(place, engine)
    if (paths.length === 0 && (table.required || config.input.tables[table.name] !== undefined)) {
      missing.push(`${table.name} (${place})`)
    }
    const files: InputFile[] = []
    for (const path of paths) {
      signal.throwIfAborted()
      files.push(inspect(path))
    }
    tables.push({ name: table.name, files })
  }
  if (missing.length > 0) {
    const what = missing.some((m) => !m.startsWith('fact_rate ')) ? 'Missing dimension tables' : 'Missing fact table'
    throw new InputError('ETL3-IN-01', `${what}: ${missing.join(', ')}`, {
      hint: 'Set input.root to the folder that holds gold/, dims/ and xrefs/, or the path of each table under input.tables.',
    })
  }
  return tables
}

/** @throws InputError ETL3-IN-02 when a file is not the one any more that the run opened with */
export function assertUnchanged(tables: readonly InputTable[]): void {
  for (const table of tables) {
    for (const file of table.files) {
      const now = statOf(file.path)
      if (now.bytes === file.bytes && now.modifiedMs === file.modifiedMs) continue
      throw new InputError('ETL3-IN-02', `${table.name} changed while the run was reading it [file=${file.path}]`, {
        hint: 'Start the run again when the file is complete.',
      })
    }
  }
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
  let rows: number
  try {
    for (const row of await engine.rows(`DESCRIBE SELECT * FROM ${readParquet([file.path])}`)) {
      found.set(String(row['column_name']), String(row['column_type']))
    }
    rows = await engine.count(
      `SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata(${sqlString(file.path)})`,
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
  files: readonly { readonly path: string; readonly schema: FileSchema }[],
): string {
  const table = contractOf(name)
  if (files.length === 0) {
    return `SELECT ${table.columns.map((c) => `NULL::${SQL_TYPES[c.kind]} AS ${sqlIdentifier(c.name)}`).join(', ')} WHERE false`
  }
  return files
    .map(
      ({ path, schema }) =>
        `SELECT ${table.columns.map((c) => castColumn(c, schema)).join(', ')} FROM ${readParquet([path])}`,
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

function placeOf(config: Config, table: ContractTable): string {
  return config.input.tables[table.name] ?? join(config.input.root, table.path)
}

async function expand(place: string, engine: Engine): Promise<string[]> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) {
    throw new UsageError('ETL3-ST-01', `this version reads input from folders only [${place}]`, {
      hint: 'Copy the input to a folder, and set input.root or input.tables to it.',
    })
  }
  const path = isAbsolute(place) ? place : resolve(place)
  if (!/[*?[]/.test(path)) return isFile(path) ? [path] : []
  const found = await engine.rows(`SELECT file FROM glob(${sqlString(path)}) ORDER BY file`)
  return found.map((row) => String(row['file']))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function statOf(path: string): { bytes: number; modifiedMs: number } {
  const stat = statSync(path, { throwIfNoEntry: false })
  return { bytes: stat?.size ?? -1, modifiedMs: stat?.mtimeMs ?? -1 }
}

function inspect(path: string): InputFile {
  try {
    return { path, ...statOf(path), sha256: sha256File(path) }
  } catch (cause) {
    throw new InputError('ETL3-IN-06', `an input file cannot be read [file=${path}]`, {
      hint: 'Check the permissions of the file and its folders.',
      cause,
    })
  }
}

function sha256File(path: string): string {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(HASH_BUFFER_BYTES)
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null)
      if (read === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, read))
    }
  } finally {
    closeSync(file)
  }
}

function list(noun: string, names: readonly string[]): string {
  return `${names.length === 1 ? noun : `${noun}s`} ${names.join(', ')}`
}
