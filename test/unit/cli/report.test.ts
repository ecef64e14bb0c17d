import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { Engine } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { PAYER_RATE_COLUMNS } from '../../../src/rates/rate-columns.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { HOSTILE, sampleReport } from '../report/sample-report.js'
import { FakeIo } from './fake-io.js'
import { CURRENT } from './fake-runs.js'

const BEFORE = '0f0f0f0f0f0f0f0f'
const AFTER = 'a1b2c3d4e5f60718'

/** A folder in which two runs have left their reports; the later one is the published one. */
function lake(): string {
  const folder = testFolder()
  workIn(folder)
  const metadata = join(folder, 'lake', 'etl3')
  const keep = (key: string, text: string): void => {
    const path = join(metadata, key)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }
  const after = sampleReport({ payers: ['blue-prairie', ...HOSTILE], states: ['TX', 'CA'], categories: ['Test'] })
  const [range] = after.rules
  if (range) after.rules = [...after.rules, { ...range, subject: 'much' }]
  const before = sampleReport(undefined, {
    result: { ...after.result, runId: BEFORE, rows: 9_000, peakMemoryMb: 380, seconds: { total: 30 } },
    work: 'another',
    rules: after.rules.flatMap((rule) => [
      // Holds in both; the share differs a little, and a lot.
      { ...rule, failed: rule.failed + 1, share: rule.share + 0.001 },
      ...(rule.name === 'rate_range' ? [{ ...rule, subject: 'much', failed: 900, share: 0.45 }] : []),
    ]),
  })
  keep('current.json', JSON.stringify({ ...CURRENT, runId: AFTER }))
  for (const report of [before, after]) {
    keep(`runs/${report.result.runId}/report.json`, JSON.stringify(report))
    keep(`runs/${report.result.runId}/report.html`, '<!doctype html>')
  }
  keep('runs/dddd/report.json', '{"formatVersion":1}')
  return folder
}

/** Leaves the rates of a run: for each hostile name a payer and a code of that name, and one code that no other run has. */
async function keepRates(run: string, median: number): Promise<void> {
  const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: testFolder() })
  try {
    await engine.run(
      `CREATE TABLE rates (${PAYER_RATE_COLUMNS.map(({ name, type }) => `${name} ${ENGINE_TYPES[type]}`).join(', ')})`,
    )
    const codes = HOSTILE.map((name) => [name, name] as const)
    for (const [payer, code] of [...codes, [HOSTILE[0] ?? '', `new-in-${run.slice(-16)}`] as const]) {
      await engine.run(`INSERT INTO rates (payer_slug, code, code_name, billing_class, rate_unit, facts, rows, rate_count, rate_median)
        VALUES (${[payer, code, code, code].map(sqlString).join(', ')}, 'dollars', 9, 9, 9, ${median})`)
    }
    await engine.run(`COPY rates TO ${sqlString(join(run, 'rates_by_payer.parquet'))} (FORMAT parquet)`)
  } finally {
    engine.close()
  }
  writeFileSync(
    join(run, 'rates.json'),
    JSON.stringify({ formatVersion: 1, groups: 9, payerGroups: 9, facts: 81, rows: 81 }),
  )
}

const ENGINE_TYPES = { string: 'VARCHAR', bigint: 'BIGINT', double: 'DOUBLE' } as const

async function call(...argv: string[]) {
  const folder = lake()
  const io = new FakeIo({ BROWSER: join(folder, 'browser') })
  writeFileSync(join(folder, 'browser'), `#!/bin/sh\nprintf %s "$1" > '${folder}/opened'\n`, { mode: 0o755 })
  const code = await main(['report', ...argv, '-c', configFile('')], io)
  return { code, out: io.stdout.text, err: io.stderr.text, folder }
}

