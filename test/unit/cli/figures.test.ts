import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellWord } from '../../../src/cli/output/command-to-try.js'
import { bytesText, countOf, countText, percentText, secondsText } from '../../../src/cli/output/figures.js'
import { jsonText } from '../../../src/cli/output/json-text.js'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { FakeStream } from './fake-io.js'

describe('figures', () => {
  it('are written as people read them', () => {
    expect(countText(1_444_461)).toBe('1,444,461')
    expect([countOf(1, 'row'), countOf(0, 'row')]).toEqual(['1 row', '0 rows'])
    expect([12, 1234.5, -9_876_543.21].map(countText)).toEqual(['12', '1,234.5', '-9,876,543.21'])
    expect([0, 999, 1000, 1536, 999_949, 999_950, 355.0e6, 2e12, 3e15].map(bytesText)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.0 KB',
      '1.5 KB',
      '999.9 KB',
      '1.0 MB',
      '355.0 MB',
      '2.0 TB',
      '3000.0 TB',
    ])
    expect([0, 0.44, 59.9, 59.96, 60, 185, 3599.6, 7620].map(secondsText)).toEqual([
      '0.0 s',
      '0.4 s',
      '59.9 s',
      '1 min 00 s',
      '1 min 00 s',
      '3 min 05 s',
      '1 h 00 min',
      '2 h 07 min',
    ])
  })

  it('never say 100 % before all is done', () => {
    expect([percentText(0, 10), percentText(999_999, 1_000_000), percentText(10, 10), percentText(0, 0)]).toEqual([
      '0 %',
      '99 %',
      '100 %',
      '100 %',
    ])
  })
})

describe('a word for the shell', () => {
  it('comes out of the shell as it went in', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !text.includes('\0')),
        (text) => {
          const printed = execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })
          expect(printed).toBe(text)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('JSON on stdout', () => {
  it('is the same value, without any control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = jsonText(value)
        expect(JSON.parse(text)).toBe(value)
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
    )
    expect(jsonText('\u009B2J')).toBe('"\\u009b2J"\n')
  })
})

describe('colours', () => {
  const terminal = new FakeStream(true)
  it('are for terminals, unless NO_COLOR or --color say otherwise', () => {
    expect(paletteFor('auto', terminal, {}).isColorSupported).toBe(true)
    expect(paletteFor('auto', new FakeStream(false), {}).isColorSupported).toBe(false)
    expect(paletteFor('auto', terminal, { NO_COLOR: '1' }).isColorSupported).toBe(false)
    expect(paletteFor('auto', terminal, { NO_COLOR: '' }).isColorSupported).toBe(true)
    expect(paletteFor('auto', terminal, { TERM: 'dumb' }).isColorSupported).toBe(false)
    expect(paletteFor('always', new FakeStream(false), { NO_COLOR: '1' }).isColorSupported).toBe(true)
    expect(paletteFor('never', terminal, {}).isColorSupported).toBe(false)
  })
})
