/**
 * The columns of the two tables of rates: what a price list of the table says of each code. Files, catalog and
 * docs/data-dictionary.md come from here.
 */

/** A column of a table of rates. */
export interface RateColumn {
  readonly name: string
  readonly type: 'string' | 'bigint' | 'double'
  readonly meaning: string
}

/** What a group of rates is of: no figure mixes two of these. */
const UNIT: RateColumn = {
  name: 'rate_unit',
  type: 'string',
  meaning: 'What negotiated_rate is: dollars, dollars per day, dollars per case, percent or unknown.',
}

const PAYER: RateColumn = { name: 'payer_slug', type: 'string', meaning: 'Short name of the payer.' }
const STATE: RateColumn = { name: 'state', type: 'string', meaning: "State of the provider's LOCATION address." }
const CLASS: RateColumn = { name: 'billing_class', type: 'string', meaning: 'professional, institutional or both.' }

const CODE: readonly RateColumn[] = [
  { name: 'code_type', type: 'string', meaning: 'Kind of billing code: CPT, HCPCS, MS-DRG …' },
  { name: 'code', type: 'string', meaning: 'Billing code.' },
  { name: 'code_name', type: 'string', meaning: 'Name of the code.' },
]

const FIGURES: readonly RateColumn[] = [
  { name: 'facts', type: 'bigint', meaning: 'Facts of which a row is in the group. Each counts once.' },
  { name: 'rows', type: 'bigint', meaning: 'Rows of the table in the group: one for each fact and provider.' },
  {
    name: 'rate_count',
    type: 'bigint',
    meaning: 'Facts whose rate is a finite number. The figures of the rate are over these, each once.',
  },
  { name: 'rate_min', type: 'double', meaning: 'Lowest rate. NULL, as the next ones, where rate_count is 0.' },
  { name: 'rate_p25', type: 'double', meaning: 'First quartile of the rate.' },
  { name: 'rate_median', type: 'double', meaning: 'Median of the rate.' },
  { name: 'rate_p75', type: 'double', meaning: 'Third quartile of the rate.' },
  { name: 'rate_max', type: 'double', meaning: 'Highest rate.' },
  {
    name: 'rate_median_of_rows',
    type: 'double',
    meaning: 'Median of the rate over rows: a fact counts as often as it has providers in the group.',
  },
  {
    name: 'ratio_count',
    type: 'bigint',
    meaning: 'Facts that have a rate_to_medicare_ratio, counted once in each state. The next ones are over these.',
  },
  { name: 'ratio_p25', type: 'double', meaning: 'First quartile of rate_to_medicare_ratio.' },
  { name: 'ratio_median', type: 'double', meaning: 'Median of rate_to_medicare_ratio.' },
  { name: 'ratio_p75', type: 'double', meaning: 'Third quartile of rate_to_medicare_ratio.' },
]

/** Columns of `rates`: a row for each payer, state, billing class, code and unit that the table has. */
export const RATE_COLUMNS: readonly RateColumn[] = [PAYER, STATE, CLASS, ...CODE, UNIT, ...FIGURES]

/** Columns of `rates_by_payer`: the same with all states together. Quartiles of parts do not add up to those of the whole. */
export const PAYER_RATE_COLUMNS: readonly RateColumn[] = RATE_COLUMNS.filter((column) => column !== STATE)
