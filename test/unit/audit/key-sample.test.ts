import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeySample } from '../../../src/audit/key-sample.js'

describe('a sample of keys', () => {
  it('holds all rows of some keys, never more rows than it may, whatever comes in which order', () => {
    const key = fc.integer({ min: 0, max: 60 }).map((n) => `key ${n}`)
    fc.assert(
      fc.property(fc.array(key, { maxLength: 600 }), fc.integer({ min: 1, max: 200 }), (keys, most) => {
        const sample = new KeySample(most)
        for (const one of keys) sample.add(one)
        expect(keys.filter((one) => sample.has(one)).length).toBeLessThanOrEqual(most)
        const again = new KeySample(most)
        for (const one of keys.toReversed()) again.add(one)
        // What fits is held whole, and the order decides nothing.
        if (keys.length <= most) expect(keys.every((one) => sample.has(one))).toBe(true)
        expect(keys.map((one) => again.has(one))).toEqual(keys.map((one) => sample.has(one)))
      }),
    )
  })

  it('keeps at least a good part of what fits', () => {
    const sample = new KeySample(10_000)
    const keys = Array.from({ length: 61_709 }, (_, i) => `${99_200 + (i % 1_200)}`)
    for (const one of keys) sample.add(one)
    expect(keys.filter((one) => sample.has(one)).length).toBeGreaterThan(3_000)
  })
})
