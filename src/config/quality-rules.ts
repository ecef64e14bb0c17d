/**
 * The quality rules as the configuration holds them: `data_quality.rules`, a map by name. The rules that are on by
 * default stand under names of their own, so that one value of a rule can be changed alone; any other name is a rule of
 * the user's own and says its kind.
 */
import { z } from 'zod'

/** The 50 states, the District of Columbia, the territories and freely associated states, and the military "states". */
export const STATES_AND_TERRITORIES = (
  'AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA ' +
  'RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI UM FM MH PW AA AE AP'
).split(' ')

/** Foreign keys of the star, each by the table that it points into. */
export const REFERENCES = [
  'dim_payer',
  'dim_code',
  'dim_code_cat',
  'dim_pos_set',
  'dim_provider_group',
  'xref_pg_member_npi',
  'xref_pg_member_tin',
  'dim_npi',
  'dim_npi_address',
] as const

/** Columns whose words decide something that is computed or chosen (docs/vocabulary.md). */
export const VOCABULARY_COLUMNS = [
  'negotiated_type',
  'code_type',
  'enumeration_type',
  'sole_proprietor',
  'country_code',
  'address_purpose',
  'modifier',
] as const

/** Measures that are compared with the last published run. */
export const VOLUME_MEASURES = ['rows', 'partitions', 'mean_rate'] as const

/** Output columns that nearly every row of a good table holds. */
const EXPECTED_COLUMNS = [
  'market_state',
  'year_month',
  'code_type',
  'code',
  'code_description',
  'negotiated_type',
  'negotiated_rate',
  'expiration_date',
  'pg_uid',
  'reporting_entity_name',
  'npi',
  'enumeration_type',
  'npi_status',
  'city',
  'postal_code',
]

const column = z.string().min(1).describe('A column of the table (see the data dictionary).')
const columns = z.array(z.string().min(1)).min(1).max(200)
const SEVERITY = ['error', 'warn', 'off'] as const

interface Common {
  readonly severity: 'error' | 'warn'
  readonly max_share: number
  readonly on_violation: 'quarantine' | 'keep'
}

/** A rule of the user's own, unless it says otherwise: one that breaks it is told, and stays. */
const OWN: Common = { severity: 'warn', max_share: 0, on_violation: 'keep' }

function common({ severity, max_share, on_violation }: Common) {
  return {
    severity: z.enum(SEVERITY).default(severity).describe('error stops the run, warn is reported, off: not evaluated.'),
    max_share: z.number().min(0).max(1000).default(max_share).describe('A larger share violates the rule.'),
    on_violation: z
      .enum(['fail', 'quarantine', 'keep'])
      .default(on_violation)
      .describe('Facts that break the rule: set aside, or kept. fail: kept, and a violation always stops the run.'),
  }
}

function required(d: Common & { columns: string[] }) {
  return z.strictObject({
    kind: z.literal('required').default('required'),
    ...common(d),
    columns: columns.default(d.columns).describe('Columns of a fact that must hold a value.'),
  })
}

function range(d: Common & { min: number; max: number; whole: boolean; rates: 'all' | 'dollars' | 'percentages' }) {
  return z.strictObject({
    kind: z.literal('range').default('range'),
    ...common(d),
    column: column.default('negotiated_rate'),
    min: z.number().default(d.min),
    max: z.number().default(d.max),
    whole: z.boolean().default(d.whole).describe('Whether only whole numbers are in the range.'),
    rates: z
      .enum(['all', 'dollars', 'percentages'])
      .default(d.rates)
      .describe('Which facts are judged, by their negotiated_type.'),
  })
}

function zero(d: Common) {
  return z.strictObject({
    kind: z.literal('zero').default('zero'),
    ...common(d),
    column: column.default('negotiated_rate'),
  })
}

function allowed(d: Common & { column: string; values: string[] }) {
  return z.strictObject({
    kind: z.literal('allowed').default('allowed'),
    ...common(d),
    column: column.default(d.column),
    values: z.array(z.string()).min(1).max(10_000).default(d.values).describe('The values that may occur.'),
  })
}

function vocabulary(d: Common) {
  return z.strictObject({
    kind: z.literal('vocabulary').default('vocabulary'),
    ...common(d),
    columns: z
      .array(z.enum(VOCABULARY_COLUMNS))
      .min(1)
      .default([...VOCABULARY_COLUMNS])
      .describe('Columns whose words decide something; each is judged by itself.'),
  })
}

function pattern(d: Common & { column: string; pattern: string; check_digit: 'none' | 'npi' }) {
  return z.strictObject({
    kind: z.literal('pattern').default('pattern'),
    ...common(d),
    column: column.default(d.column),
    pattern: z.string().min(1).max(1000).default(d.pattern).describe('Regular expression (RE2) for the whole value.'),
    check_digit: z
      .enum(['none', 'npi'])
      .default(d.check_digit)
      .describe('npi: the last digit is the Luhn check digit over 80840 and the digits before it.'),
  })
}

