/** SHA-256 as S3 writes it: base64 of the bytes, or of the parts' digests together, with their number. */
import { createHash, type Hash } from 'node:crypto'

/**
 * Bytes of each part of an object that is put in parts, but the last. S3 takes 5 MiB at least and 10,000 parts: objects
 * of up to 78 GiB.
 */
export const PART_BYTES = 8 * 1024 * 1024

/** Takes the digests of an object while its bytes go by. */
export class ObjectDigest {
  readonly #whole = createHash('sha256')
  readonly #parts: string[] = []
  #part: Hash | undefined
  #inPart = 0
  bytes = 0

  add(piece: Uint8Array): void {
    this.#whole.update(piece)
    this.bytes += piece.byteLength
    for (let at = 0; at < piece.byteLength; ) {
      const end = Math.min(piece.byteLength, at + PART_BYTES - this.#inPart)
      this.#part ??= createHash('sha256')
      this.#part.update(piece.subarray(at, end))
      this.#inPart += end - at
      at = end
      if (this.#inPart === PART_BYTES) this.#endPart()
    }
  }

  /** Closes it. */
  end(): FinishedDigest {
    if (this.#part) this.#endPart()
    return { bytes: this.bytes, sha256: this.#whole.digest('hex'), parts: this.#parts }
  }

  #endPart(): void {
    this.#parts.push(this.#part?.digest('base64') ?? '')
    this.#part = undefined
    this.#inPart = 0
  }
}

/** What an {@link ObjectDigest} ends with. */
export interface FinishedDigest {
  readonly bytes: number
  /** Of the whole, in hex. */
  readonly sha256: string
  /** Of each part of {@link PART_BYTES}, in base64. */
  readonly parts: readonly string[]
}

/**
 * Whether bytes are the ones of which S3 tells the checksum: `base64` of the whole, or `base64-parts` of parts.
 * @param told undefined where S3 tells none
 * @returns undefined where that cannot be said: no checksum, or parts of another size than ours
 */
export function agreesWith(told: string | undefined, found: FinishedDigest): boolean | undefined {
  if (told === undefined) return undefined
  const [digest = '', parts] = told.split('-')
  if (parts === undefined) return digest === Buffer.from(found.sha256, 'hex').toString('base64')
  if (Number(parts) !== found.parts.length) return undefined
  const together = createHash('sha256')
  for (const part of found.parts) together.update(Buffer.from(part, 'base64'))
  return digest === together.digest('base64')
}
