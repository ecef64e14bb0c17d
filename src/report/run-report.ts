/** `report.json`: everything that a report says of a run. The page and the Markdown are made from it alone. */
import { z } from 'zod'
import { inputAuditSchema } from '../contract/input-audit.js'
import { runResultSchema } from '../contract/run-result.js'
import { ruleSourcesSchema } from '../quality/quality-record.js'

const count = z.number().int().nonnegative()

const ruleSchema = z.object({
  name: z.string(),
  /** What the rule is about where it looks at several things: a column, a table, a measure. */
  subject: z.string().nullable(),
  kind: z.string(),
  meaning: z.string(),
  /** What `checked` and `failed` count: facts, rows, partitions … */
  unit: z.string(),
  checked: z.number(),
  failed: z.number(),
  share: z.number(),
  /** The largest share that is no violation. */
  threshold: z.number(),
  severity: z.enum(['error', 'warn']),
  /** What becomes of facts that break the rule; `fail`: a violation stops the run. */
  onViolation: z.enum(['fail', 'quarantine', 'keep']),
  outcome: z.enum(['passed', 'warned', 'failed', 'skipped']),
  /** Facts that the rule set aside. */
  quarantined: z.number(),
  examples: z.array(z.string()).readonly(),
  /** Where the facts that broke the rule come from; missing where the rule is not about facts, or nothing has to be told. */
  sources: ruleSourcesSchema.optional(),
})

const inputSchema = z.object({
  name: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })).readonly(),
  rows: count.optional(),
  missingOptional: z.array(z.string()).readonly().optional(),
  extra: z.array(z.string()).readonly().optional(),
  equalDuplicates: count.optional(),
  differingKeys: count.optional(),
  nullKeys: count.optional(),
})

const moved = z.object({ partitions: count, rowsBefore: count, rowsAfter: count })

const changedValue = z.object({
  value: z.string().nullable(),
  /** Partitions, by what happens to them. */
  added: count,
  replaced: count,
  kept: count,
  removed: count,
  rowsBefore: count,
  rowsAfter: count,
})

const changesSchema = z.object({
  added: moved,
  replaced: moved,
  kept: moved,
  removed: moved,
  /** Null where the column is no partition column. */
  byPayer: z.array(changedValue).readonly().nullable(),
  byState: z.array(changedValue).readonly().nullable(),
})

const breakdownSchema = z.object({
  entries: z
    .array(
      z.object({
        value: z.string().nullable(),
        rows: count,
        /** Null where a fact can belong to several values. */
        facts: count.nullable(),
      }),
    )
    .readonly(),
  /** What the entries leave out. */
  others: z.object({ values: count, rows: count }),
})

const logBin = z.object({ from: z.number(), to: z.number(), rows: count })

const quantiles = { p10: z.number(), p50: z.number(), p90: z.number() }

const rateSummary = z.object({
  rows: count,
  facts: count,
  /** Rows whose rate has no place on a logarithmic scale: missing, not a number, zero or below. */
  offScale: count,
  /** Over the rows on the scale; null where there is none. */
  figures: z.object({ lowest: z.number(), highest: z.number(), mean: z.number(), ...quantiles }).nullable(),
  bins: z.array(logBin).readonly(),
})

const medicareSchema = z.object({
  /** Rows with a dollar rate and a Medicare rate of their state. */
  rows: count,
  /** Rows whose rate is above the Medicare rate. */
  above: count,
  /** Rate as a multiple of the Medicare rate, to 0.1 %. */
  ratios: z.object(quantiles).nullable(),
  bins: z.array(logBin).readonly(),
})

/** What the table holds; every figure counts enriched rows, unless it says facts. */
export const contentsSchema = z.object({
  byPayer: breakdownSchema,
  byState: breakdownSchema,
  byCategory: breakdownSchema,
  rates: z.object({ dollars: rateSummary, percentages: rateSummary, unknown: rateSummary }),
  medicare: medicareSchema,
})

const codeOfPayer = {
  payer: z.string().nullable(),
  codeType: z.string().nullable(),
  code: z.string().nullable(),
  name: z.string().nullable(),
}

const pricedGroup = {
  ...codeOfPayer,
  billingClass: z.string().nullable(),
  /** What the rates are: dollars, dollars per day, dollars per case, percent or unknown. */
  unit: z.string(),
}

const pricedCode = z.object({
  ...pricedGroup,
  facts: count,
  rows: count,
  /** Over facts; null where no rate is a number. */
  p25: z.number().nullable(),
  median: z.number().nullable(),
  p75: z.number().nullable(),
  /** Median of the ratio to Medicare. */
  ratio: z.number().nullable(),
})

const payersOnlyThere = z.object({
  count,
  payers: z.array(z.object({ payer: z.string().nullable(), facts: count })).readonly(),
})

/** Codes of payers that both runs have. */
const codesOnlyThere = z.object({ count, codes: z.array(z.object({ ...codeOfPayer, facts: count })).readonly() })

const rateMoves = z.object({
  /** Medians by payer, class, code and unit that both runs have. */
  compared: count,
  /** Those that differ at all. */
  changed: count,
  /** Those that differ enough, over enough facts, to be told. */
  moved: count,
  largest: z
    .array(z.object({ ...pricedGroup, factsBefore: count, factsAfter: count, before: z.number(), after: z.number() }))
    .readonly(),
  newPayers: payersOnlyThere,
  gonePayers: payersOnlyThere,
  newCodes: codesOnlyThere,
  goneCodes: codesOnlyThere,
})

