/** A report of a run that never was, with figures that add up. */
import type { Breakdown, RateSummary, RunReport } from '../../../src/report/run-report.js'

function breakdown(values: readonly (string | null)[]): Breakdown {
  return {
    entries: values.map((value, i) => ({ value, rows: 1_000 * (values.length - i), facts: 100 * (values.length - i) })),
    others: { values: 2, rows: 30 },
  }
}

/** What is paid and what moved: the names of the values stand wherever a name of the data can. */
function ratesOf({ payers, categories }: SampleValues): NonNullable<RunReport['rates']> {
  const code = { codeType: 'CPT', code: '99213', name: 'Office visit' }
  const group = (payer: string | null) => ({ payer, ...code, billingClass: 'professional', unit: 'dollars' })
  const named = (payer: string | null, i: number) => ({
    payer,
    codeType: 'CPT',
    code: categories[i] ?? null,
    name: payer,
    facts: 9,
  })
  return {
    mostUsed: payers.map((payer, i) => ({
      ...group(payer),
      ...(i === 0 ? {} : { code: payer, billingClass: payer }),
      ...{ facts: 900 - i, rows: 4_000, p25: 90, median: 120.5, p75: 150, ratio: i === 0 ? 1.2 : null },
    })),
    moves: {
      ...{ compared: 40, changed: 4, moved: 1 },
      largest: payers
        .slice(0, 1)
        .map((payer) => ({ ...group(payer), factsBefore: 80, factsAfter: 90, before: 100, after: 120.5 })),
      newPayers: { count: payers.length, payers: payers.map((payer) => ({ payer, facts: 5 })) },
      gonePayers: { count: 0, payers: [] },
      newCodes: { count: payers.length, codes: payers.map(named) },
      goneCodes: { count: payers.length, codes: payers.map(named) },
    },
  }
}

const NO_RATES: RateSummary = { rows: 0, facts: 0, offScale: 0, figures: null, bins: [] }

/** What may be anything: values of the data. */
export interface SampleValues {
  readonly payers: readonly (string | null)[]
  readonly states: readonly (string | null)[]
  readonly categories: readonly (string | null)[]
}

const PLAIN: SampleValues = {
  payers: ['blue-prairie', 'north-star-health', null],
  states: ['TX', 'CA', 'WA', null],
  categories: ['Imaging', 'Procedure', 'Test'],
}

