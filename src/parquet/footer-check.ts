/**
 * Reads footers with parquetjs-lite, which shares no line with the encoder: an audit should not ask the writer.
 *
 * It reads the footers of the encoder's files, not their rows (it knows no RLE_DICTIONARY), and refuses any
 * `version` but 1. Its own `getMetadata()` throws where a footer has no key-value metadata, so this looks itself.
 */

import parquet, { type FooterReader } from 'parquetjs-lite'
import { IntegrityError } from '../runtime/errors.js'

/** What a footer says. */
export interface Footer {
  /** Rows of the file. */
  readonly rows: number
  /** Names of the columns, in order; a list is one column. */
  readonly columns: readonly string[]
  /** Key-value metadata; of keys that occur twice the last. */
  readonly metadata: ReadonlyMap<string, string>
  readonly rowGroups: readonly FooterRowGroup[]
  /** The writer's name and version. */
  readonly createdBy: string
}

/** What a footer says of one row group. */
interface FooterRowGroup {
  readonly rows: number
  /** Column chunks, one for each leaf of the schema. */
  readonly chunks: number
  /** Bytes of all column chunks, before compression. */
  readonly bytes: number
}

/**
 * Reads the footer of a whole file.
 *
 * @param file the file's bytes, or its path: then only the footer is read of it
 * @param name how errors call the file
 * @throws IntegrityError when it is no Parquet file, or row groups and file disagree about rows
 */
export async function readFooter(
  file: Uint8Array | string,
  name = typeof file === 'string' ? file : `a buffer of ${file.byteLength} bytes`,
): Promise<Footer> {
  try {
    const reader = await open(file)
    const footer = footerOf(reader.metadata)
    await reader.close()
    const sum = footer.rowGroups.reduce((rows, group) => rows + group.rows, 0)
    if (sum !== footer.rows) throw new Error(`row groups hold ${sum} rows, the file ${footer.rows}`)
    return footer
  } catch (cause) {
    // parquetjs-lite throws strings.
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IntegrityError('ETL3-PQ-20', `no valid Parquet footer: ${reason} [${name}]`, { cause })
  }
}

async function open(file: Uint8Array | string): Promise<FooterReader> {
  const options = { rawStatistics: true }
  if (typeof file === 'string') return await parquet.ParquetReader.openFile(file, options)
  return await parquet.ParquetReader.openBuffer(Buffer.from(file.buffer, file.byteOffset, file.byteLength), options)
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
