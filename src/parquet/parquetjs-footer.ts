/**
 * Reads footers with parquetjs-lite: a third reader beside hyparquet and DuckDB, for the full audit.
 *
 * It reads the footers of the encoder's files, not their rows (it knows no RLE_DICTIONARY), and refuses any
 * `version` but 1. Its own `getMetadata()` throws where a footer has no key-value metadata, so this looks itself.
 */
import parquet from 'parquetjs-lite'
import { IntegrityError, messageOf } from '../runtime/errors.js'
import type { Footer } from './footer-check.js'

/**
 * Reads the footer of a file.
 *
 * @param file the file's bytes, or its path: then little more than the footer is read of it
 * @throws IntegrityError ETL3-PQ-20 when parquetjs-lite finds none in it
 */
export async function footerByParquetjs(file: Buffer | string): Promise<Footer> {
  const { ParquetReader } = parquet
  const options = { rawStatistics: true }
  try {
    const reader =
      typeof file === 'string'
        ? await ParquetReader.openFile(file, options)
        : await ParquetReader.openBuffer(file, options)
    try {
      return footerOf(reader.metadata)
    } finally {
      await reader.close()
    }
  } catch (cause) {
    const name = typeof file === 'string' ? file : `a buffer of ${file.byteLength} bytes`
    throw new IntegrityError('ETL3-PQ-20', `no valid Parquet footer: ${messageOf(cause)} [${name}]`, { cause })
  }
}

function footerOf(metadata: unknown): Footer {
  const file = struct(metadata, 'FileMetaData')
  return {
    rows: integer(file['num_rows'], 'num_rows'),
    columns: topLevelNames(list(file['schema'], 'schema').map((element) => struct(element, 'SchemaElement'))),
    metadata: new Map(
      (file['key_value_metadata'] === null ? [] : list(file['key_value_metadata'], 'key_value_metadata')).map(
        (pair) => {
          const { key, value } = struct(pair, 'KeyValue')
          return [text(key, 'key'), text(value, 'value')]
        },
      ),
    ),
    rowGroups: list(file['row_groups'], 'row_groups').map((element) => {
      const group = struct(element, 'RowGroup')
      return {
        rows: integer(group['num_rows'], 'num_rows of a row group'),
        chunks: list(group['columns'], 'columns').length,
        bytes: integer(group['total_byte_size'], 'total_byte_size'),
      }
    }),
    createdBy: text(file['created_by'], 'created_by'),
  }
}

/** The schema lists the tree depth first: a node with children is followed by all that lies below it. */
function topLevelNames(elements: readonly Readonly<Record<string, unknown>>[]): string[] {
  const names: string[] = []
  let open = 0
  for (const element of elements.slice(1)) {
    if (open === 0) names.push(text(element['name'], 'name'))
    else open--
    open += typeof element['num_children'] === 'number' ? element['num_children'] : 0
  }
  return names
}

function struct(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} is missing`)
  return Object.fromEntries(Object.entries(value))
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is missing`)
  return value
}

/** An i64 comes as node-int64's object, whose number is NaN or infinite where it does not fit. */
function integer(value: unknown, what: string): number {
  const number = Number(value)
  if (value === null || !Number.isSafeInteger(number)) throw new Error(`${what} is no integer: ${String(value)}`)
  return number
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is no text`)
  return value
}
