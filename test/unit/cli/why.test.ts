import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import type { FollowedFact, FollowedProvider, FollowedRow } from '../../../src/history/followed-row.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

const PARTITION = {
  key: 'state=MN/f.parquet',
  address: '/t/state=MN/f.parquet',
  rows: 2,
  writtenBy: 'r1',
  writtenAt: null,
}

const FACT: FollowedFact = {
  kind: 'fact',
  id: 'abc',
  missingRoot: null,
  published: { runId: 'r2', publishedAt: '2026-02-03T04:05:06.000Z' },
  input: {
    looked: true,
    rows: 1,
    files: 1,
    examples: [
      {
        file: '/in/facts.parquet',
        fileState: 'as read',
        pgUid: 'g1',
        payerSlug: 'acme',
        billingClass: '',
        codeType: 'CPT',
        code: '99213',
        yearMonth: '2026-01',
        state: null,
        negotiatedType: 'negotiated',
        negotiatedRate: 12.5,
      },
    ],
  },
  screen: { looked: true, setAside: [], quarantine: '/m/q.parquet' },
  groups: { looked: true, groups: [{ pgUid: 'g1', providers: 2, described: 1 }] },
  rowsDue: 2,
  inputChanged: false,
  table: { rows: 2, partitions: [PARTITION] },
}

const PROVIDER: FollowedProvider = {
  kind: 'npi',
  missingRoot: null,
  id: '9000000001',
  valid: true,
  published: FACT.published,
  dimension: { looked: true, rows: [{ file: '/in/npi.parquet', name: 'Ada', taxonomy: '207Q00000X' }] },
  groups: { looked: true, groups: 2, examples: ['g1', 'g2'] },
  facts: { looked: true, facts: 3, setAside: 1 },
  rowsDue: 2,
  inputChanged: false,
  table: { rows: 2, partitions: [PARTITION] },
}

const NOTHING = { rows: 0, partitions: [] }

async function why(row: FollowedRow, words: readonly string[] = [], terminalOutput = false) {
  workIn(testFolder())
  const io = new FakeIo({ NO_COLOR: '1' }, { terminalOutput })
  const code = await main(['why', row.id, ...words, '-c', configFile('')], io, fakeServices(undefined, { row }))
  return { code, out: io.stdout.text, err: io.stderr.text }
}

/** The sentence of a step. */
async function says(row: FollowedRow, step: string): Promise<string> {
  const { steps }: { steps: { step: string; says: string }[] } = JSON.parse((await why(row, ['-o', 'json'])).out)
  return steps.find((one) => one.step === step)?.says ?? ''
}

describe('why', () => {
  it('tells the steps of a fact in their order, each with its reason', async () => {
    const { code, out } = await why(FACT)
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'fact abc',
      '',
      "input      1 row in /in/facts.parquet: payer acme, class '', CPT 99213, month 2026-01, market NULL, group g1, rate 12.5 (negotiated).",
      'screen     The quarantine of run r2 does not have it.',
      'providers  Group g1 has 2 providers in xref_pg_member_npi, 1 of them in dim_npi: one row for each. So 2 rows are due.',
      'table      2 rows in 1 partition, as they are since run r1.',
      '           2 rows in state=MN/f.parquet',
      'so         The table has as many rows of it as the input gives.',
      '',
    ])
  })

  it('breaks sentences between words on a terminal, and no path', async () => {
    const lines = (await why(FACT, [], true)).out.split('\n')
    expect(lines).toContain('           2 rows in state=MN/f.parquet')
    expect(lines.filter((line) => line.length > 79)).toEqual([])
    const unbroken = (await why(FACT)).out.split(/\s+/)
    expect(lines.join(' ').split(/\s+/)).toEqual(unbroken)
  })

  it('tells what is known of a provider', async () => {
    expect(await says(PROVIDER, 'dim_npi')).toBe('Ada, taxonomy 207Q00000X, in /in/npi.parquet.')
    expect(await says(PROVIDER, 'groups')).toBe('2 groups link to it in xref_pg_member_npi: g1, g2.')
    expect(await says(PROVIDER, 'facts')).toBe(
      '3 facts belong to groups of it, 1 of them set aside by the screen of run r2. So 2 rows are due.',
    )
    const lonely = {
      ...PROVIDER,
      groups: { looked: true, groups: 0, examples: [] },
      rowsDue: 0,
      table: NOTHING,
    } as const
    expect(await says(lonely, 'so')).toBe('It has no row because no group links to it.')
    expect(await says({ ...lonely, valid: false }, 'so')).toBe('It has no row because it names no provider.')
  })

  it('never says that figures agree which differ, or were not looked at', async () => {
    const table = { rows: 1, partitions: [{ ...PARTITION, rows: 1 }] }
    for (const row of [FACT, PROVIDER]) {
      expect(await says({ ...row, table, inputChanged: true }, 'so')).toBe(
        'The table has 1 row of it, and the input now gives 2. The input has changed since run r2: the next run takes it up.',
      )
      expect(await says({ ...row, table }, 'so')).toMatch(/The files are those that run r2 read: `etl3 plan --explain`/)
      expect(await says({ ...row, rowsDue: null }, 'so')).toMatch(/not known, so nothing can be compared/)
      expect(await says({ ...row, table: null, published: null }, 'so')).toMatch(/nothing is published yet/)
    }
    expect(await says({ ...FACT, input: { looked: true, rows: 0, files: 0, examples: [] }, rowsDue: 0 }, 'so')).toBe(
      'The input has lost it since run r2: the next run removes its rows.',
    )
  })

  it('says at the step, with the code, what could not be looked at', async () => {
    const input = { looked: false, code: 'ETL3-WH-02', reason: 'fact_rate lies in a bucket' } as const
    expect(await says({ ...FACT, input, rowsDue: null }, 'input')).toBe(
      'Not looked at: fact_rate lies in a bucket [ETL3-WH-02].',
    )
  })

  it('shows control characters of the data as escapes', async () => {
    const setAside = [{ rule: 'required', meaning: null, found: '\u001b[2J\n', pgUid: null }]
    const { out } = await why({ ...FACT, screen: { looked: true, setAside, quarantine: '/q' }, table: NOTHING })
    expect(out).not.toContain('\u001b')
    expect(out).toContain('rule required; found: \\u001b[2J\\n')
    expect(out).toContain('It has no row because the screen set it aside.')
  })

  it('refuses an empty id and a kind that does not exist', async () => {
    for (const words of [[''], ['x', '--as', 'payer']]) {
      const io = new FakeIo()
      expect(await main(['why', ...words], io, fakeServices(undefined))).toBe(2)
      expect(io.stderr.text).toContain('ETL3-CL-01')
    }
  })
})
