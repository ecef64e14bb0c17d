/** What an input file's schema gives for the contract, and the SELECT through which everything else reads it. */

import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { parquetFileMetadata, parquetSchema, readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { InputError } from '../runtime/errors.js'
import { widthOf } from './code-widths.js'
import { type Form, formOf, KINDS } from './column-kinds.js'
import { columnsByName, type FileColumn, twinsText, wasMeant } from './column-names.js'
import { type ContractColumn, type ContractTable, contractOf } from './contract.js'
import { FILE_NUMBER } from './file-number.js'
import { footerHead } from './footer-head.js'
import { type PathColumns, pathColumnInSql } from './path-columns.js'
import { familyOf, itemTypeOf, NULL_TYPE } from './physical-types.js'
import { quotedValue, unreadable } from './unreadable-file.js'

/** What one file's schema gives for the contract. */
export interface FileSchema {
  readonly rows: number
  /** Type of each contract column that the file has, as in {@link FileColumn.type}. */
  readonly types: Readonly<Record<string, string>>
  /** The engine's name of each contract column that the file writes in another way. */
  readonly names: Readonly<Record<string, string>>
  /** Contract columns that the file does not hold and its path does; `types` has them as well. */
  readonly fromPath?: PathColumns | undefined
  readonly missingOptional: readonly string[]
  /** Other columns, as the file writes them. */
  readonly extra: readonly string[]
}

/** A file that can be read: its path, the copy that this machine reads instead, and the columns that its path holds. */
export interface ReadableFile {
  readonly path: string
  readonly local?: string
  readonly pathColumns?: PathColumns | undefined
}

/** A file with what its schema gives. */
export interface CheckedFile extends ReadableFile {
  readonly schema: FileSchema
}

/** What files with the same columns have in common. */
type Shape = Omit<FileSchema, 'rows'>

/** Files whose footers one statement reads. */
const FOOTERS_AT_ONCE = 500

/** Files between two turns of the event loop, so that heartbeats and cancellation get through: a few milliseconds. */
const FILES_PER_TURN = 64

/**
 * Reads the schemas of a table's files against the contract, in the order of the files. Files with equal columns,
 * in the file and in its path, share what is found.
 *
 * @throws InputError ETL3-IN-03 when one is not a readable Parquet file, ETL3-IN-04 when required columns are missing,
 * ETL3-IN-05 when a column has a type that cannot be read as the contract wants, ETL3-IN-12 when two columns have one name
 */
export async function readSchemas(
  name: TableName,
  files: readonly ReadableFile[],
  engine: Engine,
): Promise<FileSchema[]> {
  const shapes = new Map<string, Shape>()
  const schemas: FileSchema[] = []
  const footers = await readFooters(name, files, engine)
  for (const [i, file] of files.entries()) {
    const footer = footers[i]
    if (!footer) throw new Error(`the engine gave no footer of ${file.path}`)
    const key = JSON.stringify([footer.columns, file.pathColumns ?? {}])
    const shape = shapes.get(key) ?? (await readShape(name, file, engine))
    shapes.set(key, shape)
    schemas.push({ rows: footer.rows, ...shape })
  }
  return schemas
}

/** What a footer says: its rows, and a checksum of its schema. */
interface Footer {
  readonly rows: number
  readonly columns: string
}

/** The engine reads one footer of those that begin alike, and each that does not begin as footers do. */
async function readFooters(
  name: TableName,
  files: readonly ReadableFile[],
  engine: Engine,
): Promise<(Footer | undefined)[]> {
  const known = new Map<string, ReadableFile>()
  const toRead: ReadableFile[] = []
  const likes: { readonly file: ReadableFile; readonly rows?: number }[] = []
  for (const [i, file] of files.entries()) {
    if (i % FILES_PER_TURN === 0) await nextTurn()
    const head = footerHead(localOf(file))
    const like = head && known.get(head.schema)
    if (head && like) {
      likes.push({ file: like, rows: head.rows })
      continue
    }
    if (head) known.set(head.schema, file)
    toRead.push(file)
    likes.push({ file })
  }
  const read = new Map<string, Footer>()
  for (let from = 0; from < toRead.length; from += FOOTERS_AT_ONCE) {
    const batch = await askForFooters(name, toRead.slice(from, from + FOOTERS_AT_ONCE), engine)
    for (const entry of batch) read.set(...entry)
  }
  return likes.map(({ file, rows }) => {
    const footer = read.get(resolve(localOf(file)))
    return footer && { columns: footer.columns, rows: rows ?? footer.rows }
  })
}

/** Reads footers with the engine. @throws InputError ETL3-IN-03 when one cannot be read */
export async function askForFooters(
  name: TableName,
  files: readonly ReadableFile[],
  engine: Engine,
): Promise<Map<string, Footer>> {
  const paths = files.map(localOf)
  try {
    const rows = await engine.rows(`SELECT s.file_name AS file, s.columns, m.num_rows AS rows FROM (
        SELECT file_name, md5(string_agg(concat_ws('|', column_id, name, type, type_length, repetition_type, num_children,
          converted_type, scale, precision, logical_type), chr(10) ORDER BY column_id)) AS columns
        FROM ${parquetSchema(paths)} GROUP BY file_name) s
      JOIN ${parquetFileMetadata(paths)} m ON m.file_name = s.file_name`)
    return new Map(
      rows.map((row) => [String(row['file']), { rows: Number(row['rows']), columns: String(row['columns']) }]),
    )
  } catch (cause) {
    const [alone, ...others] = files
    if (!alone || others.length === 0) throw unreadable(name, alone?.path ?? '', cause, alone?.local)
    const footers = new Map<string, Footer>()
    for (const file of files) for (const entry of await askForFooters(name, [file], engine)) footers.set(...entry)
    return footers
  }
}

async function readShape(name: TableName, file: ReadableFile, engine: Engine): Promise<Shape> {
  const table = contractOf(name)
  const columns = await readColumns(name, file, engine)
  const found = columnsByName(
    table.columns.map((c) => c.name),
    columns,
  )
  refuseTwins(name, file, found)
  const fromPath: Record<string, string | null> = {}
  for (const { name: column } of table.columns) {
    const value = file.pathColumns?.[column]
    if (value !== undefined && found.get(column)?.length === 0) fromPath[column] = value
  }
  const missing = table.columns.filter((c) => found.get(c.name)?.length === 0 && fromPath[c.name] === undefined)
  const used = new Set([...found.values()].flat())
  const extra = columns.filter((column) => !used.has(column)).map((column) => column.name)
  refuseMissing(table, file, missing, extra)
  const types: Record<string, string> = {}
  const names: Record<string, string> = {}
  for (const column of table.columns) {
    const there = found.get(column.name)?.[0] ?? columnInPath(column, fromPath)
    if (!there) continue
    types[column.name] = there.type
    if (there.engineName !== column.name) names[column.name] = there.engineName
    if (!takes(column, there.type)) throw await wrongType(name, column, there, file, engine)
  }
  return {
    types,
    names,
    ...(Object.keys(fromPath).length > 0 ? { fromPath } : {}),
    missingOptional: missing.map((c) => c.name),
    extra,
  }
}

function columnInPath({ name, kind }: ContractColumn, fromPath: PathColumns): FileColumn | undefined {
  const value = fromPath[name]
  return value === undefined ? undefined : { name, engineName: name, type: pathColumnInSql(kind, value).type }
}

/** The columns of a file, in its order. */
async function readColumns(name: TableName, file: ReadableFile, engine: Engine): Promise<FileColumn[]> {
  const local = localOf(file)
  try {
    const nodes = await engine.rows(`SELECT name, coalesce(num_children, 0) AS children,
        coalesce(precision, 0) AS precision, coalesce(scale, 0) AS scale, coalesce(logical_type, '') = 'NullType()' AS untyped
      FROM ${parquetSchema([local])} ORDER BY column_id`)
    const described = await engine.rows(
      `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM ${readParquet([local])})`,
    )
    // The schema is a tree in depth-first order, its root first; the engine describes the root's children.
    let at = 1
    return described.map((column) => {
      const first = at
      at = endOf(nodes, at)
      const parts = nodes.slice(first, at)
      return {
        name: String(parts[0]?.['name'] ?? column['name']),
        engineName: String(column['name']),
        type: typeOf(String(column['type']), parts),
      }
    })
  } catch (cause) {
    throw unreadable(name, file.path, cause, file.local)
  }
}

type SchemaNode = Awaited<ReturnType<Engine['rows']>>[number]

function endOf(nodes: readonly SchemaNode[], at: number): number {
  let end = at + 1
  for (let child = 0; child < Number(nodes[at]?.['children'] ?? 0); child++) end = endOf(nodes, end)
  return end
}

/** The engine says DOUBLE of a decimal that is too wide for it, and INTEGER of a column without a type. */
function typeOf(engineType: string, parts: readonly SchemaNode[]): string {
  const wide = parts.find((part) => Number(part['precision']) > 38)
  if (wide) {
    const decimal = `DECIMAL(${Number(wide['precision'])},${Number(wide['scale'])})`
    if (parts.length === 1) return decimal
    if (familyOf(engineType) === 'list') return `${decimal}[]`
  }
  return parts.length === 1 && parts[0]?.['untyped'] === true ? NULL_TYPE : engineType
}

function refuseTwins(name: TableName, file: ReadableFile, found: ReadonlyMap<string, readonly FileColumn[]>): void {
  const twins = [...found.values()].filter((columns) => columns.length > 1)
  if (twins.length === 0) return
  throw new InputError(
    'ETL3-IN-12',
    `${name} has columns of one name: ${twins.map(twinsText).join(', ')} [file=${file.path}]`,
    {
      hint: 'Neither case nor blanks around a name tell columns apart: write one of them, or give the other another name.',
    },
  )
}

function refuseMissing(
  table: ContractTable,
  file: ReadableFile,
  missing: readonly ContractColumn[],
  extra: readonly string[],
): void {
  const required = missing.filter((c) => c.required).map((c) => c.name)
  if (required.length === 0) return
  const meant = required.flatMap((column) => wasMeant(column, extra))
  throw new InputError(
    'ETL3-IN-04',
    `${[`${table.name} lacks ${required.length === 1 ? 'column' : 'columns'} ${required.join(', ')}`, ...meant].join('; ')} [file=${file.path}]`,
    { hint: `The columns that ETL3 reads of ${table.name} are: ${table.columns.map((c) => c.name).join(', ')}.` },
  )
}

function takes(column: ContractColumn, type: string): boolean {
  return formOf(column.kind, type, () => '0') !== undefined
}

async function wrongType(
  name: TableName,
  column: ContractColumn,
  there: FileColumn,
  file: ReadableFile,
  engine: Engine,
): Promise<InputError> {
  const wide = familyOf(there.type) === 'wide' || familyOf(itemTypeOf(there.type)) === 'wide'
  const example = wide ? undefined : await exampleOf(there, file, engine)
  const what = wide
    ? `is ${there.type}: of a decimal, at most 38 digits can be read`
    : `is ${there.type}${example === undefined ? '' : ` (for example ${example})`}, expected ${KINDS[column.kind].expected}`
  return new InputError('ETL3-IN-05', `${name}.${column.name} ${what} [file=${file.path}]`, {
    hint: `Write the column as ${KINDS[column.kind].expected}, or name another file under input.tables.`,
  })
}

async function exampleOf(column: FileColumn, file: ReadableFile, engine: Engine): Promise<string | undefined> {
  const value = sqlIdentifier(column.engineName)
  try {
    const [row] = await engine.rows(
      `SELECT ${value}::VARCHAR AS example FROM ${readParquet([localOf(file)])} WHERE ${value} IS NOT NULL LIMIT 1`,
    )
    return row ? quotedValue(String(row['example'])) : undefined
  } catch {
    // The type is wrong whatever the values are: that they cannot be read either is not the point.
    return undefined
  }
}

/**
 * A SELECT that reads files of a table with exactly the contract's columns and types. Types may differ from file to file
 * (BIGINT here, text there), so files are cast by their schema; those with the same one are read together, in the order
 * of their paths.
 *
 * @param firstFile number of the first of the files: then a row has that of its file in {@link FILE_NUMBER} as well
 */
export function selectInput(name: TableName, files: readonly CheckedFile[], firstFile?: number): string {
  const table = contractOf(name)
  if (files.length === 0) {
    return `SELECT ${table.columns.map((c) => `NULL::${KINDS[c.kind].sqlType} AS ${sqlIdentifier(c.name)}`).join(', ')} WHERE false`
  }
  const numbers = new Map(files.map((file, i) => [file, (firstFile ?? 0) + i]))
  return filesBySchema(files)
    .map(({ schema, files }) => {
      const columns = table.columns.map((c) => castColumn(c, columnForm(c, schema)))
      if (firstFile !== undefined) {
        // `file_index` counts the files of one reader from 0; a list counts from 1.
        columns.push(`[${files.map((file) => numbers.get(file)).join(', ')}][file_index::BIGINT + 1] AS ${FILE_NUMBER}`)
      }
      return `SELECT ${columns.join(', ')} FROM ${readParquet(files.map(localOf))}`
    })
    .join(' UNION ALL ')
}

/** Files that are read by the same expressions. The engine matches the columns of several files by their names. */
export function filesBySchema(
  files: readonly CheckedFile[],
): { readonly schema: Shape; readonly files: readonly CheckedFile[] }[] {
  const groups = new Map<string, { readonly schema: Shape; readonly files: CheckedFile[] }>()
  for (const file of files) {
    const { types, names, fromPath } = file.schema
    const key = JSON.stringify([types, names, fromPath])
    const group = groups.get(key) ?? { schema: file.schema, files: [] }
    group.files.push(file)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** How a column of a file is read: SQL of the file's value, and its form. */
export interface ColumnForm {
  readonly source: string
  readonly form: Form
}

/** How a contract column is read of a file, or undefined where the file has none. */
export function columnForm(
  column: ContractColumn,
  schema: Pick<FileSchema, 'types' | 'names' | 'fromPath'>,
): ColumnForm | undefined {
  const type = schema.types[column.name]
  if (type === undefined) return undefined
  const form = formOf(column.kind, type, widthOf(column.width, codeTypeOf(schema)))
  if (!form) throw new Error(`${column.name} was found to be ${type}, which the contract does not take`)
  return { source: sourceOf(column, schema), form }
}

/** SQL of a row's code_type, by which its code has a width. */
function codeTypeOf(schema: Pick<FileSchema, 'types' | 'names' | 'fromPath'>): string {
  const type = schema.types['code_type']
  const form = type === undefined ? undefined : formOf('text', type, () => '0')
  return form ? form.value(sourceOf({ name: 'code_type', kind: 'text' }, schema)) : 'NULL'
}

/** SQL of the value that a file, or else its path, holds. */
function sourceOf(
  { name, kind }: Pick<ContractColumn, 'name' | 'kind'>,
  { names, fromPath }: Pick<FileSchema, 'names' | 'fromPath'>,
): string {
  const inPath = fromPath?.[name]
  return inPath === undefined ? sqlIdentifier(names[name] ?? name) : pathColumnInSql(kind, inPath).sql
}

function castColumn(column: ContractColumn, found: ColumnForm | undefined): string {
  const name = sqlIdentifier(column.name)
  if (!found) return `NULL::${KINDS[column.kind].sqlType} AS ${name}`
  const value = found.form.value(found.source)
  return value === name ? name : `${value} AS ${name}`
}

/** Where this machine reads a file. */
export function localOf({ path, local }: ReadableFile): string {
  return local ?? path
}
