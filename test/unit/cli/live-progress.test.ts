import { describe, expect, it } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { liveLines, PlainView } from '../../../src/cli/output/progress-view.js'
import { Terminal } from '../../../src/cli/output/terminal.js'
import { parseHeartbeat } from '../../../src/cli/runs/heartbeat.js'
import { countedWork, withPendingWork } from '../../../src/cli/runs/live-progress.js'
import { FakeStream } from './fake-io.js'
import { WRITING } from './fake-runs.js'

const PALETTE = paletteFor('never', new FakeStream(), {})
const picture = { nowMs: 3_000, perSecond: undefined, answering: true, spinner: '·', palette: PALETTE }

describe('progress with pending work', () => {
  it('counts the rows of unfinished units, once each and never more than there are', () => {
    const beats = [
      { phase: 'write', rows: 1_000, partitions: 3, memoryMb: 200 },
      { phase: 'write', rows: 500, partitions: 2, memoryMb: 180 },
    ]
    const live = withPendingWork(WRITING, beats)
    expect(live.rows).toEqual({ done: 251_500, total: 1_000_000 })
    expect(live.partitions).toEqual({ done: 105, total: 400 })
    expect(live.memoryMb).toBe(200)
    expect(withPendingWork(WRITING, [{ phase: 'write', rows: 9_999_999 }]).rows.done).toBe(1_000_000)
  })

  it('does not take the heartbeat of another phase for rows of this one', () => {
    expect(withPendingWork(WRITING, [{ phase: 'plan', rows: 7 }]).rows).toEqual(WRITING.rows)
  })

  it('ignores details that no activity of ETL3 sends', () => {
    for (const details of [undefined, null, 'x', {}, { phase: 'write', rows: 'many' }, { phase: 'write', rows: -1 }]) {
      expect(parseHeartbeat(details)).toBeUndefined()
    }
    expect(parseHeartbeat({ phase: 'write', rows: 1, other: true })).toEqual({ phase: 'write', rows: 1 })
  })

  it('counts partitions in the audit and the publication', () => {
    const audit = withPendingWork({ ...WRITING, phase: 'audit' }, [{ phase: 'audit', memoryMb: 100 }])
    expect(countedWork(audit)).toEqual({ done: 100, total: 400, noun: 'partitions' })
    const publish = withPendingWork({ ...WRITING, phase: 'publish' }, [{ phase: 'publish', partitions: 20 }])
    expect(countedWork(publish)).toEqual({ done: 120, total: 400, noun: 'partitions' })
    expect(countedWork({ ...WRITING, phase: 'stage' })).toBeUndefined()
  })

  it('counts the rows of the analytics table once all partitions are written', () => {
    const units = { done: 12, total: 12 }
    const rows = { done: 1_000_000, total: 1_000_000 }
    const analyticsRows = { done: 250_000, total: 1_000_000 }
    const beats = [{ phase: 'write', rows: 50_000, file: 3 }]
    const live = withPendingWork({ ...WRITING, units, rows, analyticsRows }, beats)
    expect(live.rows).toEqual(rows)
    expect(countedWork(live)).toEqual({ done: 300_000, total: 1_000_000, noun: 'rows', of: 'the analytics table' })
    const lines = liveLines(live, { ...picture, perSecond: 100_000 })
    expect(lines.join('\n')).toContain(' 30 %  300,000 of 1,000,000 rows, about 7.0 s left')
    expect(lines.join('\n')).toContain('  the analytics table, 100,000 rows/s')
    const said: string[] = []
    const plain = new PlainView((line) => said.push(line))
    for (const nowMs of [0, 20_000]) plain.show(live, nowMs)
    expect(said.at(-1)).toContain('300,000 of 1,000,000 rows of the analytics table (30 %)')
    const before = withPendingWork({ ...WRITING, analyticsRows: { done: 0, total: 1_000_000 } }, beats)
    expect(countedWork(before)).toEqual({ done: 300_000, total: 1_000_000, noun: 'rows' })
    const kept = withPendingWork({ ...WRITING, units, rows, analyticsRows: { done: 0, total: 0 } }, [])
    expect(countedWork(kept)).toEqual({ ...rows, noun: 'rows' })
  })

  it('shows the memory of now beside the peak, and the speed of what the phase counts', () => {
    const live = withPendingWork({ ...WRITING, phase: 'publish' }, [
      { phase: 'publish', partitions: 20, memoryMb: 128 },
    ])
    const lines = liveLines(live, { ...picture, perSecond: 4 })
    expect(lines.join('\n')).toContain(' 30 %  120 of 400 partitions, about 1 min 10 s left')
    expect(lines.join('\n')).toContain('4.0 partitions/s')
    expect(lines.join('\n')).toContain('  memory: 128 MB now, 256 of 512 MB at the peak')
  })

  it('says it in a plain line elsewhere', () => {
    const lines: string[] = []
    const view = new PlainView((line) => lines.push(line))
    view.show(withPendingWork({ ...WRITING, phase: 'publish' }, []), 0)
    view.show(withPendingWork({ ...WRITING, phase: 'publish' }, [{ phase: 'publish', partitions: 20 }]), 20_000)
    expect(lines.at(-1)).toContain('120 of 400 partitions (30 %), 1.0 partitions/s, about 4 min 40 s left')
  })
})

describe('the terminal', () => {
  it('counts columns, not letters, so that wide ones do not wrap', () => {
    const stream = new FakeStream(true, 10, 24)
    new Terminal(stream, PALETTE).live(['東東東東東東東東'])
    expect(stream.text).toBe('東東東東…\n')
  })

  it('erases all of a region that a narrower window has wrapped', () => {
    const screen = { columns: 40 }
    const stream = new FakeStream(true)
    Object.defineProperty(stream, 'columns', { get: () => screen.columns })
    const terminal = new Terminal(stream, PALETTE)
    terminal.live(['x'.repeat(30), 'y'])
    screen.columns = 10
    stream.text = ''
    terminal.live(['z'])
    // Thirty letters take three rows of ten columns; with the short line that makes four.
    expect(stream.text.startsWith('\u001B[4A\r\u001B[0J')).toBe(true)
  })
})