const ratesSchema = z.object({
  /** Payers and codes with the most facts first; only the first of each. */
  mostUsed: z.array(pricedCode).readonly(),
  /** Against the last published run; null for the first, and where that one kept no rates. */
  moves: rateMoves.nullable(),
})

const sizeSummary = z.object({ smallest: count, p10: count, p50: count, p90: count, p99: count, largest: count })

const namedPartition = z.object({ key: z.string(), rows: count, facts: count, bytes: count.nullable() })

const placementSchema = z.object({
  partitions: count,
  rows: sizeSummary.nullable(),
  /** Null before anything is written. */
  bytes: sizeSummary.nullable(),
  /** Partitions with `from` to `to` rows (inclusive). */
  histogram: z.array(z.object({ from: count, to: count, partitions: count, rows: count })).readonly(),
  largest: z.array(namedPartition).readonly(),
  smallest: z.array(namedPartition).readonly(),
  /** How much of the table lies in the largest hundredth of its partitions. */
  skew: z.object({ topPartitions: count, shareOfRows: z.number() }),
})

const courseSchema = z.object({
  phases: z
    .array(
      z.object({
        phase: z.string(),
        /** Seconds from the start of the run; null where no worker noted it. */
        startSeconds: z.number().nullable(),
        seconds: z.number(),
        peakMemoryMb: z.number().nullable(),
        /** What the phase went through, and of what: rows, facts, partitions. */
        amount: z.object({ count, unit: z.string() }).nullable(),
      }),
    )
    .readonly(),
  /** One curve for each worker process that worked on the run. */
  memory: z
    .array(
      z.object({
        worker: z.string(),
        /** Seconds from the start of the run. */
        startSeconds: z.number(),
        stepSeconds: z.number(),
        peaksMb: z.array(z.number().nullable()).readonly(),
      }),
    )
    .readonly(),
  /** Limit of one worker process; of the largest, where they differ. */
  workerLimitMb: z.number(),
  activities: count,
  /** Attempts after the first, oldest first, and attempts that failed. */
  retries: z
    .array(
      z.object({
        atSeconds: z.number(),
        activity: z.string(),
        attempt: count,
        /** Why the attempt failed; null for an attempt that merely was not the first. */
        failure: z.string().nullable(),
      }),
    )
    .readonly(),
})

/** Shape of `report.json`. */
export const runReportSchema = z.object({
  formatVersion: z.literal(2),
  result: runResultSchema,
  /** Number of the lock under which the run was opened: a report is written once for each opening. */
  lockNumber: count,
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** The run that the table showed before; null for the first. */
  previous: z
    .object({ runId: z.string(), publishedAt: z.string(), rows: count, partitions: count, bytes: count })
    .nullable(),
  versions: z.object({ etl3: z.string(), encoding: z.string() }),
  /** Digest of everything that decides what the table holds. */
  work: z.string(),
  partitionColumns: z.array(z.string()).readonly(),
  inputs: z.array(inputSchema).readonly(),
  inputWarnings: z.array(z.string()).readonly(),
  /** Counted results of the traps that real files hold. */
  dimensions: z.record(z.string(), z.number()),
  rules: z.array(ruleSchema).readonly(),
  /** What the audit read again; null where nothing was written. */
  audit: z
    .object({
      depth: z.string(),
      partitions: count,
      rows: count,
      readAgain: count,
      bytes: count,
      /** What of the input was read by another reader and compared with what was written; a record of before has none. */
      input: inputAuditSchema.optional(),
    })
    .nullable(),
  changes: changesSchema,
  contents: contentsSchema,
  /** Rates by code and payer; reports of earlier versions have none. */
  rates: ratesSchema.optional(),
  placement: placementSchema,
  course: courseSchema,
  /** Since when all partitions show the run, where it keeps an analytics table; null where that is not known. */
  partitionsSince: z.string().nullable().optional(),
})

/** A run, as its report tells it. */
export type RunReport = z.output<typeof runReportSchema>
/** A rule's result in a report. */
export type ReportedRule = RunReport['rules'][number]
/** What the table holds. */
export type Contents = RunReport['contents']
/** Rows by the values of a column. */
export type Breakdown = Contents['byPayer']
/** One kind of rate. */
export type RateSummary = Contents['rates']['dollars']
/** Dollar rates against Medicare. */
export type MedicareComparison = Contents['medicare']
/** A code of a payer, and what it pays for it. */
export type PricedCode = z.output<typeof pricedCode>
/** What moved between two runs. */
export type RateMoves = z.output<typeof rateMoves>
/** What a run changes. */
export type Changes = RunReport['changes']
/** What a run changes for one payer or state. */
export type ChangedValue = z.output<typeof changedValue>
/** How rows are spread over partitions. */
export type Placement = RunReport['placement']
/** Sizes of partitions. */
export type SizeSummary = z.output<typeof sizeSummary>
/** How a run went. */
export type RunCourse = RunReport['course']

/** @throws ZodError when the value is no report of this version */
export function parseRunReport(value: unknown): RunReport {
  return runReportSchema.parse(value)
}
