import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { Terminal } from '../../../src/cli/output/terminal.js'
import { QueryProgress } from '../../../src/cli/query-progress.js'
import { FakeStream } from './fake-io.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function watched({ isTTY = true, quiet = false } = {}) {
  const stream = new FakeStream(isTTY)
  const progress = new QueryProgress({ quiet, terminal: new Terminal(stream, paletteFor('never', stream, {})) })
  return { stream, progress }
}

describe('a query that takes its time', () => {
  it('says after two seconds that it is going on, with the rows that have come, and how to end it', () => {
    const { stream, progress } = watched()
    vi.advanceTimersByTime(1_900)
    expect(stream.text).toBe('')
    vi.advanceTimersByTime(600)
    expect(stream.text).toContain('asking for 2 s (Ctrl-C ends it)')
    progress.add(2_048)
    progress.add(952)
    vi.advanceTimersByTime(1_000)
    expect(stream.text).toContain('asking for 3 s, 3,000 rows (Ctrl-C ends it)')
    progress.end()
    const { text } = stream
    vi.advanceTimersByTime(10_000)
    expect(stream.text).toBe(text)
  })

  it.each([{ isTTY: false }, { quiet: true }])('says nothing where nobody watches: %o', (where) => {
    const { stream } = watched(where)
    vi.advanceTimersByTime(10_000)
    expect(stream.text).toBe('')
  })
})
