import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { isLive } from '../../../../src/runtime/temporal/pollers.js'

const NOW = 1_000_000

describe('a poller', () => {
  it('of this machine lives as long as its process', () => {
    const poller = { identity: `4711@${hostname()}`, lastSeenMs: NOW - 1_000 }
    expect(isLive(poller, NOW, (pid) => pid === 4711)).toBe(true)
    expect(isLive(poller, NOW, () => false)).toBe(false)
  })

  it('of another machine lives for as long as a poll can last', () => {
    const identity = `4711@not-${hostname()}`
    expect(isLive({ identity, lastSeenMs: NOW - 60_000 }, NOW, () => false)).toBe(true)
    expect(isLive({ identity, lastSeenMs: NOW - 71_000 }, NOW, () => true)).toBe(false)
  })

  it('whose identity says nothing counts by age', () => {
    expect(isLive({ identity: 'worker-a', lastSeenMs: NOW }, NOW, () => false)).toBe(true)
  })
})
