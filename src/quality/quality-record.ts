/**
 * `quality.json`: what the quality rules gave. The one shape that the gate, the records, the report and the next run
 * share.
 */
import { z } from 'zod'

/** Kinds of rules; docs/quality.md says what each of them looks at. */
export const RULE_KINDS = [
  'required',
  'range',
  'zero',
  'allowed',
  'vocabulary',
  'pattern',
  'unique',
  'reference',
  'null_ratio',
  'marks',
  'partition_rows',
  'coordinates',
  'freshness',
  'volume',
  'outliers',
  'sql',
] as const

const count = z.number().int().nonnegative()

/** Facts that broke a rule, by payer and input file. */
export const ruleSourcesSchema = z.object({
  /** The first of them, those with the most facts first. */
  first: z
    .array(
      z.object({
        payer: z.string().nullable(),
        /** Path or address; null where it is not known: staged by an earlier version. */
        file: z.string().nullable(),
        failed: count,
      }),
    )
    .readonly(),
  /** What `first` leaves out. */
  others: z.object({ sources: count, failed: count }),
})

/** Facts that broke a rule, by payer and input file. */
export type RuleSources = z.output<typeof ruleSourcesSchema>

const ruleResultSchema = z.object({
  /** Name of the rule in `data_quality.rules`. */
  name: z.string(),
  kind: z.enum(RULE_KINDS),
  /**
   * What of several things this result is about: a column (`state`), a table (`dim_npi`), a measure (`mean_rate`). Null
   * where the rule looks at one thing only. (name, subject) is unique in a record.
   */
  subject: z.string().nullable(),
  /** What holds where the rule is kept, in words: "negotiated_rate lies between 0.01 and 1000000". */
  meaning: z.string(),
  /** What is counted in `checked` and `failed`. */
  unit: z.enum(['facts', 'rows', 'input rows', 'partitions', 'keys', 'runs']),
  checked: count,
  failed: count,
  /** `failed` / `checked`, 0 to 1; of kind `volume`: the change against the run before, 0.25 for a quarter more or less. */
  share: z.number().nonnegative(),
  /** The largest share that is not a violation (`max_share` of the rule). */
  threshold: z.number(),
  severity: z.enum(['error', 'warn']),
  /** What becomes of facts that break the rule: set aside, or not. `fail`: a violation stops the run. */
  onViolation: z.enum(['fail', 'quarantine', 'keep']),
  /**
   * - `passed`: the share is not above the threshold (`failed` may be more than 0)
   * - `warned`: it is, and the run goes on (unless `data_quality.fail_on` is `warn`)
   * - `failed`: it is, and the run stops before anything is published
   * - `skipped`: there was nothing to judge by; `examples` say why
   */
  outcome: z.enum(['passed', 'warned', 'failed', 'skipped']),
  /** Facts that this rule set aside. A fact is set aside once, by the first rule that it breaks. */
  quarantined: count,
  /** Up to ten things that broke the rule, identities masked, at most 200 characters each. Data: escape when shown. */
  examples: z.array(z.string()).max(10).readonly(),
  /**
   * Where what broke the rule comes from: of rules on facts that were violated or set facts aside. Others have none, and
   * so have records of earlier versions.
   */
  sources: ruleSourcesSchema.optional(),
})

/** What a rule gave, for one subject. */
export type RuleResult = z.output<typeof ruleResultSchema>

/** `screen.json`: what the rules on single facts gave, before the plan. */
export const screenRecordSchema = z.object({
  formatVersion: z.literal(1),
  facts: count,
  quarantined: count,
  rules: z.array(ruleResultSchema).readonly(),
})

/** `screen.json`: what the rules on single facts gave, before the plan. */
export type ScreenRecord = z.output<typeof screenRecordSchema>

/** `quality.json`: the results of all rules, those of the screen included, in the order of the configuration. */
export const qualityRecordSchema = z.object({
  formatVersion: z.literal(1),
  /** The run's clock, ISO 8601, UTC: taken when the run was opened; what "not in the future" refers to. */
  asOf: z.string(),
  /** The ledger of facts: read = written + quarantined. */
  facts: z.object({ read: count, written: count, quarantined: count }),
  /** What the next run compares itself with (kind `volume`). */
  figures: z.object({
    rows: count,
    partitions: count,
    /** Mean of the dollar rates over rows; percentages never count. Null where there is none. */
    meanRate: z.number().nullable(),
  }),
  rules: z.array(ruleResultSchema).readonly(),
})

/** `quality.json`: the results of all rules. */
export type QualityRecord = z.output<typeof qualityRecordSchema>
