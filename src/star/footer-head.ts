/**
 * The head of a Parquet file's footer: the schema as its bytes, and the rows. Files of one writer have the same bytes there,
 * so that of thousands the engine reads the footer of one.
 *
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (FileMetaData)
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import { fstatSync, readSync } from 'node:fs'
import { ofOpenedFile } from './opened-file.js'
import { MAGIC } from './unreadable-file.js'

/** What stands first in a footer. */
export interface FooterHead {
  /** Format version and schema, byte by byte: equal where the schemas are. */
  readonly schema: string
  readonly rows: number
}

/** Length of the footer and magic, at the end of every file. */
const TAIL_BYTES = 8
/** A small file's footer with its tail, in one read; and of a larger one, as much as schemas take. */
const READ_BYTES = 16 * 1024

const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * Reads the head of a file's footer.
 *
 * @returns undefined where it is not as expected: then the engine says what the file is
 */
export function footerHead(path: string): FooterHead | undefined {
  return ofOpenedFile(path, (file) => {
    const { size } = fstatSync(file)
    const tail = readAt(file, Math.max(0, size - READ_BYTES), size)
    if (tail.toString('latin1', tail.length - MAGIC.length) !== MAGIC || tail.length < TAIL_BYTES) return undefined
    const end = size - TAIL_BYTES
    const begin = end - tail.readUInt32LE(tail.length - TAIL_BYTES)
    if (begin < 0) return undefined
    const inTail = tail.length - (size - begin)
    return headOf(inTail < 0 ? readAt(file, begin, end) : tail.subarray(inTail, tail.length - TAIL_BYTES))
  })
}

/** At most as much as the buffer holds, and until it is used again. */
function readAt(file: number, from: number, to: number): Buffer {
  return buffer.subarray(0, readSync(file, buffer, 0, Math.min(to - from, READ_BYTES), from))
}

/** Types of the compact protocol. */
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12

/** A field that follows the one before it, by its id less one. */
const nextField = (type: number): number => 0x10 | type

function headOf(footer: Buffer): FooterHead | undefined {
  try {
    const reader = new CompactReader(footer)
    reader.expect(nextField(I32))
    reader.skip(I32)
    reader.expect(nextField(LIST))
    reader.skip(LIST)
    const schema = footer.toString('latin1', 0, reader.at)
    reader.expect(nextField(I64))
    return { schema, rows: reader.zigzag() }
  } catch (error) {
    if (error instanceof NotAsExpected) return undefined
    throw error
  }
}

class NotAsExpected extends Error {}

/** Deeper structures than any footer's are none. */
const DEEPEST = 16

class CompactReader {
  at = 0
  readonly #bytes: Buffer
  #depth = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  expect(byte: number): void {
    if (this.#byte() !== byte) throw new NotAsExpected()
  }

  zigzag(): number {
    const coded = this.#varint()
    return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2
  }

  /** Passes over a value. */
  skip(type: number): void {
    switch (type) {
      case TRUE:
      case FALSE:
        return
      case BYTE:
        this.at += 1
        return
      case I16:
      case I32:
      case I64:
        this.#varint()
        return
      case DOUBLE:
        this.at += 8
        return
      case BINARY: {
        const length = this.#varint()
        this.at += length
        return
      }
      case LIST:
      case SET:
        this.#skipItems()
        return
      case STRUCT:
        this.#skipFields()
        return
      default:
        throw new NotAsExpected()
    }
  }

  #skipItems(): void {
    const header = this.#byte()
    const type = header & 0x0f
    const count = header >> 4 === 15 ? this.#varint() : header >> 4
    // Among the items of a list, unlike among fields, a truth value has a byte of its own.
    const item = type === TRUE || type === FALSE ? BYTE : type
    for (let i = 0; i < count; i++) this.skip(item)
  }

  #skipFields(): void {
    this.#depth += 1
    if (this.#depth > DEEPEST) throw new NotAsExpected()
    for (let header = this.#byte(); header !== 0; header = this.#byte()) {
      if (header >> 4 === 0) this.#varint()
      this.skip(header & 0x0f)
    }
    this.#depth -= 1
  }

  #byte(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw new NotAsExpected()
    this.at += 1
    return byte
  }

  /** @throws NotAsExpected also above 2^53, where a double no longer holds every whole number */
  #varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw new NotAsExpected()
  }
}
