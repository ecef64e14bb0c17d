import { describe, expect, it } from 'vitest'
import type { PhaseProgress, Progress, RunResult } from '../../../src/contract/messages.js'
import { bytesText } from '../../../src/runtime/figures.js'
import { detailOf, type PageFacts, progressPage } from '../../../src/workflows/progress-page.js'

const phase = (name: PhaseProgress['phase'], state: PhaseProgress['state'], detail = ''): PhaseProgress => ({
  phase: name,
  state,
  startedAtMs: 0,
  seconds: state === 'running' ? undefined : 1.25,
  detail,
})

const progressOf = (phases: readonly PhaseProgress[], paused = false): Progress => ({
  runId: 'a1b2c3d4e5f60718',
  phase: phases.at(-1)?.phase ?? 'open',
  paused,
  phases,
  units: { done: 0, total: 0 },
  rows: { done: 0, total: 0 },
  partitions: { done: 0, total: 0 },
  peakMemoryMb: 200,
  memoryLimitMb: 512,
})

const FACTS: PageFacts = { mode: 'run', table: 'lake.rates', result: undefined, failure: undefined }

const RESULT: RunResult = {
  formatVersion: 1,
  runId: 'a1b2c3d4e5f60718',
  workflowId: 'etl3:1',
  status: 'published',
  facts: 10,
  quarantined: 0,
  rows: 1_234,
  partitions: { total: 5, added: 2, replaced: 1, kept: 2, removed: 0 },
  bytes: 1,
  peakMemoryMb: 1,
  memoryLimitMb: 1,
  seconds: {},
  warnings: 3,
  outputUri: '/lake/table',
  table: 'lake.rates',
  catalogUri: '/lake/etl3/catalog.duckdb',
  reportUri: '/lake/etl3/runs/a1b2c3d4e5f60718/report.html',
  receiptUri: '/lake/etl3/runs/a1b2c3d4e5f60718/receipt.json',
}

/** Cells of the steps, by the name of the step. */
function steps(page: string): Map<string, string[]> {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.includes('---'))
  return new Map(
    rows.slice(1).map((line) => {
      const [name = '', ...cells] = line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.replace(/\u00a0/g, ' ').trim())
      return [name, cells]
    }),
  )
}

describe('the page of a run in the Web UI', () => {
  it('says where a run stands, and which steps are to come', () => {
    const page = progressPage(progressOf([phase('open', 'done', '2 files'), phase('validate', 'running')]), FACTS)
    expect(page).toMatch(/^\*\*Running\*\* of `lake\.rates`: validate the input\.\n/)
    const all = steps(page)
    expect(all.get('Open the run')).toEqual(['done, 1.3 s', '2 files'])
    expect(all.get('Validate the input')).toEqual(['running', ''])
    expect(all.get('Publish')).toEqual(['to come', ''])
    expect(all.size).toBe(11)
    const plan = progressPage(progressOf([phase('open', 'running')]), { ...FACTS, mode: 'plan' })
    expect([...steps(plan).keys()].slice(-2)).toEqual(['Plan the partitions', 'Report'])
  })

  it('says that a run is paused, and how it goes on', () => {
    expect(progressPage(progressOf([phase('write', 'running')], true), FACTS)).toMatch(/^\*\*Paused\*\*.*`resume`/)
  })

  it('says what a run gave, and where it is', () => {
    const page = progressPage(progressOf([phase('report', 'done')]), { ...FACTS, result: RESULT })
    expect(page).toMatch(/^\*\*Published.*`lake\.rates`/)
    for (const told of ['1,234 rows in 5 partitions', '3 warnings', RESULT.outputUri, RESULT.reportUri]) {
      expect(page).toContain(told)
    }
  })

  it('tells sizes and counts as the report does', () => {
    const written = { unit: 1, rows: 1_234, partitions: 5, bytes: 373_400_000, peakMemoryMb: 1, phaseMemoryMb: 1 }
    expect(detailOf('write', written)).toBe(`1,234 rows in 5 partitions, ${bytesText(written.bytes)}`)
    expect(detailOf('write', written)).toContain('373.4 MB')
    const measured = { peakMemoryMb: 1, phaseMemoryMb: 1, workerLimitMb: 512 }
    const record = { uri: 'quality.json', sha256: '', bytes: 1 }
    expect(detailOf('quality', { record, warnings: 1, ...measured })).toBe('passed, 1 warning')
  })

  it('says where the analytics table is, which snapshot it has, and what was changed', () => {
    const analytics = { table: 'lake.rates_iceberg', uri: '/lake/`x`', inGlue: false, rows: 1_234, files: 3_000 }
    const committed = { bytes: 9, removed: 2, snapshotId: '4611686018427387904', metadataFile: 'm', at: '' }
    const pageOf = (table: NonNullable<RunResult['analytics']>): string =>
      progressPage(progressOf([phase('report', 'done')]), { ...FACTS, result: { ...RESULT, analytics: table } })
    expect(pageOf({ ...analytics, added: 4, addedRows: 7, committed })).toContain(
      "- analytics table: `/lake/'x'`, 3,000 files: 4 added, 2 removed, snapshot 4611686018427387904\n",
    )
    expect(pageOf({ ...analytics, added: 4, addedRows: 7 })).toContain('3,000 files: 4 to write\n')
    const setAside = [{ what: 'snapshot 17', wayBack: 'roll back' }]
    expect(pageOf({ ...analytics, added: 4, addedRows: 7, committed: { ...committed, setAside } })).toContain(
      'snapshot 4611686018427387904; set aside: snapshot 17\n',
    )
  })

  it('says why a run failed, the way out, and what became of the table', () => {
    const failure = {
      outcome: 'failed',
      message: 'dim_npi is [not](http://evil) a <b>file</b>',
      code: 'ETL3-IN-03',
      hint: 'Write it again.',
    } as const
    const failed = progressOf([phase('open', 'done'), phase('validate', 'failed')])
    const page = progressPage(failed, { ...FACTS, failure })
    expect(page).toMatch(/^\*\*This run failed\*\* at the step “Validate the input”/)
    expect(page).toContain('What to do: Write it again.')
    expect(page).toContain('(ETL3-IN-03)')
    expect(page).toContain('The table is as it was.')
    // Values of data are no markup.
    expect(page).toContain('\\[not\\](http://evil) a \\<b\\>file\\</b\\>')
    expect(steps(page).get('Validate the input')).toEqual(['failed, 1.3 s', ''])
    expect(steps(page).get('Publish')).toEqual(['not reached', ''])

    const late = progressPage(progressOf([phase('publish', 'failed')]), { ...FACTS, failure })
    expect(late).toContain('Publishing had begun')
    const cancelled = progressPage(failed, { ...FACTS, failure: { ...failure, outcome: 'cancelled' } })
    expect(cancelled).toMatch(/^\*\*This run was cancelled\*\*/)
    expect(cancelled).not.toContain('evil')
  })
})