/** The report; all of its charts have something to show. */
export function sampleReport(values: SampleValues = PLAIN, changes: Partial<RunReport> = {}): RunReport {
  const changed = (list: readonly (string | null)[]) =>
    list.map((value) => ({
      value,
      added: 2,
      replaced: 3,
      kept: 40,
      removed: 1,
      rowsBefore: 900,
      rowsAfter: 1_000,
    }))
  const key = `payer_slug=${values.payers[0]}/state=${values.states[0]}/fact_rate_enriched.parquet`
  return {
    formatVersion: 2,
    result: {
      formatVersion: 1,
      runId: 'a1b2c3d4e5f60718',
      workflowId: 'etl3:0',
      status: 'published',
      facts: 2_010,
      quarantined: 10,
      rows: 10_000,
      partitions: { total: 450, added: 20, replaced: 30, kept: 400, removed: 10 },
      bytes: 4_500_000,
      peakMemoryMb: 401.5,
      memoryLimitMb: 512,
      seconds: { total: 21.4, open: 0.5, validate: 0.4, stage: 4, write: 12, audit: 2, report: 0 },
      warnings: 1,
      outputUri: '/lake/partitioned-data',
      table: 'healthcare_data_lake.fact_rate_enriched',
      catalogUri: '/lake/etl3/catalog.duckdb',
      reportUri: '/lake/etl3/runs/a1b2c3d4e5f60718/report.html',
      receiptUri: '/lake/etl3/runs/a1b2c3d4e5f60718/receipt.json',
    },
    lockNumber: 3,
    startedAt: '2026-02-03T04:05:06.000Z',
    finishedAt: '2026-02-03T04:05:27.400Z',
    previous: {
      runId: '0f0f0f0f0f0f0f0f',
      publishedAt: '2026-01-03T04:05:27.400Z',
      rows: 9_000,
      partitions: 440,
      bytes: 4_000_000,
    },
    versions: { etl3: '0.1.0', encoding: '1' },
    work: 'ab'.repeat(32),
    partitionColumns: ['payer_slug', 'state'],
    inputs: [
      {
        name: 'fact_rate',
        files: [{ path: '/data/gold/fact_rate.parquet', bytes: 26_000_000, sha256: 'cd'.repeat(32) }],
        rows: 2_010,
        extra: ['note'],
      },
    ],
    inputWarnings: ['dim_npi lacks optional columns, which are NULL: credential'],
    dimensions: { codes: 12, groups: 34 },
    rules: [
      {
        name: 'rate_range',
        subject: null,
        kind: 'range',
        meaning: 'negotiated_rate lies between 0.01 and 1000000',
        unit: 'facts',
        checked: 2_010,
        failed: 10,
        share: 10 / 2_010,
        threshold: 0.01,
        severity: 'error',
        onViolation: 'quarantine',
        outcome: 'passed',
        quarantined: 10,
        examples: ['f1: negotiated_rate 0'],
      },
      {
        name: 'null_ratio',
        subject: 'state',
        kind: 'null_ratio',
        meaning: 'at most a tenth of the rows has no state',
        unit: 'rows',
        checked: 10_000,
        failed: 1_500,
        share: 0.15,
        threshold: 0.1,
        severity: 'warn',
        onViolation: 'keep',
        outcome: 'warned',
        quarantined: 0,
        examples: [],
      },
    ],
    audit: { depth: 'sample', partitions: 50, rows: 1_700, readAgain: 3, bytes: 500_000 },
    changes: {
      added: { partitions: 20, rowsBefore: 0, rowsAfter: 1_200 },
      replaced: { partitions: 30, rowsBefore: 450, rowsAfter: 500 },
      kept: { partitions: 400, rowsBefore: 8_300, rowsAfter: 8_300 },
      removed: { partitions: 10, rowsBefore: 250, rowsAfter: 0 },
      byPayer: changed(values.payers),
      byState: changed(values.states),
    },
    contents: {
      byPayer: breakdown(values.payers),
      byState: breakdown(values.states),
      byCategory: breakdown(values.categories),
      rates: {
        dollars: {
          rows: 9_000,
          facts: 1_900,
          offScale: 0,
          figures: { lowest: 0.5, highest: 90_000, mean: 812.25, p10: 12, p50: 140.5, p90: 2_400 },
          bins: Array.from({ length: 40 }, (_, i) => ({
            from: 10 ** (-0.5 + i / 8),
            to: 10 ** (-0.5 + (i + 1) / 8),
            rows: 5 + 20 * Math.min(i, 40 - i),
          })),
        },
        percentages: {
          rows: 900,
          facts: 90,
          offScale: 0,
          figures: { lowest: 10, highest: 80, mean: 45, p10: 20, p50: 45, p90: 70 },
          bins: [{ from: 10, to: 100, rows: 900 }],
        },
        unknown: NO_RATES,
      },
      medicare: {
        rows: 5_000,
        above: 3_000,
        ratios: { p10: 0.4, p50: 1.3, p90: 4.1 },
        bins: Array.from({ length: 20 }, (_, i) => ({
          from: 10 ** (-1 + i / 8),
          to: 10 ** (-1 + (i + 1) / 8),
          rows: 250,
        })),
      },
    },
    rates: ratesOf(values),
    placement: {
      partitions: 450,
      rows: { smallest: 1, p10: 2, p50: 12, p90: 60, p99: 300, largest: 900 },
      bytes: { smallest: 5_000, p10: 6_000, p50: 8_000, p90: 20_000, p99: 60_000, largest: 120_000 },
      histogram: Array.from({ length: 10 }, (_, i) => ({
        from: 2 ** i,
        to: 2 ** (i + 1) - 1,
        partitions: 45,
        rows: 45 * 2 ** i,
      })),
      largest: [{ key, rows: 900, facts: 300, bytes: 120_000 }],
      smallest: [
        { key: 'payer_slug=__NULL__/state=__NULL__/fact_rate_enriched.parquet', rows: 1, facts: 1, bytes: null },
      ],
      skew: { topPartitions: 5, shareOfRows: 0.21 },
    },
    course: {
      phases: [
        { phase: 'open', startSeconds: 0, seconds: 0.5, peakMemoryMb: 200, amount: null },
        { phase: 'stage', startSeconds: 0.9, seconds: 4, peakMemoryMb: 401, amount: { count: 2_010, unit: 'facts' } },
        { phase: 'write', startSeconds: 5, seconds: 12, peakMemoryMb: 330, amount: { count: 1_700, unit: 'rows' } },
        {
          phase: 'audit',
          startSeconds: null,
          seconds: 2,
          peakMemoryMb: null,
          amount: { count: 50, unit: 'partitions' },
        },
      ],
      memory: [
        {
          worker: '0a1b2c3d',
          startSeconds: 0,
          stepSeconds: 0.2,
          peaksMb: Array.from({ length: 100 }, (_, i) => (i % 17 === 3 ? null : 200 + ((i * 37) % 190))),
        },
      ],
      workerLimitMb: 512,
      activities: 31,
      retries: [
        { atSeconds: 7.5, activity: 'writePartitions', attempt: 1, failure: 'the worker reached its memory limit' },
        { atSeconds: 9.1, activity: 'writePartitions', attempt: 2, failure: null },
      ],
    },
    ...changes,
  }
}

/** Text that would do harm where it is taken for markup, a link, a cell's end or a terminal's command. */
export const HOSTILE = [
  '<script>document.title="taken"</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '\u202Egnirts desrever\u2066',
  '\u001B[31mred\u001B]8;;http://evil.example\u0007',
  '</text></svg><script>alert(1)</script>',
  '| a | b |\n# heading',
  '<!-- ]]> &lt;b&gt;',
] as const
