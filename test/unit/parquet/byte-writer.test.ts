import fc from 'fast-check'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/parquet/byte-writer.js'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import * as thrift from '../../../src/parquet/thrift.js'
import { columnOf, encodeAll, type Partition } from './partition.js'

/** Unsigned LEB128 by its definition, on BigInts. */
function leb128(value: number): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

describe('the buffer', () => {
  it('holds what was written, however often it grew', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }), (parts) => {
        const out = new ByteWriter(1)
        for (const part of parts) out.appendRange(part, 0, part.length)
        expect(Buffer.from(out.view())).toEqual(Buffer.concat(parts))
      }),
      { seed: 1 },
    )
  })

  it('writes varints of any safe length: files pass 2 GiB', () => {
    const limits = Array.from({ length: 53 }, (_, bits) => 2 ** bits)
    for (const value of [0, ...limits.flatMap((limit) => [limit - 1, limit, limit + 1])]) {
      const out = new ByteWriter(1)
      out.varint(value)
      expect([...out.view()]).toEqual(leb128(value))
    }
  })

  it('repeats its last bytes any number of times', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat({ max: 300 }), (pattern, times) => {
        const out = new ByteWriter(1)
        out.byte(7)
        out.append(pattern)
        out.repeatLast(pattern.length, times)
        out.byte(9)
        const expected = [7, ...Array.from({ length: times + 1 }, () => [...pattern]).flat(), 9]
        expect([...out.view()]).toEqual(expected)
      }),
      { seed: 2 },
    )
  })

  it('gives memory back when asked to', () => {
    const out = new ByteWriter(16)
    out.append(new Uint8Array(1000))
    out.shrink(64)
    expect([out.length, out.bytes.length]).toEqual([0, 64])
  })

  it('refuses what no page header can count', () => {
    const out = new ByteWriter(1)
    expect(() => out.reserve(2 ** 31)).toThrow(/2147483648 bytes \[limit=2147483647\]/)
  })
})

describe('thrift', () => {
  it('is read back by another implementation', () => {
    const out = new ByteWriter(1)
    thrift.i32(out, 0, 1, -2147483648)
    thrift.i64(out, 1, 3, 5_000_000_000)
    thrift.i64(out, 3, 4, -5_000_000_000)
    thrift.text(out, 4, 7, 'ünï')
    thrift.list(out, 7, 8, thrift.ELEMENT.I32, 14)
    for (let i = 0; i < 14; i++) thrift.zigzag(out, i)
    thrift.list(out, 8, 9, thrift.ELEMENT.I32, 15)
    for (let i = 0; i < 15; i++) thrift.zigzag(out, -i)
    thrift.struct(out, 9, 10)
    thrift.binary(out, 0, 15, 1)
    out.byte(255)
    thrift.endStruct(out)
    thrift.endStruct(out)
    const bytes = out.view().slice()
    expect(deserializeTCompactProtocol({ view: new DataView(bytes.buffer), offset: 0 })).toEqual({
      field_1: -2147483648,
      field_3: 5_000_000_000n,
      field_4: -5_000_000_000n,
      field_7: new TextEncoder().encode('ünï'),
      field_8: Array.from({ length: 14 }, (_, i) => i),
      field_9: Array.from({ length: 15 }, (_, i) => 0 - i),
      field_10: { field_15: Uint8Array.of(255) },
    })
  })
})

describe('the same values', () => {
  it('give the same bytes, whatever bits a NaN has', () => {
    const withNan = (high: number): Partition => {
      const values = new Float64Array(3)
      new DataView(values.buffer).setUint32(4, high, true)
      const stream = { from: 'numbers', stream: 0 } as const
      return {
        columns: [
          { name: 'pooled', type: 'double' },
          { name: 'numbers', type: 'double' },
        ],
        sources: [{ from: 'axis', axis: 0, pool: { kind: 'double', values, count: 3 }, valueOf: undefined }, stream],
        groups: columnOf('double', [1, 2, 3]).groups.map((group) => ({
          ...group,
          numbers: [{ grain: 'row', values, valid: undefined }],
        })),
      }
    }
    const encoder = createPartitionEncoder(withNan(0).columns)
    const quiet = encodeAll(encoder, withNan(0x7ff80000))
    expect(encodeAll(encoder, withNan(0xfff80001)).equals(quiet)).toBe(true)
    expect(encodeAll(encoder, withNan(0x7ff12345)).equals(quiet)).toBe(true)
  })
})
