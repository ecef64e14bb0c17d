import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { giveSignsOfLife } from '../../../../src/runtime/worker/sign-of-life.js'

const MORE_THAN_ONE_TURN_MS = 11_000

describe('signs of life', () => {
  let folder: string

  beforeEach(() => {
    vi.useFakeTimers()
    folder = mkdtempSync(join(tmpdir(), 'etl3-sign-'))
  })

  afterEach(() => {
    vi.useRealTimers()
    rmSync(folder, { recursive: true, force: true })
  })

  it('come again and again, and end with the work', () => {
    const file = join(folder, 'state', `alive-${process.pid}`)
    const end = giveSignsOfLife(join(folder, 'state'))
    expect(statSync(file).size).toBe(0)
    rmSync(file)
    vi.advanceTimersByTime(MORE_THAN_ONE_TURN_MS)
    expect(statSync(file).size).toBe(0)

    end()
    vi.advanceTimersByTime(MORE_THAN_ONE_TURN_MS)
    expect(readdirSync(join(folder, 'state'))).toEqual([])
  })

  it('end no work when their folder is gone', () => {
    const end = giveSignsOfLife(join(folder, 'state'))
    rmSync(join(folder, 'state'), { recursive: true })
    vi.advanceTimersByTime(MORE_THAN_ONE_TURN_MS)
    end()
    expect(readdirSync(folder)).toEqual([])
  })
})
