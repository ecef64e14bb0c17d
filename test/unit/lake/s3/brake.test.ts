import { describe, expect, it } from 'vitest'
import { Brake } from '../../../../src/lake/s3/brake.js'

/** Requests of one second that a pace lets through, from a moment on. */
function passed(brake: Brake, fromMs: number): number {
  let count = 0
  while (brake.take(fromMs) < 1000) count += 1
  return count
}

/** A brake that has seen so many requests within a second, and a refusal at its end. */
function refusedAt(requests: number): Brake {
  const brake = new Brake()
  for (let i = 0; i < requests; i++) expect(brake.take(1000 + (i * 1000) / requests)).toBe(0)
  brake.refused(2000)
  return brake
}

describe('the pace of requests to S3', () => {
  it('is free until S3 says SlowDown, then half of what it was, for all of them together', () => {
    expect(passed(refusedAt(1000), 2000)).toBeCloseTo(500, -1)
  })

  it('is halved once by the refusals of requests that were on their way together, and again by a later one', () => {
    const brake = refusedAt(1000)
    for (let i = 0; i < 100; i++) brake.refused(2000 + i)
    expect(passed(brake, 2100)).toBeCloseTo(500, -1)
    const twice = refusedAt(1000)
    twice.refused(2600)
    expect(passed(twice, 2600)).toBeCloseTo(250, -1)
  })

  it('never ends: the slowest is 200 a second', () => {
    const brake = refusedAt(10)
    for (let i = 1; i < 20; i++) brake.refused(2000 + i * 600)
    expect(passed(brake, 20_000)).toBeCloseTo(200, -1)
  })

  it('doubles within a second of answers, until it is free again', () => {
    const brake = refusedAt(1000)
    brake.served(3000)
    expect(passed(brake, 3000)).toBeCloseTo(1000, -1)
    const free = refusedAt(1000)
    for (let ms = 2000; ms <= 6000; ms += 10) free.served(ms)
    for (let i = 0; i < 20_000; i++) expect(free.take(6000)).toBe(0)
  })

  it('gives up waiting with the reason of the signal', async () => {
    const brake = new Brake()
    brake.take()
    brake.refused()
    for (let i = 0; i < 100; i++) brake.take()
    const stop = new AbortController()
    const waiting = brake.pass(stop.signal)
    stop.abort(new Error('the run is cancelled'))
    await expect(waiting).rejects.toThrow('the run is cancelled')
  })
})
