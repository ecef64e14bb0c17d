import { describe, expect, it } from 'vitest'
import { MemoryCurve } from '../../../../src/runtime/worker/memory-curve.js'

describe('the memory curve', () => {
  it('stays small over a day, and loses no peak', () => {
    const curve = new MemoryCurve(1_000)
    for (let s = 0; s < 86_400; s++) curve.add(1_000 + 1_000 * s, s === 54_321 ? 499.2 : 200 + (s % 50))
    const { startMs, stepMs, peaksMb } = curve.record()
    expect(peaksMb.length).toBeLessThanOrEqual(240)
    expect(peaksMb.length * stepMs).toBeGreaterThanOrEqual(86_400_000 - stepMs)
    const highest = peaksMb.indexOf(500)
    expect(startMs + highest * stepMs).toBeLessThanOrEqual(1_000 + 54_321_000)
    expect(startMs + (highest + 1) * stepMs).toBeGreaterThan(1_000 + 54_321_000)
  })

  it('says where nobody looked', () => {
    const curve = new MemoryCurve(0)
    curve.add(0, 100.1)
    curve.add(350, 90)
    expect(curve.record()).toEqual({ startMs: 0, stepMs: 100, peaksMb: [101, null, null, 90] })
  })
})
