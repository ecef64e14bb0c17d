import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchBounds, batchRanges, batchSizes, bytesOfRows } from '../../../src/star/fact-batches.js'

const files = fc.array(fc.record({ bytes: fc.nat({ max: 30_000 }) }), { maxLength: 200 })
const bounds = fc.record({ bytes: fc.nat({ max: 100_000 }), files: fc.integer({ min: 1, max: 40 }) })

describe('the batches of fact files', () => {
  it('hold every file once, in the order of the files', () => {
    fc.assert(
      fc.property(files, bounds, (given, within) => {
        const staged = batchRanges(batchSizes(given, within)).flatMap(({ from, to }) =>
          given.slice(from, to).map((_, i) => from + i),
        )
        expect(staged).toEqual(given.map((_, i) => i))
      }),
    )
  })

  it('stay within the bounds, but for a file that is larger by itself', () => {
    fc.assert(
      fc.property(files, bounds, (given, within) => {
        for (const { from, to } of batchRanges(batchSizes(given, within))) {
          const bytes = given.slice(from, to).reduce((sum, file) => sum + bytesOfRows(file.bytes), 0)
          expect(to - from).toBeLessThanOrEqual(within.files)
          expect(to - from === 1 || bytes <= within.bytes).toBe(true)
        }
      }),
    )
  })

  it('are as few as that allows: no two neighbours would fit into one', () => {
    fc.assert(
      fc.property(files, bounds, (given, within) => {
        const ranges = batchRanges(batchSizes(given, within))
        for (const [i, { from }] of ranges.slice(0, -1).entries()) {
          const next = given.slice(from, (ranges[i + 1]?.from ?? 0) + 1)
          const bytes = next.reduce((sum, file) => sum + bytesOfRows(file.bytes), 0)
          expect(next.length > within.files || bytes > within.bytes).toBe(true)
        }
      }),
    )
  })

  it('are one for the one file there is, however large, and none for none', () => {
    expect(batchSizes([{ bytes: 10 ** 12 }], batchBounds(64))).toEqual([1])
    expect(batchSizes([], batchBounds(64))).toEqual([])
  })

  it('are one for 10,000 files of 14 KB, and each file by itself where that is asked for', () => {
    const small = Array.from({ length: 10_000 }, () => ({ bytes: 14_000 }))
    expect(batchSizes(small, batchBounds(64))).toEqual([10_000])
    expect(batchSizes(small, batchBounds(0))).toHaveLength(10_000)
  })

  it('have a bounded number of files, however small these are', () => {
    const tiny = Array.from({ length: 25_000 }, () => ({ bytes: 4_000 }))
    expect(batchSizes(tiny, batchBounds(64))).toEqual([10_000, 10_000, 5_000])
  })
})
