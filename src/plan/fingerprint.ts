/**
 * Content fingerprints of partitions, made from the factorised star before any enriched row exists.
 *
 * A fingerprint is a sum over the partition's (fact, member link) pairs, modulo 2^64: it needs no order and no memory,
 * and facts may come window by window. Each term mixes the content hashes of the fact and of the linked providers with
 * the Medicare row that the two select, so it changes when any column of any row does. The mixing is that of
 * MurmurHash3 (x86, 32-bit lanes; A. Appleby, public domain description).
 */

const C1 = 0x85ebca6b | 0
const C2 = 0xc2b2ae35 | 0
const C3 = 0xcc9e2d51 | 0
const C4 = 0x1b873593 | 0

/** A 64-bit hash under construction: two 32-bit lanes, reused to make no garbage. */
export class Mixer {
  a = 0
  b = 0

  /** Starts from a seed. */
  reset(seedA: number, seedB: number): void {
    this.a = seedA
    this.b = seedB
  }

  /** Takes in 64 bits. */
  absorb(low: number, high: number): void {
    let x = Math.imul(low ^ this.b, C3)
    x = (x << 15) | (x >>> 17)
    this.a = (Math.imul(this.a ^ Math.imul(x, C4), 5) + 0x2a2a2a2b) | 0
    let y = Math.imul(high ^ this.a, C4)
    y = (y << 13) | (y >>> 19)
    this.b = (Math.imul(this.b ^ Math.imul(y, C3), 5) + 0x561ccd1b) | 0
  }

  /** Ends: every bit of the input has reached every bit of both lanes. */
  finish(): void {
    this.a = finalMix(this.a ^ this.b)
    this.b = finalMix((this.b + this.a) | 0)
  }
}

function finalMix(lane: number): number {
  let h = lane ^ (lane >>> 16)
  h = Math.imul(h, C1)
  h ^= h >>> 13
  h = Math.imul(h, C2)
  return h ^ (h >>> 16)
}

/** 16 hex digits of two lanes. */
export function hexOf(a: number, b: number): string {
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0')
}