describe('report', () => {
  it('prints the published run in short, and where the page lies', async () => {
    const { code, out, err, folder } = await call()
    expect(code).toBe(0)
    expect(out).toContain(`# Run ${AFTER}: published`)
    expect(out).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u)
    expect(err).toContain(`the page: ${folder}/lake/etl3/runs/${AFTER}/report.html`)
  })

  it('prints another run, and all data as JSON', async () => {
    const { out } = await call('--run', BEFORE, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({ formatVersion: 2, result: { runId: BEFORE, rows: 9_000 } })
  })

  it('opens the page', async () => {
    const { readFileSync } = await import('node:fs')
    const { code, folder } = await call('--open')
    expect(code).toBe(0)
    expect(readFileSync(join(folder, 'opened'), 'utf8')).toBe(`file://${folder}/lake/etl3/runs/${AFTER}/report.html`)
  })

  it('compares two runs on a terminal: what differs, without Markdown and without what is noise', async () => {
    const text = await call('--compare', BEFORE, AFTER)
    expect(text.code).toBe(0)
    expect(text.out).toContain('Input, configuration or versions differ.')
    expect(text.out).toMatch(/^ {2}rows +9,000 +10,000 +\+1,000$/m)
    expect(text.out).toMatch(/^ {2}time +30\.0 s +21\.4 s +−8\.6 s$/m)
    expect(text.out).toMatch(/^ {2}about the same: peak memory$/m)
    expect(text.out).toMatch(/^ {2}the same in both: .*facts read/m)
    // What is the same in both would hide what differs.
    expect(text.out).not.toMatch(/rate_range +passed/)
    expect(text.out).toMatch(/^ {2}rate_range \(much\) +passed, 900 \(45 %\) +passed, 10 \(0\.5 %\)$/m)
    expect(text.out).toMatch(/^ {2}null_ratio \(state\) +warned, 1,501 \(15\.1 %\) +warned, 1,500 \(15 %\)$/m)
    expect(text.out).not.toContain('phases')
    expect(text.out).not.toMatch(/^\||^#|---|\*\*|`/m)
    expect(text.out).toContain('one of the two runs kept no rates')
    expect(text.out).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u)
    const json = JSON.parse((await call('--compare', BEFORE, AFTER, '-o', 'json')).out)
    expect(json.byPayer).toContainEqual({ value: 'north-star-health', before: 2_000, after: 0 })
    expect(json.byCategory).toContainEqual({ value: 'Imaging', before: 3_000, after: 0 })
    expect(json).toMatchObject({
      rates: null,
      phases: expect.arrayContaining([{ name: 'write', before: 12, after: 12, unit: 'seconds' }]),
    })
  })

  it('compares the rates of two runs, on a terminal of 80 columns, whatever the names of payers and codes', async () => {
    const folder = lake()
    for (const [runId, median] of [
      [BEFORE, 100],
      [AFTER, 150],
    ] as const)
      await keepRates(join(folder, 'lake/etl3/runs', runId), median)
    const io = new FakeIo({}, { terminalOutput: true })
    expect(await main(['report', '--compare', BEFORE, AFTER, '--color', 'never', '-c', configFile('')], io)).toBe(0)
    const { text } = io.stdout
    expect(text).toContain(`${HOSTILE.length} of ${HOSTILE.length} medians by code and payer moved`)
    expect(text.match(/ \$100\.00 +\$150\.00 +\+50 %$/gm)).toHaveLength(HOSTILE.length)
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u)
    expect(text).toMatch(/new codes: 1 \(.* new-in-a1b2c3d4e5f60718\)$/m)
    expect(text).toMatch(/codes gone: 1 \([^)]*new-in-0f0f0f0f0f0f0f0f\)$/m)
  })

  it.each([
    [['--run', 'cccc'], 'ETL3-RP-01'],
    [['--run', '../../etc'], 'ETL3-RP-01'],
    [['--run', 'dddd'], 'ETL3-RP-02'],
    [['--compare', AFTER], 'ETL3-CL-01'],
    [['--compare', AFTER, BEFORE, '--open'], 'ETL3-CL-01'],
  ])('%j ends with %s', async (argv, errorCode) => {
    const { code, out, err } = await call(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(errorCode)
  })
})
