import { afterEach, describe, expect, it, vi } from 'vitest'
import { backoffMs, doublingMs } from '../../../src/runtime/backoff.js'

const BOUNDS = { firstMs: 50, longestMs: 1_000 }

describe('a pause between attempts', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('doubles from the first to the longest, however many attempts there are', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 2_000].map((number) => doublingMs(number, BOUNDS))).toEqual([
      50, 100, 200, 400, 800, 1_000, 1_000, 1_000,
    ])
  })

  it.each([
    [0, 100],
    [0.5, 150],
    [1, 200],
  ])('where chance is %d, is a half to all of that', (chance, expected) => {
    vi.spyOn(Math, 'random').mockReturnValue(chance)
    expect(backoffMs(3, BOUNDS)).toBe(expected)
  })
})
