import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
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
  const before = sampleReport(undefined, {
    result: { ...after.result, runId: BEFORE, rows: 9_000, peakMemoryMb: 380, seconds: { total: 30 } },
    work: 'another',
  })
  keep('current.json', JSON.stringify({ ...CURRENT, runId: AFTER }))
  for (const report of [before, after]) {
    keep(`runs/${report.result.runId}/report.json`, JSON.stringify(report))
    keep(`runs/${report.result.runId}/report.html`, '<!doctype html>')
  }
  keep('runs/dddd/report.json', '{"formatVersion":1}')
  return folder
}

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

  it('compares two runs: partitions, rows, rules, times', async () => {
    const text = await call('--compare', BEFORE, AFTER)
    expect(text.code).toBe(0)
    expect(text.out).toContain('Input, configuration or versions differ.')
    expect(text.out).toContain('| rows | 9,000 | 10,000 | +1,000 |')
    expect(text.out).toContain('| peak memory | 380 MB | 402 MB | +22 MB |')
    expect(text.out).toContain('| time | 30.0 s | 21.4 s | −8.6 s |')
    // What is the same in both would hide what differs.
    expect(text.out).not.toContain('null\\_ratio (state)')
    expect(text.out).toMatch(/^\d+ checks give the same in both\.$/m)
    const json = JSON.parse((await call('--compare', BEFORE, AFTER, '-o', 'json')).out)
    expect(json.byPayer).toContainEqual({ value: 'north-star-health', before: 2_000, after: 0 })
    expect(json.byCategory).toContainEqual({ value: 'Imaging', before: 3_000, after: 0 })
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
