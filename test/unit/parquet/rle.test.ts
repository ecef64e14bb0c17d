import fc from 'fast-check'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { describe, expect, it } from 'vitest'
import { bitWidthOf } from '../../../src/parquet/bit-packing.js'
import { BitStream } from '../../../src/parquet/bit-stream.js'
import { ByteWriter } from '../../../src/parquet/byte-writer.js'
import { HybridWriter, packedRun } from '../../../src/parquet/rle.js'

/** Reads `count` values as hyparquet does, and that they end where the bytes end. */
function decode(out: ByteWriter, width: number, count: number): number[] {
  const bytes = out.view().slice()
  const reader = { view: new DataView(bytes.buffer), offset: 0 }
  const values = new Array<number>(count).fill(-1)
  readRleBitPackedHybrid(reader, width, values, bytes.length)
  expect(reader.offset).toBe(bytes.length)
  return values
}

const WIDTHS = Array.from({ length: 20 }, (_, i) => i + 1)

/** A writer whose memory holds rubbish, as that of a reused buffer does. */
function usedWriter(): ByteWriter {
  const out = new ByteWriter(64)
  out.bytes.fill(0xff)
  return out
}

function expand(runs: readonly (readonly [value: number, count: number])[]): number[] {
  return runs.flatMap(([value, count]) => new Array<number>(count).fill(value))
}

const runsOf = (width: number) =>
  fc.array(
    fc.tuple(
      fc.oneof(fc.constantFrom(0, 2 ** width - 1), fc.integer({ min: 0, max: 2 ** width - 1 })),
      fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 24 }), fc.constantFrom(503, 504, 505, 1000)),
    ),
    { minLength: 1, maxLength: 60 },
  )

describe('the RLE / bit-packing hybrid', () => {
  for (const width of WIDTHS) {
    it(`gives back every sequence of runs at ${width} bits`, () => {
      const hybrid = new HybridWriter()
      fc.assert(
        fc.property(runsOf(width), (runs) => {
          const out = usedWriter()
          hybrid.begin(out, width)
          for (const [value, count] of runs) hybrid.run(value, count)
          hybrid.end()
          const expected = expand(runs)
          expect(decode(out, width, expected.length)).toEqual(expected)
        }),
        { seed: width, numRuns: 60 },
      )
    })

    it(`bit-packs any number of values of ${width} bits, last group padded with zeros`, () => {
      for (let count = 1; count < 40; count++) {
        const values = Int32Array.from({ length: count }, (_, i) => (i * 2654435761) % 2 ** width)
        const out = usedWriter()
        packedRun(out, values, count, width)
        const padded = [...values, ...new Array<number>((8 - (count % 8)) % 8).fill(0)]
        expect(decode(out, width, padded.length)).toEqual(padded)
      }
    })

    it(`repeats a pattern of ${width} bits as if it were written out`, () => {
      const stream = new BitStream()
      for (const length of [1, 2, 3, 7, 8, 9, 31]) {
        for (const times of [1, 23, 24, 25, 31, 32, 100]) {
          const values = Int32Array.from({ length }, (_, i) => ((i + 1) * 2654435761) % 2 ** width)
          const before = Int32Array.of(1, 0, 1)
          const all = [...before, ...expand([[0, times]]).flatMap(() => [...values]), ...before]
          const out = usedWriter()
          out.varint(Math.ceil(all.length / 8) * 2 + 1)
          stream.begin(out, width)
          stream.repeat(before, 0, 3, 1)
          stream.repeat(values, 0, length, times)
          stream.repeat(before, 0, 3, 1)
          stream.end()
          expect(decode(out, width, all.length)).toEqual(all)
        }
      }
    })
  }

  it('writes long runs in a few bytes and short ones bit-packed', () => {
    const out = new ByteWriter()
    const hybrid = new HybridWriter()
    hybrid.begin(out, 3)
    hybrid.run(5, 60_000)
    hybrid.run(5, 70_000)
    hybrid.end()
    expect([...out.view()]).toEqual([0xa0, 0xef, 0x0f, 5])
    out.clear()
    hybrid.begin(out, 1)
    for (let i = 0; i < 16; i++) hybrid.run(i & 1, 1)
    hybrid.end()
    expect([...out.view()]).toEqual([(2 << 1) | 1, 0xaa, 0xaa])
  })
})

describe('the bit width', () => {
  it('is the least that holds every index, and at least 1', () => {
    expect(bitWidthOf(1)).toBe(1)
    for (let bits = 1; bits <= 24; bits++) {
      expect(bitWidthOf(2 ** bits)).toBe(bits)
      expect(bitWidthOf(2 ** bits + 1)).toBe(bits + 1)
    }
  })
})
