/** Why a file cannot be read, in words for its owner. */
import { fstatSync, readSync } from 'node:fs'
import { InputError, messageOf } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { ofOpenedFile } from './opened-file.js'

/** Longest value that a message shows. */
const SHOWN_CHARACTERS = 80

/** A value of the data in a message: in quotation marks, without control characters, and not too long. */
export function quotedValue(value: string): string {
  const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value
  return `"${plainText(shown)}"`
}

interface Reason {
  readonly what: string
  readonly hint: string
}

/**
 * An error of reading a Parquet file: what the file is, as far as its bytes and the engine's words tell.
 *
 * @param name the table, or the table and column (`dim_npi.city`) where they are known
 * @param local the copy that was read, where the file lies in a bucket
 */
export function unreadable(name: string, path: string, cause: unknown, local = path): InputError {
  const { what, hint } = reasonOf(messageOf(cause), local)
  return new InputError('ETL3-IN-03', `${name} ${what} [file=${path}]`, { hint, cause })
}

function reasonOf(message: string, path: string): Reason {
  return notText(message) ?? encrypted(message) ?? notParquet(path) ?? damaged(message)
}

function notText(message: string): Reason | undefined {
  const value = /Invalid string encoding found in Parquet file.*?: value "(.*)" is not valid UTF-?8/s.exec(message)?.[1]
  if (value === undefined) return undefined
  return {
    what: `holds text that is not UTF-8: ${quotedValue(value)}`,
    hint: 'The text has another encoding, such as Latin-1, but is marked as UTF-8: convert it, and write the file again.',
  }
}

function encrypted(message: string): Reason | undefined {
  // Of a footer in plain text over encrypted columns, the engine takes the name of the algorithm for text.
  if (!/encrypt|decrypt|Invalid unicode .* in value construction/i.test(message)) return undefined
  return {
    what: 'is encrypted, or some of its columns are',
    hint: 'ETL3 has no keys of Parquet files: write the file without encryption.',
  }
}

/** Files by their first bytes. */
const OTHER_FORMATS: readonly (readonly [string, string])[] = [
  ['a file compressed by gzip', '\x1f\x8b'],
  ['a file compressed by zstd', '\x28\xb5\x2f\xfd'],
  ['a ZIP archive, such as an Excel workbook', 'PK\x03\x04'],
  ['an Arrow (Feather) file', 'ARROW1'],
  ['an ORC file', 'ORC'],
  ['an Avro file', 'Obj\x01'],
  ['a SQLite database', 'SQLite format 3'],
  ['a pointer of Git LFS, not the file itself', 'version https://git-lfs'],
  ['JSON', '{'],
  ['JSON', '['],
  ['HTML or XML, perhaps the error of a server', '<'],
]

/** What a Parquet file begins and ends with, and one with an encrypted footer (Parquet, "File format"). */
export const MAGIC = 'PAR1'
const ENCRYPTED_MAGIC = 'PARE'

/** Whether a file begins as a Parquet file does. */
export function beginsAsParquet(path: string): boolean {
  const head = endsOf(path)?.head ?? ''
  return head.startsWith(MAGIC) || head.startsWith(ENCRYPTED_MAGIC)
}

function notParquet(path: string): Reason | undefined {
  const ends = endsOf(path)
  if (!ends) return undefined
  const { bytes, head, tail } = ends
  if (bytes === 0)
    return { what: 'is no Parquet file: it is empty', hint: 'Its writer did not end: write the file again.' }
  if (head.startsWith(ENCRYPTED_MAGIC) || tail === ENCRYPTED_MAGIC) return encrypted('encrypted')
  const begins = head.startsWith(MAGIC)
  if (begins && tail === MAGIC) return undefined
  if (begins) {
    return {
      what: `is truncated: after ${bytes.toLocaleString('en-US')} bytes it has no end of a Parquet file`,
      hint: 'Its writer or a copy did not end: write the file again.',
    }
  }
  const format = OTHER_FORMATS.find(([, first]) => head.trimStart().startsWith(first))?.[0]
  return {
    what: `is not a Parquet file${format === undefined ? '' : ` but ${format}`}: it begins with ${quotedValue(head)}`,
    hint: 'Write the table as Parquet, or name another file under input.tables.',
  }
}

function damaged(message: string): Reason {
  return {
    what: `cannot be read: ${plainText(message.split('\n', 1)[0] ?? '')}`,
    hint: 'The file is damaged, or holds what this reader does not know: write it again.',
  }
}

/** Size, first and last bytes of a file, each byte as one character; undefined where it cannot be opened. */
function endsOf(path: string): { readonly bytes: number; readonly head: string; readonly tail: string } | undefined {
  return ofOpenedFile(path, (file) => {
    const bytes = fstatSync(file).size
    const read = (from: number, length: number): string => {
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, bytes - from)))
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, from))
    }
    return { bytes, head: read(0, 24), tail: read(Math.max(0, bytes - 4), 4) }
  })
}
