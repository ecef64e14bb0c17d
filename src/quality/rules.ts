/** The quality rules that look at single facts, as SQL over the staged facts joined with their dimensions. */
import type { Config } from '../config/schema.js'

/** How serious a violation is. */
export type Severity = 'error' | 'warn'

/** A rule on single facts. */
export interface FactRule {
  readonly name: string
  readonly severity: Severity
  /** Share of all facts above which the rule is violated. */
  readonly maxShare: number
  /** SQL condition that is true for a fact that breaks the rule. Columns: f (staged fact), a (attrs), c (codes), g (groups). */
  readonly broken: string
  /** SQL text that shows what was found. */
  readonly found: string
  readonly meaning: string
}

/** What a rule gave. */
export interface RuleResult {
  readonly name: string
  readonly severity: Severity
  readonly meaning: string
  readonly checked: number
  readonly failed: number
  readonly share: number
  readonly maxShare: number
  readonly violated: boolean
  /** Up to ten facts that broke the rule: identity and what was found. */
  readonly examples: readonly string[]
}

/** Columns without which a fact cannot stand in the table at all, whatever the configuration says. */
const ALWAYS_REQUIRED = ['fact_uid', 'negotiated_rate'] as const

type RequiredColumn = Config['data_quality']['required']['columns'][number]

const COLUMN_SQL: Readonly<Record<RequiredColumn, string>> = {
  fact_uid: "nullif(f.fact_uid, '')",
  payer_slug: "nullif(a.key_payer_slug, '')",
  code: "nullif(c.key_code, '')",
  year_month: "nullif(a.key_year_month, '')",
  billing_class: "nullif(a.key_billing_class, '')",
  pg_uid: "nullif(g.key_pg_uid, '')",
  negotiated_rate: 'f.negotiated_rate',
  negotiated_type: "nullif(a.key_negotiated_type, '')",
}

/** The rules of a configuration, in the order in which they claim a fact: a fact is set aside once, by the first. */
export function factRules({ required, rate_range }: Config['data_quality']): readonly FactRule[] {
  const columns = [...new Set<RequiredColumn>([...ALWAYS_REQUIRED, ...required.columns])]
  const missing = columns.map((c) => `${COLUMN_SQL[c]} IS NULL`)
  return [
    {
      name: 'required',
      severity: required.severity,
      maxShare: required.max_share,
      broken: missing.join(' OR '),
      found: `concat_ws(', ', ${columns.map((c) => `CASE WHEN ${COLUMN_SQL[c]} IS NULL THEN '${c} is missing' END`).join(', ')})`,
      meaning: `each fact has ${columns.join(', ')}`,
    },
    {
      name: 'rate_range',
      severity: rate_range.severity,
      maxShare: rate_range.max_share,
      broken: `NOT coalesce(f.negotiated_rate BETWEEN ${number(rate_range.min)} AND ${number(rate_range.max)}, false)`,
      found: "concat('negotiated_rate ', f.negotiated_rate)",
      meaning: `negotiated_rate lies between ${rate_range.min} and ${rate_range.max}`,
    },
  ]
}

/** A number of the configuration as SQL; zod has made sure that it is finite. */
function number(value: number): string {
  return `${value}::DOUBLE`
}
