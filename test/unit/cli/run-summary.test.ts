import { describe, expect, it } from 'vitest'
import { paletteFor } from '../../../src/cli/output/palette.js'
import { runSummary } from '../../../src/cli/output/run-summary.js'
import { loadConfig } from '../../../src/config/load.js'
import type { AnalyticsResult, RunResult } from '../../../src/contract/messages.js'
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
  const text = runSummary(
    { ...sampleReport().result, ...result },
    {
      palette: paletteFor('never', new FakeIo().stdout, {}),
      resolved: loadConfig({ env: {} }),
      uiUrl: undefined,
      serverEnds: true,
    },
  )
  return new Map(text.split('\n').map((line) => [line.slice(0, 11).trim(), line.slice(11)]))
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

  it('say what a plan would do to it', () => {
    const lines = linesOf({ status: 'planned', bytes: 0, analytics: PLANNED })
    expect(lines.get('analytics')).toBe('7 files, 10,000 rows: 3 files to write, 4,000 rows')
    expect(lines.has('iceberg')).toBe(false)
  })

  it('say nothing of it where runs keep none', () => {
    const lines = linesOf({})
    expect([lines.has('analytics'), lines.has('iceberg')]).toEqual([false, false])
  })
})
