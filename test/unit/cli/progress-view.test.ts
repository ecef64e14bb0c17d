import { describe, expect, it } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { LiveView, PlainView } from '../../../src/cli/output/progress-view.js'
import { RateMeter } from '../../../src/cli/output/rate-meter.js'
import { Terminal } from '../../../src/cli/output/terminal.js'
import { withPendingWork } from '../../../src/cli/runs/live-progress.js'
import type { PhaseProgress, Progress } from '../../../src/contract/messages.js'
import { FakeStream } from './fake-io.js'
import { WRITING } from './fake-runs.js'

const NO_COLOURS = paletteFor('never', new FakeStream(), {})

const ESC = '\u001B'
const TOKEN = new RegExp(`${ESC}\\[\\d*[A-Za-z]|\\r|\\n|[^${ESC}\\r\\n]+`, 'g')
const UP = new RegExp(`^${ESC}\\[(\\d+)A$`)

/** A screen that understands what the terminal writes: text, newlines, "n rows up", "erase below", colours. */
function screenOf(text: string, columns: number): string[] {
  const rows: string[] = ['']
  let row = 0
  for (const [token] of text.matchAll(TOKEN)) {
    const up = UP.exec(token)
    if (up) row -= Number(up[1])
    else if (token === '\u001B[0J') rows.splice(row, rows.length, '')
    else if (token === '\n') {
      row += 1
      rows[row] ??= ''
    } else if (!token.startsWith('\u001B') && token !== '\r') {
      // A line that is too long would wrap and shift everything below it.
      if (token.length >= columns) throw new Error(`the line is too long for the screen: ${token}`)
      rows[row] = token
    }
    if (row < 0) throw new Error('the cursor left the screen')
  }
  return rows.filter((line, index) => line !== '' || index < rows.length - 1)
}

function live(columns = 80, rows = 24) {
  const stream = new FakeStream(true, columns, rows)
  const terminal = new Terminal(stream, NO_COLOURS)
  return { terminal, view: new LiveView(terminal), screen: () => screenOf(stream.text, columns) }
}

describe('the live picture', () => {
  it('shows phases, rows, speed, time left and memory', () => {
    const { view, screen } = live()
    view.show({ ...WRITING, rows: { done: 150_000, total: 1_000_000 } }, 12_000)
    view.show(WRITING, 14_000)
    const [validate, write, rows, units, memory, ...rest] = screen()
    expect(validate).toBe('✓ validate          1.1 s  12 tables')
    expect(write).toMatch(/^\S write {12}12\.0 s$/)
    // 100,000 rows in 2 s; 750,000 are left.
    expect(rows).toMatch(/^ {2}━{5}─{15} {2}25 % {2}250,000 of 1,000,000 rows, about 15\.0 s left$/)
    expect(units).toMatch(/^ +unit 3 of 12, 50,000 rows\/s$/)
    expect(memory).toBe('  memory: 256 of 512 MB at the peak')
    expect(rest).toEqual([])
  })

  it('says why a step is tried again, in one line that holds no control characters', () => {
    const { view, screen } = live(100)
    const retries = [{ step: 'writePartitions', attempt: 3, reason: 'read ECONNRESET\u001B[2J\nat Socket' }]
    view.show({ ...WRITING, retries }, 12_000)
    expect(screen().at(-1)).toMatch(/^ {2}writePartitions: attempt 3, the one before failed: read ECONNRESET\S*$/)
    view.show({ ...WRITING, retries: [] }, 13_000)
    expect(screen().join('\n')).not.toContain('attempt')
  })

  it('has no peak that falls, and none below what is used now', () => {
    const { view, screen } = live()
    const lines = [200, 400, 100].map((memoryMb, i) => {
      view.show(withPendingWork(WRITING, [{ phase: 'write', memoryMb }]), 3_000 + i)
      return screen().at(-1)
    })
    expect(lines).toEqual([
      '  memory: 200 MB now, 256 of 512 MB at the peak',
      '  memory: 400 MB now, 400 of 512 MB at the peak',
      '  memory: 100 MB now, 400 of 512 MB at the peak',
    ])
  })

  it('has a bar for the files that are staged, where there are several', () => {
    const { view, screen } = live()
    const staging = { ...WRITING, phase: 'stage', phases: [] } as const
    view.show({ ...staging, files: { done: 3, total: 12 } }, 3_000)
    expect(screen()[0]).toBe('  ━━━━━───────────────  25 %  3 of 12 files')
    view.show({ ...staging, files: { done: 0, total: 1 } }, 4_000)
    expect(screen()).toEqual(['  memory: 256 of 512 MB at the peak'])
  })

  it('is replaced by each look, and lines from elsewhere land above it', () => {
    const { terminal, view, screen } = live()
    view.show(WRITING, 3_000)
    terminal.notice('one')
    view.show(WRITING, 4_000)
    terminal.warn('two\u001B[2J')
    view.show(WRITING, 5_000)
    const lines = screen()
    expect(lines.slice(0, 2)).toEqual(['one', 'warning: two\\u001b[2J'])
    expect(lines).toHaveLength(2 + 5)
  })

  it('never wraps, so that a narrow screen is not littered', () => {
    const { view, screen } = live(40)
    for (let ms = 3_000; ms < 9_000; ms += 500) view.show(WRITING, ms)
    expect(screen()).toHaveLength(5)
  })

  it('shows its last lines on a low screen, so that no line is out of reach', () => {
    const { view, screen } = live(80, 4)
    for (let ms = 3_000; ms < 9_000; ms += 500) view.show(WRITING, ms)
    expect(screen()).toHaveLength(3)
    expect(screen().at(-1)).toContain('memory: 256 of 512 MB')
  })

  it('says when it waits for a worker, and when nobody answers any more', () => {
    const { view, screen } = live()
    view.show(undefined, 0)
    expect(screen().join()).toContain('waiting for a worker')
    view.show(WRITING, 3_000)
    view.show(undefined, 4_000)
    expect(screen().at(-1)).toBe('  no answer from a worker just now')
  })

  it('says when the run is paused', () => {
    const { view, screen } = live()
    view.show({ ...WRITING, paused: true }, 3_000)
    expect(screen().at(-1)).toContain('paused')
  })

  it('leaves one line for each phase', () => {
    const { view, screen } = live()
    view.show(WRITING, 3_000)
    view.end({ ...WRITING, phases: WRITING.phases.map((one) => ({ ...one, state: 'done', seconds: 2 })) }, 4_000)
    expect(screen()).toEqual(['✓ validate          2.0 s  12 tables', '✓ write             2.0 s'])
  })

  it('shows control sequences in details instead of obeying them', () => {
    const { view, screen } = live()
    const phases: PhaseProgress[] = [
      { phase: 'stage', state: 'done', startedAtMs: 0, seconds: 1, detail: '\u001B[2Jx\n' },
    ]
    view.show({ ...WRITING, phase: 'stage', phases }, 3_000)
    expect(screen()[0]).toContain('\\u001b[2Jx\\n')
  })
})