function unique(d: Common & { of: 'fact_uid' | 'dimension_keys' }) {
  return z.strictObject({
    kind: z.literal('unique').default('unique'),
    ...common(d),
    of: z.enum(['fact_uid', 'dimension_keys']).default(d.of).describe('What must not occur twice.'),
  })
}

function reference(d: Common) {
  return z.strictObject({
    kind: z.literal('reference').default('reference'),
    ...common(d),
    references: z
      .array(z.enum(REFERENCES))
      .min(1)
      .default([...REFERENCES])
      .describe('Tables in which keys must be found; each is judged by itself.'),
  })
}

function nullRatio(d: Common & { columns: string[] }) {
  return z.strictObject({
    kind: z.literal('null_ratio').default('null_ratio'),
    ...common(d),
    columns: columns
      .default(d.columns)
      .describe('Columns, or partition or output for all of these that no other rule of this kind names.'),
  })
}

function marks(d: Common & { columns: string[] }) {
  return z.strictObject({
    kind: z.literal('marks').default('marks'),
    ...common(d),
    columns: columns.default(d.columns).describe('Columns of texts, or output for all of them.'),
  })
}

function partitionRows(d: Common) {
  const bound = z.int().min(0).max(1_000_000_000_000)
  return z.strictObject({
    kind: z.literal('partition_rows').default('partition_rows'),
    ...common(d),
    min_rows_per_partition: bound.default(1),
    max_rows_per_partition: bound.default(10_000_000),
  })
}

function coordinates(d: Common) {
  return z.strictObject({
    kind: z.literal('coordinates').default('coordinates'),
    ...common(d),
    region: z.enum(['us', 'world']).default('us').describe('us: the states and territories.'),
  })
}

function freshness(d: Common & { max_months_old: number }) {
  return z.strictObject({
    kind: z.literal('freshness').default('freshness'),
    ...common(d),
    column: column.default('year_month'),
    max_months_old: z.int().min(0).max(12_000).default(d.max_months_old),
    max_months_ahead: z.int().min(0).max(12_000).default(0).describe('0: not after the month of the run.'),
  })
}

function volume(d: Common) {
  return z.strictObject({
    kind: z.literal('volume').default('volume'),
    ...common(d),
    measures: z
      .array(z.enum(VOLUME_MEASURES))
      .min(1)
      .default([...VOLUME_MEASURES])
      .describe('What is compared with the last published run; max_share is the largest change.'),
  })
}

function outliers(d: Common & { deviations: number; min_facts: number }) {
  return z.strictObject({
    kind: z.literal('outliers').default('outliers'),
    ...common(d),
    deviations: z
      .number()
      .positive()
      .default(d.deviations)
      .describe('Median absolute deviations from the median of the code beyond which a dollar rate is an outlier.'),
    min_facts: z.int().min(3).max(1_000_000_000).default(d.min_facts).describe('Codes with fewer are not judged.'),
  })
}

const sql = z.strictObject({
  kind: z.literal('sql'),
  ...common(OWN),
  sql: z.string().min(1).max(100_000).describe('A SELECT over the staged tables that returns what breaks the rule.'),
  meaning: z.string().min(1).max(200).default('the statement returns no row').describe('What holds, in words.'),
  timeout_ms: z.int().min(1).max(3_600_000).default(10_000),
})

const STAYS = { ...OWN, max_share: 0.1 }

/** A rule under a name of the user's own: it says its kind, and what the kind cannot guess. */
const ownRule = z.discriminatedUnion(
  'kind',
  [
    required({ ...OWN, columns: [] }).extend({ kind: z.literal('required'), columns }),
    range({ ...OWN, min: 0, max: 0, whole: false, rates: 'all' }).extend({
      kind: z.literal('range'),
      column,
      min: z.number(),
      max: z.number(),
    }),
    zero(OWN).extend({ kind: z.literal('zero'), column }),
    allowed({ ...OWN, column: '', values: [] }).extend({
      kind: z.literal('allowed'),
      column,
      values: z.array(z.string()).min(1).max(10_000),
    }),
    vocabulary(OWN).extend({ kind: z.literal('vocabulary') }),
    pattern({ ...OWN, column: '', pattern: '', check_digit: 'none' }).extend({
      kind: z.literal('pattern'),
      column,
      pattern: z.string().min(1).max(1000),
    }),
    unique({ ...OWN, of: 'fact_uid' }).extend({ kind: z.literal('unique') }),
    reference(OWN).extend({ kind: z.literal('reference') }),
    nullRatio({ ...STAYS, columns: [] }).extend({ kind: z.literal('null_ratio'), columns }),
    marks({ ...OWN, columns: [] }).extend({ kind: z.literal('marks'), columns }),
    partitionRows(OWN).extend({ kind: z.literal('partition_rows') }),
    coordinates(OWN).extend({ kind: z.literal('coordinates') }),
    freshness({ ...OWN, max_months_old: 36 }).extend({ kind: z.literal('freshness'), column }),
    volume(STAYS).extend({ kind: z.literal('volume') }),
    outliers({ ...STAYS, deviations: 20, min_facts: 20 }).extend({ kind: z.literal('outliers') }),
    sql,
  ],
  { error: 'a rule that is not on by default says its kind' },
)

