import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { displayWidth } from '../../../src/cli/output/display-width.js'
import { selectRows } from '../../../src/cli/row-filter.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { type FakeAnswer, fakeServices } from './fake-runs.js'

const LONG = 'An office visit of a patient who is known, with a decision of low complexity'

const ANSWER: FakeAnswer = {
  columns: [
    { name: 'payer_slug', type: 'VARCHAR' },
    { name: 'code', type: 'VARCHAR' },
    { name: 'negotiated_rate', type: 'DOUBLE' },
    { name: 'code_description', type: 'VARCHAR' },
    { name: 'npi', type: 'VARCHAR' },
    { name: 'fact_uid', type: 'VARCHAR' },
    { name: 'pos_members', type: 'VARCHAR[]' },
  ],
  rows: [
    ['acme', '99213', 12.5, LONG, '9000000001', 'f'.repeat(32), ['11', '22']],
    ['acme', '\u001b[2J', null, LONG, null, 'e'.repeat(32), null],
  ],
}

async function show(words: readonly string[], terminalOutput = false, answer: FakeAnswer = ANSWER) {
  workIn(testFolder())
  const io = new FakeIo({ NO_COLOR: '1' }, { terminalOutput })
  const code = await main(['show', ...words, '-c', configFile('')], io, fakeServices(undefined, { answer }))
  return { code, out: io.stdout.text, err: io.stderr.text }
}

describe('show', () => {
  it('gives a terminal whole columns that fit in its width, those that tell rows apart first', async () => {
    const { code, out, err } = await show([], true)
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      `${'fact_uid'.padEnd(32)}  npi         code       negotiated_rate`,
      `${'─'.repeat(32)}  ${'─'.repeat(10)}  ${'─'.repeat(9)}  ${'─'.repeat(15)}`,
      `${'f'.repeat(32)}  9000000001  99213                 12.5`,
      `${'e'.repeat(32)}  NULL        \\u001b[2J             NULL`,
      '',
    ])
    expect(err).toContain('2 rows; 3 more columns: --vertical, --columns')
  })

  it('ends a long text after a word', async () => {
    const columns = [{ name: 'code_description', type: 'VARCHAR' }]
    const { out } = await show(['--columns', 'code_description'], true, { columns, rows: [[LONG], ['x'.repeat(99)]] })
    expect(out.split('\n').slice(2, 4)).toEqual(['An office visit of a patient …', `${'x'.repeat(31)}…`])
  })

  it('shows all columns one below the other on request, broken between words only', async () => {
    const { out } = await show(['--vertical'], true)
    const lines = out.split('\n')
    expect(lines.slice(0, 5)).toEqual([
      'row 1',
      'payer_slug        acme',
      'code              99213',
      'negotiated_rate   12.5',
      'code_description  An office visit of a patient who is known, with a decision of',
    ])
    expect(lines[5]).toBe(`${' '.repeat(18)}low complexity`)
    expect(lines.filter((line) => displayWidth(line) > 80)).toEqual([])
    expect(out).not.toContain('\u001b')
  })

  it('gives a pipe all columns', async () => {
    const { out } = await show([])
    expect(out.split('\n')[0]).toBe(
      'payer_slug  code       negotiated_rate  code_description                                              npi         fact_uid                          pos_members',
    )
    expect((await show(['-o', 'csv'])).out.split('\r\n')[0]).toBe(ANSWER.columns?.map(({ name }) => name).join(','))
  })

  it.each([
    [['--where', 'stat=TX'], 'Did you mean state?'],
    [['--columns', 'npi,payer_slugg'], 'Did you mean payer_slug?'],
    [['--where', 'state'], '--where state=MN'],
    [['--where', '=MN'], '--where state=MN'],
    [['--where', 'negotiated_rate=much'], '--where negotiated_rate=12.5'],
    [['--where', 'negotiated_rate=Infinity'], '--where negotiated_rate=12.5'],
    [['--where', 'is_above_medicare=1'], '--where is_above_medicare=true'],
    [['--limit', '0'], 'from 1 to 1000'],
    [['--limit', '1e3'], 'from 1 to 1000'],
  ])('refuses %j and says what was meant', async (words, meant) => {
    const { code, out, err } = await show(words)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('ETL3-CL-01')
    expect(err).toContain(meant)
  })
})

describe('the statement of a preview', () => {
  it('has every value as a literal of its column’s type, quoted', () => {
    const where = [
      "state=O'Brien=1",
      'STATE=',
      'negotiated_rate=1e3',
      'negotiated_rate=',
      'pos_members=11',
      'is_above_medicare=TRUE',
    ]
    expect(selectRows('t"x', { where, columns: undefined, limit: 3 })).toBe(
      `SELECT * FROM "t""x" WHERE "state" = 'O''Brien=1' AND ("state" IS NULL OR "state" = '') ` +
        `AND "negotiated_rate" = CAST('1000' AS DOUBLE) AND "negotiated_rate" IS NULL ` +
        `AND contains("pos_members", '11') AND "is_above_medicare" = true LIMIT 3`,
    )
    expect(selectRows('t', { where: [], columns: 'npi, code', limit: 10 })).toBe(
      'SELECT "npi", "code" FROM "t" LIMIT 10',
    )
  })
})
