import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { LiveView } from '../../../src/cli/output/progress-view.js'
import { Terminal } from '../../../src/cli/output/terminal.js'
import { colouredWidth, cutLine, wrapLine } from '../../../src/cli/output/wrapped-line.js'
import { FakeStream } from './fake-io.js'
import { WRITING } from './fake-runs.js'

const COLOURS = paletteFor('always', new FakeStream(true), {})
const PLANNED =
  '1,444,461 rows in 29,425 partitions: 29,425 new, 0 changed, 0 kept, 0 removed; 12 of 300 files of the analytics table to write'
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

const line = fc
  .array(fc.stringMatching(/^[a-z0-9,.%東]{1,12}$/), { minLength: 1, maxLength: 30 })
  .map((list) => list.join(' '))
const columns = fc.integer({ min: 40, max: 130 })

describe('a line that is too long for the screen', () => {
  it('is broken between words only, into rows that fit', () => {
    fc.assert(
      fc.property(line, columns, fc.integer({ min: 0, max: 27 }), (text, width, indent) => {
        const wrapped = wrapLine(text, width, indent)
        expect(words(wrapped)).toEqual(words(text))
        for (const row of wrapped.split('\n')) {
          const [, more] = words(row)
          if (more !== undefined) expect(colouredWidth(row)).toBeLessThanOrEqual(width)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is cut behind a word, and says so', () => {
    fc.assert(
      fc.property(line, columns, (text, width) => {
        const cut = cutLine(text, width)
        expect(colouredWidth(cut)).toBeLessThanOrEqual(width)
        if (cut !== text) expect(words(text).slice(0, words(cut).length - 1)).toEqual(words(cut).slice(0, -1))
        if (cut !== text) expect(cut).toMatch(/ …$/)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps a number with its unit, and takes no column for a colour', () => {
    expect(wrapLine('memory     336 MB at the peak, limit 1,024 MB', 42, 11)).toBe(
      'memory     336 MB at the peak, limit\n           1,024 MB',
    )
    expect(wrapLine(`${COLOURS.yellow('warning:')} one two`, 16, 2)).toBe(`${COLOURS.yellow('warning:')} one two`)
    expect(cutLine(`${COLOURS.green('one two')} three`, 8)).toBe('\u001B[32mone …\u001B[0m')
  })

  it.each([60, 120])('has no torn figure among the steps of a run at %i columns', (width) => {
    const stream = new FakeStream(true, width)
    const phases = [{ phase: 'plan', state: 'done', startedAtMs: 0, seconds: 1.5, detail: PLANNED }] as const
    new LiveView(new Terminal(stream, paletteFor('never', stream, {}))).end({ ...WRITING, phases }, 2_000)
    expect(words(stream.text)).toEqual(words(`✓ plan 1.5 s ${PLANNED}`))
    const [first, ...rows] = stream.lines
    expect(first?.indexOf('1,444,461')).toBe(27)
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toMatch(/^ {27}\S/)
    for (const row of stream.lines) expect(row.length).toBeLessThanOrEqual(width)
  })
})