/** A rule of any kind, every default filled in. */
export type ConfiguredRule = z.output<typeof ownRule>

/** Names of a user's own rules; they become part of dotted keys. */
const RULE_NAME = /^[a-z][a-z0-9_]*$/

/** All rules. The order is that in which they claim a fact: a fact is set aside once, by the first that it breaks. */
export const rulesSchema = z
  .object({
    // Nothing in the table can stand without these two, so this rule cannot be turned off.
    required: required({ severity: 'error', max_share: 0, on_violation: 'quarantine', columns: [] })
      .extend({
        severity: z.enum(['error', 'warn']).default('error'),
        on_violation: z.literal('quarantine').default('quarantine'),
        columns: columns
          .default(['fact_uid', 'payer_slug', 'negotiated_rate'])
          .describe('Columns of a fact that must hold a value; fact_uid and negotiated_rate always must.'),
      })
      .prefault({}),
    rate_range: range({
      ...{ severity: 'error', max_share: 0.01, on_violation: 'quarantine' },
      ...{ min: 0.01, max: 1_000_000, whole: false, rates: 'all' },
    }).prefault({}),
    zero_rate: zero({ severity: 'warn', max_share: 0.05, on_violation: 'quarantine' }).prefault({}),
    percentage: range({
      ...{ severity: 'warn', max_share: 0.01, on_violation: 'keep' },
      ...{ min: 1, max: 1000, whole: true, rates: 'percentages' },
    }).prefault({}),
    vocabulary: vocabulary(OWN).prefault({}),
    billing_class: allowed({
      ...OWN,
      column: 'billing_class',
      values: ['professional', 'institutional', 'both'],
    }).prefault({}),
    market_state: allowed({ ...OWN, column: 'market_state', values: STATES_AND_TERRITORIES }).prefault({}),
    provider_state: allowed({
      ...{ ...OWN, max_share: 0.01 },
      ...{ column: 'state', values: STATES_AND_TERRITORIES },
    }).prefault({}),
    year_month: pattern({
      ...OWN,
      ...{ column: 'year_month', pattern: '\\d{4}-(0[1-9]|1[0-2])', check_digit: 'none' },
    }).prefault({}),
    npi: pattern({ ...OWN, column: 'npi', pattern: '\\d{10}', check_digit: 'npi' }).prefault({}),
    postal_code: pattern({
      ...{ ...OWN, max_share: 0.01 },
      ...{ column: 'postal_code', pattern: '\\d{5}(-?\\d{4})?', check_digit: 'none' },
    }).prefault({}),
    unique_fact_uid: unique({ ...OWN, severity: 'error', of: 'fact_uid' }).prefault({}),
    dimension_keys: unique({ ...OWN, of: 'dimension_keys' }).prefault({}),
    references: reference({ ...OWN, max_share: 0.05 }).prefault({}),
    unknown_partition: nullRatio({ ...STAYS, columns: ['partition'] }).prefault({}),
    unknown_taxonomy: nullRatio({ ...OWN, max_share: 0.3, columns: ['primary_taxonomy_code'] }).prefault({}),
    unknown_area: nullRatio({ ...OWN, max_share: 0.5, columns: ['stat_area_name'] }).prefault({}),
    unknown_value: nullRatio({ ...STAYS, columns: EXPECTED_COLUMNS }).prefault({}),
    sparse_value: nullRatio({ ...OWN, max_share: 1, columns: ['output'] }).prefault({}),
    invisible_marks: marks({ ...OWN, columns: ['output'] }).prefault({}),
    partition_rows: partitionRows(OWN).prefault({}),
    coordinates: coordinates({ ...OWN, max_share: 0.01 }).prefault({}),
    freshness: freshness({ ...OWN, max_months_old: 36 }).prefault({}),
    volume: volume({ ...OWN, max_share: 0.2 }).prefault({}),
    rate_outliers: outliers({ ...OWN, max_share: 0.05, deviations: 20, min_facts: 20 }).prefault({}),
  })
  .catchall(ownRule)
  .superRefine((rules, context) => {
    for (const [name, rule] of Object.entries(rules)) {
      const complain = (path: string[], message: string): void => {
        context.addIssue({ code: 'custom', path: [name, ...path], message })
      }
      if (!RULE_NAME.test(name)) complain([], 'a name of a rule is small letters, digits and _, a letter first')
      if (rule.kind === 'range' && rule.min > rule.max) complain(['max'], 'the highest value is below the lowest')
      if (rule.kind === 'partition_rows' && rule.min_rows_per_partition > rule.max_rows_per_partition)
        complain(['max_rows_per_partition'], 'the most rows are fewer than the least')
    }
  })
