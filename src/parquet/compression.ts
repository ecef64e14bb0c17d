import snappy from 'snappy'
import type { ByteWriter } from './byte-writer.js'

/** Up to this size a page is stored as one literal: a call into the native library costs more than it can save. */
const STORED_BYTES = 60

/** The library's fastest way here: its other one makes a Buffer around native memory, at twice the time. */
const OPTIONS = { copyOutputData: true }

/** Puts the raw Snappy form of what `source` holds into `target`, which is emptied first. */
export function compressSnappy(source: ByteWriter, target: ByteWriter): void {
  target.clear()
  const length = source.length
  if (length > 0 && length <= STORED_BYTES) {
    // The format's preamble is the length as a varint; a literal of up to 60 bytes has its length - 1 in the tag.
    target.twoBytes(length, (length - 1) << 2)
    target.appendWriter(source)
    return
  }
  target.append(snappy.compressSync(source.view(), OPTIONS))
}
