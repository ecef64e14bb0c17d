/** The readers that the encoder's files must agree with, each giving rows in the same form. */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBDateValue, DuckDBInstance, DuckDBListValue, type DuckDBValue } from '@duckdb/node-api'
import { parquetReadObjects, type SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { ColumnType, FileColumn } from '../../../src/parquet/factorised.js'
import type { Cell, Row } from './partition.js'

const run = promisify(execFile)

/** A folder that is gone after `use`. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'etl3-parquet-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const MS_PER_DAY = 24 * 60 * 60 * 1000

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof Date) return value.getTime() / MS_PER_DAY
  if (Array.isArray(value)) return value.map((item) => (item === null || item === undefined ? null : String(item)))
  throw new TypeError(`a reader gave a value of no known type: ${String(value)}`)
}

/** What hyparquet reads. */
export async function readWithHyparquet(file: Uint8Array): Promise<Row[]> {
  const bytes = new Uint8Array(file).buffer
  const rows = await parquetReadObjects({ file: bytes })
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellOf(value)])))
}

const LEAF: Readonly<Record<Exclude<ColumnType, 'list'>, Partial<SchemaElement>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  double: { type: 'DOUBLE' },
  int32: { type: 'INT32' },
  date: { type: 'INT32', converted_type: 'DATE' },
  boolean: { type: 'BOOLEAN' },
}

/** What hyparquet-writer makes of the same rows, as a file. */
export function writeWithHyparquet(columns: readonly FileColumn[], rows: readonly Row[]): Uint8Array {
  const schema = columns.flatMap(({ name, type }): SchemaElement[] =>
    type === 'list'
      ? [
          { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
          { name: 'element', ...LEAF.string, repetition_type: 'OPTIONAL' },
        ]
      : [{ name, ...LEAF[type], repetition_type: 'OPTIONAL' }],
  )
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [{ name: 'root', num_children: columns.length }, ...schema],
      columnData: columns.map(({ name, type }) => ({
        name,
        data: rows.map((row) => {
          const cell = row[name] ?? null
          return type === 'date' && typeof cell === 'number' ? new Date(cell * MS_PER_DAY) : cell
        }),
      })),
    }),
  )
}

function duckdbCell(value: DuckDBValue): Cell {
  if (value instanceof DuckDBDateValue) return value.days
  if (value instanceof DuckDBListValue) return value.items.map((item) => (item === null ? null : String(item)))
  return cellOf(value)
}

/** What DuckDB reads, file by file. */
export async function readWithDuckdb(files: readonly Uint8Array[]): Promise<Row[][]> {
  return await inFolder(async (folder) => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    try {
      const all: Row[][] = []
      for (const [i, file] of files.entries()) {
        const path = join(folder, `${i}.parquet`)
        await writeFile(path, file)
        const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`)
        const names = reader.columnNames()
        all.push(
          reader
            .getRows()
            .map((row) => Object.fromEntries(names.map((name, column) => [name, duckdbCell(row[column]!)]))),
        )
        await rm(path)
      }
      return all
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })
}

/** Numbers as their bits, so that NaN and -0 survive JSON. */
export function exact(cell: Cell): Cell {
  if (typeof cell !== 'number') return cell
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, Number.isNaN(cell) ? Number.NaN : cell)
  return `0x${view.getBigUint64(0).toString(16).padStart(16, '0')}`
}

/** Rows with {@link exact} numbers. */
export function exactRows(rows: readonly Row[]): Row[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, exact(cell)])))
}

/** What pyarrow says of a column chunk. */
interface ChunkFacts {
  readonly path: string
  readonly codec: string
  readonly encodings: readonly string[]
  readonly hasDictionary: boolean
  readonly values: number
  readonly nulls: number | null
  /** Bounds with {@link exact} numbers; null when the chunk has none. */
  readonly min: Cell
  readonly max: Cell
  readonly compressed: number
  readonly uncompressed: number
}

/** What pyarrow reads of a file: rows with {@link exact} numbers, and what the footer says. */
export interface PyarrowFile {
  readonly rows: Row[]
  readonly types: Readonly<Record<string, string>>
  readonly createdBy: string
  readonly metadata: Readonly<Record<string, string>>
  readonly rowGroups: readonly { readonly rows: number; readonly chunks: readonly ChunkFacts[] }[]
}

/** Python with pyarrow: the project's test script says where; its absence fails the test. */
const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'

const SCRIPT = new URL('read-parquet.py', import.meta.url).pathname

/** What pyarrow reads, all files in one start of Python. */
export async function readWithPyarrow(files: readonly Uint8Array[]): Promise<PyarrowFile[]> {
  return await inFolder(async (folder) => {
    for (const [i, file] of files.entries()) await writeFile(join(folder, `${i}.parquet`), file)
    await run(PYTHON, [SCRIPT, folder, String(files.length)], { maxBuffer: 1024 * 1024 })
    const answer: PyarrowFile[] = JSON.parse(await readFile(join(folder, 'answer.json'), 'utf8'))
    return answer
  })
}