describe('progress where nobody watches', () => {
  function plain() {
    const lines: string[] = []
    return { lines, view: new PlainView((line) => lines.push(line)) }
  }

  it('is one line for each phase that ends, once', () => {
    const { lines, view } = plain()
    for (let ms = 0; ms < 5_000; ms += 500) view.show(WRITING, ms)
    expect(lines).toEqual(['validate: done in 1.1 s: 12 tables'])
    const done: Progress = {
      ...WRITING,
      phase: 'audit',
      phases: [
        ...WRITING.phases.slice(0, 1),
        { phase: 'write', state: 'done', startedAtMs: 2_000, seconds: 65, detail: '1,000,000 rows' },
        { phase: 'audit', state: 'failed', startedAtMs: 67_000, seconds: 0.5, detail: 'partition x differs' },
      ],
    }
    view.show(done, 5_500)
    view.end(done, 6_000)
    expect(lines.slice(1)).toEqual([
      'write: done in 1 min 05 s: 1,000,000 rows',
      'audit: failed in 0.5 s: partition x differs',
    ])
  })

  it('is at most one line in ten seconds about a phase that goes on', () => {
    const { lines, view } = plain()
    for (let second = 0; second <= 60; second += 0.5) {
      view.show({ ...WRITING, rows: { done: second * 1_000, total: 100_000 } }, 2_000 + second * 1_000)
    }
    expect(lines).toHaveLength(1 + 6)
    expect(lines.at(-1)).toBe(
      'write: running for 1 min 00 s, 60,000 of 100,000 rows (60 %), 1,000 rows/s, about 40.0 s left, 256 of 512 MB',
    )
  })

  it('says of each further attempt of a step why it is needed, once', () => {
    const { lines, view } = plain()
    for (const attempt of [2, 2, 3]) {
      view.show({ ...WRITING, retries: [{ step: 'auditObjects', attempt, reason: 'no such table\nat Engine' }] }, 500)
    }
    expect(lines.slice(1)).toEqual([
      'auditObjects: attempt 2, the one before failed: no such table',
      'auditObjects: attempt 3, the one before failed: no such table',
    ])
  })

  it('says that it waits while there is no worker', () => {
    const { lines, view } = plain()
    for (let second = 0; second <= 25; second++) view.show(undefined, second * 1_000)
    expect(lines).toEqual(['waiting for a worker', 'waiting for a worker'])
  })
})

describe('the rate', () => {
  it('is that of the last fifteen seconds', () => {
    const meter = new RateMeter()
    for (let second = 0; second <= 60; second++) meter.add(second * 10, second * 1_000)
    for (let second = 61; second <= 80; second++) meter.add(600 + (second - 60) * 40, second * 1_000)
    expect(meter.perSecond()).toBeCloseTo(40)
  })

  it('is unknown at first, while nothing moves, and after the count has fallen', () => {
    const meter = new RateMeter()
    expect(meter.perSecond()).toBeUndefined()
    meter.add(5, 0)
    expect(meter.perSecond()).toBeUndefined()
    meter.add(5, 5_000)
    expect(meter.perSecond()).toBeUndefined()
    meter.add(25, 10_000)
    expect(meter.perSecond()).toBe(2)
    meter.add(0, 11_000)
    expect(meter.perSecond()).toBeUndefined()
    meter.add(10, 13_000)
    meter.add(5_000, 15_000, 'rows')
    expect(meter.perSecond()).toBeUndefined()
  })
})
