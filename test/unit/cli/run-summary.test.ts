import { describe, expect, it } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { runSummary } from '../../../src/cli/output/run-summary.js'
import { loadConfig } from '../../../src/config/load.js'
import type { AnalyticsResult, RunResult, SetAside } from '../../../src/contract/messages.js'
import { sampleReport } from '../report/sample-report.js'
import { FakeIo } from './fake-io.js'

const PLANNED: AnalyticsResult = {
  table: 'lake.rates_iceberg',
  uri: '/lake/rates_iceberg',
  inGlue: false,
  rows: 10_000,
  files: 7,
  added: 3,
  addedRows: 4_000,
}
const COMMITTED: AnalyticsResult = {
  ...PLANNED,
  committed: { bytes: 2_621_440, removed: 2, snapshotId: '4611686018427387904', metadataFile: '', at: '' },
}

/** The lines by their labels. */
function linesOf(result: Partial<RunResult>): Map<string, string> {
  const lines = summaryOf(result).split('\n')
  return new Map(lines.map((line) => [line.slice(0, 11).trim(), line.slice(11)]))
}

function summaryOf(result: Partial<RunResult>, columns = Number.POSITIVE_INFINITY): string {
  return runSummary(
    { ...sampleReport().result, ...result },
    {
      palette: paletteFor('never', new FakeIo().stdout, {}),
      resolved: loadConfig({ env: {} }),
      columns,
      uiUrl: undefined,
      serverEnds: true,
    },
  )
}

describe('the lines that end a run', () => {
  it('say what became of the analytics table, and where it is', () => {
    const lines = linesOf({ analytics: COMMITTED })
    expect(lines.get('analytics')).toBe(
      '7 files, 10,000 rows, 2.6 MB (3 added, 2 removed), snapshot 4611686018427387904',
    )
    expect(lines.get('iceberg')).toBe('/lake/rates_iceberg')
    expect(linesOf({ analytics: { ...COMMITTED, inGlue: true } }).get('iceberg')).toBe('lake.rates_iceberg')
  })

  it('say what of others was set aside, with the way back, and of much the newest', () => {
    const changed = (n: number): SetAside => ({ what: `snapshot ${n} of \u001b[2J`, wayBack: `roll back to ${n}` })
    const told = (changes: readonly SetAside[]): string[] =>
      summaryOf({ analytics: { ...COMMITTED, committed: { ...COMMITTED.committed!, setAside: changes } } })
        .split('\n')
        .filter((line) => line.startsWith('set aside'))
    expect(told([changed(1)])).toEqual(['set aside  snapshot 1 of \\u001b[2J. roll back to 1'])
    const many = told([5, 4, 3, 2, 1].map(changed))
    expect(many).toHaveLength(4)
    expect(many.at(-1)).toBe('set aside  2 further changes, see the report')
    expect(told([])).toEqual([])
  })

  it('say what a plan would do to it', () => {
    const lines = linesOf({ status: 'planned', bytes: 0, analytics: PLANNED })
    expect(lines.get('analytics')).toBe('7 files, 10,000 rows: 3 files to write, 4,000 rows')
    expect(lines.has('iceberg')).toBe(false)
  })

  it('fit on a narrow screen, but for what is to be copied', () => {
    const seconds = { total: 5.5, open: 0.4, validate: 0.2, stage: 1.3, write: 1.3, report: 0.9 }
    const lines = summaryOf({ status: 'published', seconds }, 60).split('\n')
    const long = lines.filter((line) => line.length > 60).map((line) => line.slice(0, 11).trim())
    expect(long).toEqual(['query'])
    expect(lines.join('\n')).toMatch(/^time {7}5\.5 s .*\n {11}\w/m)
  })

  it('say nothing of it where runs keep none', () => {
    const lines = linesOf({})
    expect([lines.has('analytics'), lines.has('iceberg')]).toEqual([false, false])
  })
})
