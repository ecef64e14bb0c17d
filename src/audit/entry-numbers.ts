/** The numbers of entries that a page has for its values, looked up where few are wanted, unpacked where all are. */
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readVarInt } from 'hyparquet/src/thrift.js'
import { NotCovered, notCovered } from './not-covered.js'

/** Numbers of entries, one for each value of a page. */
export interface EntryNumbers {
  readonly count: number
  /** @throws NotCovered where a page is damaged */
  at(i: number): number
  /** @throws NotCovered where a page is damaged */
  all(): Int32Array
}

/** Each value has an entry of its own: of a page without a dictionary. */
export class NumberedOn implements EntryNumbers {
  readonly count: number
  readonly #first: number

  constructor(first: number, count: number) {
    this.#first = first
    this.count = count
  }

  at(i: number): number {
    return this.#first + i
  }

  all(): Int32Array {
    const numbers = new Int32Array(this.count)
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.#first + i
    return numbers
  }
}

/** A piece of packed numbers: one for all its values, or one for each behind the other. */
interface Run {
  readonly first: number
  readonly end: number
  /** Where its bytes begin. */
  readonly at: number
  readonly isPacked: boolean
}

const WIDTH_BYTES = 1
const BITS = 8

/** Runs and bit-packed numbers behind a byte with their width (parquet-format, "RLE/Bit-packing Hybrid"). */
export class PackedNumbers implements EntryNumbers {
  readonly count: number
  readonly #bytes: Uint8Array
  readonly #width: number
  #runs: readonly Run[] | undefined
  #last: Run | undefined

  constructor(bytes: Uint8Array, count: number) {
    this.count = count
    this.#bytes = bytes
    this.#width = bytes[0] ?? 0
  }

  at(i: number): number {
    if (this.#width === 0) return 0
    const run = this.#runOf(i)
    return run.isPacked
      ? this.#number(run.at * BITS + (i - run.first) * this.#width, this.#width)
      : this.#number(run.at * BITS, valueBytes(this.#width) * BITS)
  }

  all(): Int32Array {
    const numbers = new Int32Array(this.count)
    if (this.#width === 0) return numbers
    const length = this.#bytes.length - WIDTH_BYTES
    try {
      readRleBitPackedHybrid({ view: viewOf(this.#bytes), offset: WIDTH_BYTES }, this.#width, numbers, length)
    } catch (cause) {
      throw notCovered('a page', cause)
    }
    return numbers
  }

  #runOf(i: number): Run {
    if (this.#last && i >= this.#last.first && i < this.#last.end) return this.#last
    this.#runs ??= runsOf(this.#bytes, this.#width, this.count)
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#runs[middle]?.end ?? 0) <= i) low = middle + 1
      else high = middle
    }
    const run = this.#runs[low]
    if (!run) throw new NotCovered('a page ends before its last value')
    this.#last = run
    return run
  }

  /** Some bits, the lowest first. */
  #number(from: number, bits: number): number {
    let value = 0
    const first = Math.floor(from / BITS)
    const last = Math.floor((from + bits - 1) / BITS)
    for (let i = last; i >= first; i--) value = value * 0x100 + (this.#bytes[i] ?? 0)
    return Math.floor(value / 2 ** (from % BITS)) % 2 ** bits
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function valueBytes(width: number): number {
  return Math.ceil(width / BITS)
}

function runsOf(bytes: Uint8Array, width: number, count: number): Run[] {
  const reader = { view: viewOf(bytes), offset: WIDTH_BYTES }
  const runs: Run[] = []
  let first = 0
  while (first < count) {
    if (reader.offset >= bytes.length) throw new NotCovered('a page ends before its last value')
    const header = readVarInt(reader)
    const isPacked = (header & 1) === 1
    const values = isPacked ? (header >>> 1) * BITS : header >>> 1
    runs.push({ first, end: first + values, at: reader.offset, isPacked })
    reader.offset += isPacked ? (header >>> 1) * width : valueBytes(width)
    first += values
  }
  return runs
}
