/** Reads footers with hyparquet, which shares no line with the encoder: an audit should not ask the writer. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type FileMetaData, parquetMetadata, type SchemaElement } from 'hyparquet'
import { IntegrityError, messageOf } from '../runtime/errors.js'

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

const MAGIC = 'PAR1'
/** Length of the footer and magic, at the end of every file (parquet-format, "File format"). */
const TAIL_BYTES = 8

/**
 * Reads the footer of a whole file.
 *
 * @param file the file's bytes, or its path: then only the footer is read of it
 * @param name how errors call the file
 * @throws IntegrityError ETL3-PQ-20 when it is no Parquet file, or row groups and file disagree about rows
 */
export function readFooter(
  file: Uint8Array | string,
  name = typeof file === 'string' ? file : `a buffer of ${file.byteLength} bytes`,
): Footer {
  try {
    const footer = footerOf(typeof file === 'string' ? metadataOfFile(file) : metadataOfBytes(file))
    const sum = footer.rowGroups.reduce((rows, group) => rows + group.rows, 0)
    if (sum !== footer.rows) throw new Error(`row groups hold ${sum} rows, the file ${footer.rows}`)
    return footer
  } catch (cause) {
    throw new IntegrityError('ETL3-PQ-20', `no valid Parquet footer: ${messageOf(cause)} [${name}]`, { cause })
  }
}

function metadataOfFile(path: string): FileMetaData {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    return metadataOf(size, (from, to) => {
      const bytes = new Uint8Array(to - from)
      if (readSync(file, bytes, 0, bytes.byteLength, from) < bytes.byteLength) throw new Error('it ends early')
      return bytes
    })
  } finally {
    closeSync(file)
  }
}

function metadataOfBytes(bytes: Uint8Array): FileMetaData {
  return metadataOf(bytes.byteLength, (from, to) => bytes.subarray(from, to))
}

/** @param read the bytes from one position of the file to another */
function metadataOf(size: number, read: (from: number, to: number) => Uint8Array): FileMetaData {
  if (size < MAGIC.length + TAIL_BYTES) throw new Error(`${size} bytes are too short`)
  if (Buffer.from(read(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw new Error(`it does not begin with ${MAGIC}`)
  const tail = read(size - TAIL_BYTES, size)
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
  const from = size - TAIL_BYTES - length
  if (from < MAGIC.length) throw new Error(`a footer of ${length} bytes does not fit into ${size}`)
  return parquetMetadata(read(from, size), { geoparquet: false })
}

function footerOf(file: FileMetaData): Footer {
  return {
    rows: integer(file.num_rows, 'num_rows'),
    columns: topLevelNames(file.schema),
    metadata: new Map(file.key_value_metadata?.map(({ key, value }) => [key, value ?? ''])),
    rowGroups: file.row_groups.map((group) => ({
      rows: integer(group.num_rows, 'num_rows of a row group'),
      chunks: group.columns.length,
      bytes: integer(group.total_byte_size, 'total_byte_size'),
    })),
    createdBy: file.created_by ?? '',
  }
}

/** The schema lists the tree depth first: a node with children is followed by all that lies below it. */
function topLevelNames(elements: readonly SchemaElement[]): string[] {
  const names: string[] = []
  let open = 0
  for (const { name, num_children: children } of elements.slice(1)) {
    if (open === 0) names.push(name)
    else open--
    open += children ?? 0
  }
  return names
}

/** hyparquet's types promise a bigint; what a broken file holds in its place they cannot. */
function integer(value: bigint, what: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Error(`${what} is no integer: ${String(value)}`)
  return number
}
