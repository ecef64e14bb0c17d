/**
 * Bloom filters of column chunks (parquet-format, "BloomFilter.md"): by them readers pass over row groups that do not have a
 * value although it lies between the chunk's bounds. They stand behind the pages of their row group.
 */
import { sbbfInsert } from 'hyparquet/src/bloom.js'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { ByteWriter } from './byte-writer.js'
import type { Values } from './plain.js'
import * as thrift from './thrift.js'

/** Of a value that is not there, one in a hundred is taken for there. */
const BITS_PER_VALUE = -8 / Math.log(1 - 0.01 ** (1 / 8))
const BLOCK_BYTES = 32
/** A chunk of more distinct values gets a filter that says less often no, not a larger one. */
const MOST_BYTES = 1024 * 1024
/** Length prefix of a PLAIN string: the hash is of what follows. */
const PREFIX_BYTES = 4

type TextPool = Extract<Values, { kind: 'bytes' }>

/** A filter that is still to be stored, and where the chunk's metadata in the footer goes on for it. */
interface PendingFilter {
  readonly bytes: Uint8Array
  readonly footerPosition: number
}

/** Collects the filters of a row group's chunks. */
export class BloomFilters {
  readonly #columns: ReadonlySet<string>
  /** Hashes of a pool's values, each computed once: row groups share pools. 0 stands for none yet. */
  readonly #hashes = new WeakMap<Uint8Array, BigUint64Array>()
  #pending: PendingFilter[] = []

  /** @param columns of texts that get filters */
  constructor(columns: readonly string[]) {
    this.#columns = new Set(columns)
  }

  /** Takes a chunk's distinct values. @param footerPosition behind the last field of its metadata */
  add(column: string, values: Values, ids: Int32Array, count: number, footerPosition: number): void {
    if (count === 0 || values.kind !== 'bytes' || !this.#columns.has(column)) return
    const words = new Uint32Array(filterBytes(count) / Uint32Array.BYTES_PER_ELEMENT)
    const hashes = this.#hashesOf(values)
    for (let i = 0; i < count; i++) sbbfInsert(words, hashOf(values, ids[i]!, hashes))
    this.#pending.push({ bytes: new Uint8Array(words.buffer), footerPosition })
  }

  /** Stores the filters behind the row group's pages and names them in the footer. */
  write(out: ByteWriter, fileOffset: number, footer: ByteWriter): void {
    const fields: { readonly at: number; readonly writer: ByteWriter }[] = []
    for (const { bytes, footerPosition } of this.#pending) {
      const start = out.length
      header(out, bytes.length)
      out.append(bytes)
      const writer = new ByteWriter(16)
      thrift.i64(writer, 12, 14, fileOffset + start)
      thrift.i32(writer, 14, 15, out.length - start)
      fields.push({ at: footerPosition, writer })
    }
    // From the last one, so that the positions before it stay.
    for (const { at, writer } of fields.toReversed()) footer.insert(at, writer.view())
    this.#pending = []
  }

  /** Forgets what a file that came to no end has left. */
  clear(): void {
    this.#pending = []
  }

  #hashesOf({ data, offsets }: TextPool): BigUint64Array {
    const known = this.#hashes.get(data)
    if (known) return known
    const hashes = new BigUint64Array(offsets.length)
    this.#hashes.set(data, hashes)
    return hashes
  }
}

function hashOf({ data, offsets }: TextPool, id: number, hashes: BigUint64Array): bigint {
  const known = hashes[id]
  if (known) return known
  const hash = xxhash64(data.subarray(offsets[id]! + PREFIX_BYTES, offsets[id + 1]))
  hashes[id] = hash
  return hash
}

/** A power of two: some readers take no other. */
function filterBytes(values: number): number {
  const wanted = (values * BITS_PER_VALUE) / 8
  return Math.min(MOST_BYTES, Math.max(BLOCK_BYTES, 2 ** Math.ceil(Math.log2(wanted))))
}

/** `BloomFilterHeader`: split blocks of XXH64 hashes, not compressed. */
function header(out: ByteWriter, bytes: number): void {
  thrift.i32(out, 0, 1, bytes)
  for (const field of [2, 3, 4]) {
    thrift.struct(out, field - 1, field)
    thrift.struct(out, 0, 1)
    thrift.endStruct(out)
    thrift.endStruct(out)
  }
  thrift.endStruct(out)
}
