import { IntegrityError } from '../runtime/errors.js'

/** Largest buffer that is asked for: sizes in page headers are signed 32-bit (parquet.thrift, PageHeader). */
const LIMIT_BYTES = 2 ** 31 - 1

/** Up to this length a loop beats `TypedArray.set`, which costs a view and a call into the engine. */
const SHORT_COPY_BYTES = 48

/** One growing buffer that is written front to back, emptied and used again. Little-endian, as Parquet is. */
export class ByteWriter {
  /** The buffer itself; what is written is its first {@link length} bytes. Replaced when it grows. */
  bytes: Uint8Array
  /** Bytes written so far. */
  length = 0
  #view: DataView

  /** @param capacityBytes size of the buffer at the start */
  constructor(capacityBytes = 4096) {
    this.bytes = new Uint8Array(capacityBytes)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** Forgets what was written and keeps the buffer. */
  clear(): void {
    this.length = 0
  }

  /** Forgets what was written, and the buffer too where it grew over `capacityBytes`. */
  shrink(capacityBytes: number): void {
    this.length = 0
    if (this.bytes.length > capacityBytes) this.#reallocate(capacityBytes)
  }

  /**
   * Makes sure that the next `extra` bytes fit, so that they may be put into {@link bytes} directly.
   *
   * @throws IntegrityError when the buffer would pass 2 GiB, which no Parquet page can be
   */
  reserve(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.bytes.length) return
    if (needed > LIMIT_BYTES) {
      throw new IntegrityError(
        'ETL3-PQ-01',
        `a Parquet page or footer needs a buffer of ${needed} bytes [limit=${LIMIT_BYTES}]`,
        { hint: 'Shorten the longest values, or raise processing.row_group_rows where row groups are very many.' },
      )
    }
    this.#reallocate(Math.min(LIMIT_BYTES, Math.max(needed, this.bytes.length * 2)))
  }

  #reallocate(capacityBytes: number): void {
    const grown = new Uint8Array(capacityBytes)
    if (this.length > 0) grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  /** Appends one byte. */
  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Appends two bytes. */
  twoBytes(first: number, second: number): void {
    this.reserve(2)
    this.bytes[this.length] = first
    this.bytes[this.length + 1] = second
    this.length += 2
  }

  /** Appends an unsigned integer below 2^53 as ULEB128: 7 bits a byte, lowest first. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    if (rest > 0x7fffffff) {
      // Past 31 bits the bit operators would wrap, so the lowest groups are split off by arithmetic.
      while (rest > 0x7fffffff) {
        this.bytes[this.length++] = (rest % 128) + 128
        rest = Math.floor(rest / 128)
      }
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  /** Appends a 4-byte integer. */
  int32(value: number): void {
    this.reserve(4)
    this.#view.setInt32(this.length, value, true)
    this.length += 4
  }

  /** Writes a 4-byte integer over bytes that were appended before. */
  int32At(offset: number, value: number): void {
    this.#view.setInt32(offset, value, true)
  }

  /** Appends an 8-byte IEEE 754 number; every NaN as the same bits, so that equal input gives equal bytes. */
  double(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.length, Number.isNaN(value) ? Number.NaN : value, true)
    this.length += 8
  }

  /** Appends all of `source`. */
  append(source: Uint8Array): void {
    this.reserve(source.length)
    this.bytes.set(source, this.length)
    this.length += source.length
  }

  /** Appends `source[start]` … `source[end - 1]`. */
  appendRange(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    this.reserve(count)
    if (count > SHORT_COPY_BYTES) {
      this.bytes.set(source.subarray(start, end), this.length)
      this.length += count
      return
    }
    const bytes = this.bytes
    let to = this.length
    for (let from = start; from < end; from++) bytes[to++] = source[from]!
    this.length = to
  }

  /** Appends what another writer holds. */
  appendWriter(source: ByteWriter): void {
    this.appendRange(source.bytes, 0, source.length)
  }

  /** Puts all of `source` before the byte at `offset`. */
  insert(offset: number, source: Uint8Array): void {
    this.reserve(source.length)
    this.bytes.copyWithin(offset + source.length, offset, this.length)
    this.bytes.set(source, offset)
    this.length += source.length
  }

  /** Appends `times` more copies of the last `count` bytes. */
  repeatLast(count: number, times: number): void {
    const total = count * times
    this.reserve(total)
    const start = this.length
    let done = 0
    // Each copy doubles what the next one can take, so that many short repeats cost few calls.
    while (done < total) {
      const step = Math.min(count + done, total - done)
      this.bytes.copyWithin(start + done, start - count, start - count + step)
      done += step
    }
    this.length += total
  }

  /** What is written, as a view that the next write may invalidate. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
