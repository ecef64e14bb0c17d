import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onAbort } from '../../../../src/lake/s3/on-abort.js'

describe('many who wait for one signal', () => {
  it('have one listener, and are all told, but who has stopped waiting', () => {
    const controller = new AbortController()
    const told: number[] = []
    const forget = [0, 1, 2].map((n) => onAbort(controller.signal, () => told.push(n)))
    forget[1]?.()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort()
    expect(told).toEqual([0, 2])
  })

  it('are told at once where the signal was aborted before', () => {
    const told: string[] = []
    onAbort(AbortSignal.abort(), () => told.push('at once'))
    expect(told).toEqual(['at once'])
  })
})
