/** Files whose columns say something else than the folders that they lie in. */
import type { TableName } from '../config/schema.js'
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier } from '../engine/sql.js'
import { countOf } from '../runtime/figures.js'
import { contractOf } from './contract.js'
import { type FileSchema, selectInput } from './file-schema.js'
import { type PathColumns, pathColumnInSql } from './path-columns.js'

/** A file of the input with its schema. */
export interface FileInPath {
  readonly path: string
  readonly local?: string
  readonly pathColumns?: PathColumns | undefined
  readonly schema: FileSchema
}

/** Files that one statement reads: each is a part of its text. */
const FILES_PER_STATEMENT = 100

/**
 * A warning for each column that stands in files and in their path, for each value of the path that the files do not
 * have in all their rows. Both are read as the contract wants.
 */
export async function differencesToPaths(
  table: TableName,
  files: readonly FileInPath[],
  engine: Engine,
): Promise<string[]> {
  const warnings: string[] = []
  for (const { name, value, files: inPath } of heldTwice(files)) {
    const differing = { rows: 0, example: '', file: '' }
    for (let from = 0; from < inPath.length; from += FILES_PER_STATEMENT) {
      const batch = inPath.slice(from, from + FILES_PER_STATEMENT)
      const { rows, example } = await compare(table, name, batch, engine)
      if (rows === 0) continue
      if (differing.rows === 0) Object.assign(differing, { example: textOf(example), file: batch[0]?.path })
      differing.rows += rows
    }
    if (differing.rows === 0) continue
    warnings.push(
      `${table}.${name} is ${textOf(value)} in the path and differs in ${countOf(differing.rows, 'row')}, ` +
        `as ${differing.example}: the file's values count [file=${differing.file}]`,
    )
  }
  return warnings
}

interface HeldTwice {
  readonly name: string
  readonly value: string | null
  readonly files: FileInPath[]
}

function heldTwice(files: readonly FileInPath[]): Iterable<HeldTwice> {
  const groups = new Map<string, HeldTwice>()
  for (const file of files) {
    for (const [name, value] of Object.entries(file.pathColumns ?? {})) {
      if (file.schema.fromPath?.[name] !== undefined) continue
      const key = JSON.stringify([name, value])
      const group = groups.get(key) ?? { name, value, files: [] }
      groups.set(key, group)
      group.files.push(file)
    }
  }
  return groups.values()
}

async function compare(
  table: TableName,
  name: string,
  files: readonly FileInPath[],
  engine: Engine,
): Promise<{ rows: number; example: unknown }> {
  const column = sqlIdentifier(name)
  const inPath = files.slice(0, 1).map((file) => readFromPath(table, file, name))
  const found = await engine.row(
    `SELECT count(*) AS rows, min(held.${column}::VARCHAR) AS example FROM (${selectInput(table, files)}) held,
      (SELECT ${column} FROM (${selectInput(table, inPath)}) LIMIT 1) path
    WHERE held.${column} IS DISTINCT FROM path.${column}`,
  )
  return { rows: Number(found['rows']), example: found['example'] }
}

/** The same file as if it did not hold the column itself. */
function readFromPath(table: TableName, file: FileInPath, name: string): FileInPath {
  const kind = contractOf(table).columns.find((column) => column.name === name)?.kind ?? 'text'
  const value = file.pathColumns?.[name] ?? null
  const types = { ...file.schema.types, [name]: pathColumnInSql(kind, value).type }
  return { ...file, schema: { ...file.schema, types, fromPath: { ...file.schema.fromPath, [name]: value } } }
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? 'NULL' : `'${String(value)}'`
}
