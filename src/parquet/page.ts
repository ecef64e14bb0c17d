/** Pages of a column chunk: their headers (parquet.thrift, `PageHeader`), in version 1, and what they add up to. */

import type { ByteWriter } from './byte-writer.js'
import { CODEC, type Codec, ENCODING, PAGE } from './format.js'
import * as thrift from './thrift.js'

/** What a column chunk's metadata says about its pages. */
export class ChunkPages {
  codec: Codec = CODEC.UNCOMPRESSED
  /** Position of the dictionary page in the file, −1 when there is none. */
  dictionaryOffset = -1
  /** Position of the first data page in the file. */
  dataOffset = -1
  /** Bytes of all pages with their headers, as if nothing were compressed. */
  uncompressedBytes = 0
  /** Bytes of all pages with their headers, as they are in the file. */
  compressedBytes = 0

  /** Begins a column chunk. */
  begin(): void {
    this.codec = CODEC.UNCOMPRESSED
    this.dictionaryOffset = -1
    this.dataOffset = -1
    this.uncompressedBytes = 0
    this.compressedBytes = 0
  }

  /**
   * Counts a page that begins at the offset `start` of `out` and ends where `out` ends now.
   *
   * @param fileOffset position of the first byte of `out` in the file
   * @param saved bytes that compression saved
   */
  count(out: ByteWriter, fileOffset: number, start: number, saved: number): void {
    if (this.dataOffset < 0) this.dataOffset = fileOffset + start
    const bytes = out.length - start
    this.compressedBytes += bytes
    this.uncompressedBytes += bytes + saved
  }
}

/** Appends the header of a dictionary page of `values` values. */
export function dictionaryPageHeader(
  out: ByteWriter,
  values: number,
  uncompressedBytes: number,
  compressedBytes: number,
): void {
  thrift.i32(out, 0, 1, PAGE.DICTIONARY)
  thrift.i32(out, 1, 2, uncompressedBytes)
  thrift.i32(out, 2, 3, compressedBytes)
  thrift.struct(out, 3, 7)
  thrift.i32(out, 0, 1, values)
  thrift.i32(out, 1, 2, ENCODING.PLAIN)
  thrift.endStruct(out)
  thrift.endStruct(out)
}

/**
 * Appends the header of a data page.
 *
 * @param values how many there are, NULLs included: as many as definition levels
 */
export function dataPageHeader(
  out: ByteWriter,
  values: number,
  encoding: number,
  uncompressedBytes: number,
  compressedBytes: number,
): void {
  thrift.i32(out, 0, 1, PAGE.DATA)
  thrift.i32(out, 1, 2, uncompressedBytes)
  thrift.i32(out, 2, 3, compressedBytes)
  thrift.struct(out, 3, 5)
  thrift.i32(out, 0, 1, values)
  thrift.i32(out, 1, 2, encoding)
  thrift.i32(out, 2, 3, ENCODING.RLE)
  thrift.i32(out, 3, 4, ENCODING.RLE)
  thrift.endStruct(out)
  thrift.endStruct(out)
}
