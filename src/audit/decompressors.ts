/**
 * What pages are decompressed with. For Zstandard, hyparquet's companion has plain JavaScript, which takes most of the
 * reading's time before the engine has warmed up to it; WebAssembly is fast from its first page on.
 */
import type { Compressors, FileMetaData } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { ZSTDDecoder } from 'zstddec'

/** The decoder's memory holds a page twice, and never shrinks: larger pages are for the other one. */
const LARGEST_PAGE_BYTES = 8 * 1024 * 1024

const decoder = new ZSTDDecoder()

/** The decompressors for a file's pages. */
export async function decompressorsFor({ row_groups: groups }: FileMetaData): Promise<Compressors> {
  if (!groups.some(({ columns }) => columns.some(({ meta_data: chunk }) => chunk?.codec === 'ZSTD'))) return compressors
  await decoder.init()
  return { ...compressors, ZSTD: zstd }
}

/** A page that cannot be decompressed comes out empty, and hyparquet refuses it for its length. */
function zstd(bytes: Uint8Array, size: number): Uint8Array {
  const other = size > LARGEST_PAGE_BYTES ? compressors.ZSTD : undefined
  return other ? other(bytes, size) : decoder.decode(bytes, size)
}
