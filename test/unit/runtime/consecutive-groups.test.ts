import fc from 'fast-check'
import { expect, it } from 'vitest'
import { consecutiveGroups } from '../../../src/runtime/consecutive-groups.js'

const weights = fc.array(fc.nat(20), { maxLength: 40 })

it('every item is in exactly one group, in its order', () => {
  fc.assert(
    fc.property(weights, fc.nat(50), fc.integer({ min: 1, max: 5 }), (items, weight, most) => {
      expect(consecutiveGroups(items, (w) => w, { weight, items: most }).flat()).toEqual(items)
    }),
  )
})

it('no group is beyond its bounds, unless one item is; and none is begun before the next item did not fit', () => {
  fc.assert(
    fc.property(weights, fc.nat(50), fc.integer({ min: 1, max: 5 }), (items, weight, most) => {
      const groups = consecutiveGroups(items, (w) => w, { weight, items: most })
      const sum = (group: readonly number[]): number => group.reduce((a, b) => a + b, 0)
      for (const [i, group] of groups.entries()) {
        expect(group.length === 1 || (group.length <= most && sum(group) <= weight)).toBe(true)
        const [next] = groups[i + 1] ?? []
        if (next !== undefined) expect(group.length === most || sum(group) + next > weight).toBe(true)
      }
    }),
  )
})
