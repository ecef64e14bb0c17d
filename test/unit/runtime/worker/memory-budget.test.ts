import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeBudget, SMALLEST_WORKER_MB, splitBudget } from '../../../../src/runtime/worker/memory-budget.js'

/** Resident before any data is touched, JavaScript heap apart: measured, see memory-budget.ts. */
const PROGRAM_MB = 160

describe('the memory budget', () => {
  it('hands out each megabyte of the limit once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 448, max: 65_536 }), fc.integer({ min: 1, max: 16 }), (share, workers) => {
        const { limitMb, nodeHeapMb, engineMb, buffersMb, reserveMb } = splitBudget(share * workers, workers)
        expect(PROGRAM_MB + nodeHeapMb + engineMb + buffersMb + reserveMb).toBe(share)
        expect(limitMb).toBe(share)
      }),
    )
  })

  it('leaves the engine what it needs to sort the real star, and a reserve for its overshoot, at every limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 448, max: 65_536 }), (limit) => {
        const { engineMb, reserveMb } = splitBudget(limit, 1)
        expect(engineMb).toBeGreaterThanOrEqual(96)
        expect(reserveMb).toBeGreaterThanOrEqual(96)
      }),
    )
  })

  it('refuses a limit that cannot work, and says the smallest that can', () => {
    expect(() => splitBudget(447, 1)).toThrow(
      expect.objectContaining({ code: 'ETL3-ME-03', exitCode: 2, message: expect.stringContaining('448 MB') }),
    )
    expect(() => splitBudget(SMALLEST_WORKER_MB, 1)).not.toThrow()
  })

  it('shares the limit between workers, and refuses more of them than it can feed', () => {
    expect(splitBudget(2048, 4).limitMb).toBe(512)
    expect(() => splitBudget(1024, 4)).toThrow(
      expect.objectContaining({
        code: 'ETL3-ME-03',
        message: expect.stringContaining('1792 MB'),
        hint: expect.stringContaining('fewer --max-workers'),
      }),
    )
  })

  it('is said in one line', () => {
    expect(describeBudget(splitBudget(448, 1))).toBe(
      '448 MB = program 160 + JavaScript heap 80 + engine 96 + buffers 16 + reserve 96',
    )
  })
})
