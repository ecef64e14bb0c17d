import { describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { clockOfWork, ruleSetOf } from '../../../src/quality/rule-set.js'
import {
  type Changes,
  goodFact,
  goodFacts,
  goodPlace,
  goodProvider,
  goodStar,
  NPI_A,
  NPI_B,
} from '../../stars/good-star.js'
import { AS_OF, type JudgeOptions, judged } from './judged-star.js'

/** Facts of one code with these rates; uids `r0`, `r1` … */
function rated(rates: readonly number[], values: Parameters<typeof goodFact>[1] = {}) {
  return rates.map((negotiated_rate, i) => goodFact(i, { ...values, fact_uid: `r${i}`, negotiated_rate }))
}

interface Case {
  readonly what: string
  readonly changes: Changes
  readonly options?: JudgeOptions
  readonly rule: string
  readonly subject?: string
  readonly is: Readonly<Record<string, unknown>>
  readonly examples?: readonly string[]
}

const NO_WARN = { max_share: 1 }

// The counts are by hand: see good-star.ts for how many rows a fact and a provider have.
const CASES: readonly Case[] = [
  {
    what: 'a required column that is empty or NULL',
    changes: { 'gold/fact_rate': goodFacts({ 0: { payer_slug: '' }, 3: { payer_slug: null }, 4: { fact_uid: null } }) },
    rule: 'required',
    is: { kind: 'required', unit: 'facts', checked: 10, failed: 3, share: 0.3, quarantined: 3, outcome: 'failed' },
    examples: ['(no fact_uid): fact_uid is missing', 'f…: payer_slug is missing', 'f…: payer_slug is missing'],
  },
  {
    what: "a column that one's own rule requires, and that stays",
    changes: { 'gold/fact_rate': goodFacts({ 1: { expiration_date: null } }) },
    options: { rules: { dated: { kind: 'required', columns: ['expiration_date', 'code'], max_share: 0.05 } } },
    rule: 'dated',
    is: { checked: 10, failed: 1, quarantined: 0, outcome: 'warned', threshold: 0.05 },
  },
  {
    what: 'rates that are negative, absurd or no numbers; NULL and 0 are the matter of other rules',
    changes: {
      'gold/fact_rate': goodFacts({
        0: { negotiated_rate: -5 },
        1: { negotiated_rate: 1_000_000.01 },
        2: { negotiated_rate: Number.NaN },
        3: { negotiated_rate: null },
        4: { negotiated_rate: 0 },
        5: { negotiated_rate: 1_000_000 },
        6: { negotiated_rate: 0.01 },
      }),
    },
    rule: 'rate_range',
    is: { kind: 'range', checked: 8, failed: 3, quarantined: 3, outcome: 'failed', threshold: 0.01 },
    examples: ['f…: negotiated_rate -5.0', 'f…: negotiated_rate 1000000.01', 'f…: negotiated_rate nan'],
  },
  {
    what: 'zero rates, which have a rule and a share of their own',
    changes: { 'gold/fact_rate': goodFacts({ 2: { negotiated_rate: 0 }, 3: { negotiated_rate: -0 } }) },
    rule: 'zero_rate',
    is: { kind: 'zero', checked: 10, failed: 2, quarantined: 2, outcome: 'warned', severity: 'warn' },
  },
  {
    what: 'percentages that are fractions; dollars are not judged',
    changes: {
      'gold/fact_rate': goodFacts({
        0: { negotiated_type: 'percentage', negotiated_rate: 0.65 },
        1: { negotiated_type: 'Percentage', negotiated_rate: 62.5 },
        2: { negotiated_type: 'percentage', negotiated_rate: 65 },
        3: { negotiated_rate: 12.5 },
      }),
    },
    rule: 'percentage',
    is: { checked: 3, failed: 2, quarantined: 0, outcome: 'warned' },
  },
  {
    what: 'a billing class that there is not',
    changes: { 'gold/fact_rate': goodFacts({ 1: { billing_class: 'profesional' }, 2: { billing_class: null } }) },
    rule: 'billing_class',
    is: { kind: 'allowed', checked: 9, failed: 1, quarantined: 0, outcome: 'warned' },
    examples: ['f…: billing_class profesional'],
  },
  {
    what: 'a market that is no state or territory',
    changes: { 'gold/fact_rate': goodFacts({ 1: { state: 'XX' }, 2: { state: 'PR' }, 3: { state: 'tx' } }) },
    rule: 'market_state',
    is: { checked: 10, failed: 2, outcome: 'warned' },
  },
  {
    what: "a provider's state that there is not, weighted by its rows",
    changes: { 'dims/dim_npi_address': [goodPlace(NPI_A), goodPlace(NPI_B, { state: 'ON' })] },
    rule: 'provider_state',
    is: { unit: 'rows', checked: 15, failed: 5, outcome: 'warned' },
    examples: ['state ON (NPI 1245…, 5 rows)'],
  },
  {
    what: 'a month that there is not',
    changes: { 'gold/fact_rate': goodFacts({ 5: { year_month: '2025-13' }, 6: { year_month: '202513' } }) },
    rule: 'year_month',
    is: { kind: 'pattern', checked: 10, failed: 2, outcome: 'warned' },
  },
  {
    what: 'NPIs with a wrong check digit or a wrong length, weighted by their rows',
    changes: {
      'dims/dim_npi': [goodProvider(NPI_A), goodProvider('1245319590'), goodProvider('12345')],
      'xrefs/xref_pg_member_npi': [
        { pg_uid: 'g1', npi: NPI_A },
        { pg_uid: 'g1', npi: '1245319590' },
        { pg_uid: 'g2', npi: '12345' },
      ],
    },
    rule: 'npi',
    is: { checked: 15, failed: 10, outcome: 'warned' },
    examples: ['npi 12… (NPI 12…, 5 rows)', 'npi 1245… (NPI 1245…, 5 rows)'],
  },
  {
    what: 'a ZIP code that is none',
    changes: {
      'dims/dim_npi_address': [goodPlace(NPI_A, { postal_code: '7870' }), goodPlace(NPI_B, { postal_code: '78701' })],
    },
    rule: 'postal_code',
    is: { checked: 15, failed: 10, outcome: 'warned' },
    examples: ['postal_code 78… (NPI 1234…, 10 rows)'],
  },
  {
    what: 'an identity that occurs twice; none of the two is set aside',
    changes: { 'gold/fact_rate': goodFacts({ 4: { fact_uid: 'f7' } }) },
    rule: 'unique_fact_uid',
    is: { kind: 'unique', checked: 10, failed: 2, quarantined: 0, outcome: 'failed' },
    examples: ['f…: another fact has the same fact_uid', 'f…: another fact has the same fact_uid'],
  },
  {
    what: 'an identity that occurs twice, both set aside where that is asked for',
    changes: { 'gold/fact_rate': goodFacts({ 4: { fact_uid: 'f7' } }) },
    options: { rules: { unique_fact_uid: { severity: 'warn', on_violation: 'quarantine' } } },
    rule: 'unique_fact_uid',
    is: { failed: 2, quarantined: 2, outcome: 'warned' },
  },
  {
    what: 'rows of a dimension that repeat another one',
    changes: {
      'dims/dim_provider_group': [{ pg_uid: 'g1' }, { pg_uid: 'g2' }, { pg_uid: 'g2' }],
    },
    rule: 'dimension_keys',
    subject: 'dim_provider_group',
    is: { unit: 'keys', checked: 3, failed: 1, outcome: 'warned' },
  },
  {
    what: 'facts with orphaned codes, set aside where that is asked for',
    changes: { 'gold/fact_rate': goodFacts({ 3: { code: 'X9' }, 4: { code: 'X9' } }) },
    options: {
      rules: {
        known_code: { kind: 'reference', references: ['dim_code'], on_violation: 'quarantine', max_share: 0.5 },
      },
    },
    rule: 'known_code',
    is: { failed: 2, quarantined: 2, outcome: 'passed' },
  },
  {
    what: 'a provider that dim_npi does not know, weighted by its rows',
    changes: { 'dims/dim_npi': [goodProvider(NPI_B)] },
    rule: 'references',
    subject: 'dim_npi',
    is: { unit: 'rows', checked: 15, failed: 10, outcome: 'warned' },
  },
  {
    what: 'a provider without a LOCATION address, weighted by its rows',
    changes: { 'dims/dim_npi_address': [goodPlace(NPI_A)], 'dims/dim_npi_address_geolocation': [goodPlace(NPI_A)] },
    rule: 'references',
    subject: 'dim_npi_address',
    is: { checked: 15, failed: 5, outcome: 'warned' },
  },
  {
    what: 'an unknown area, of which half is taken',
    changes: {
      'dims/dim_npi_address_geolocation': [goodPlace(NPI_A, { stat_area_name: '' }), goodPlace(NPI_B)],
    },
    rule: 'unknown_area',
    is: { kind: 'null_ratio', unit: 'rows', checked: 15, failed: 10, threshold: 0.5, outcome: 'warned' },
  },
  {
    what: 'an unknown taxonomy, of which three in ten are taken',
    changes: { 'dims/dim_npi': [goodProvider(NPI_A), goodProvider(NPI_B, { primary_taxonomy_code: null })] },
    rule: 'unknown_taxonomy',
    is: { failed: 5, threshold: 0.3, outcome: 'warned' },
  },
  {
    what: 'another partition column, of which one in ten is taken',
    changes: { 'gold/fact_rate': goodFacts({ 0: { billing_class: null } }) },
    rule: 'unknown_partition',
    subject: 'billing_class',
    is: { checked: 15, failed: 2, threshold: 0.1, outcome: 'warned' },
  },
  {
    what: 'a group without members: its rows have no NPI',
    changes: { 'xrefs/xref_pg_member_npi': [{ pg_uid: 'g1', npi: NPI_A }] },
    rule: 'unknown_value',
    subject: 'npi',
    is: { checked: 10, failed: 5, outcome: 'warned' },
  },
  {
    what: 'partitions with too many rows and with too few',
    changes: { 'gold/fact_rate': goodFacts({ 1: { billing_class: 'both' }, 2: { billing_class: 'institutional' } }) },
    options: { rules: { partition_rows: { min_rows_per_partition: 2, max_rows_per_partition: 11 } } },
    // professional: 4 facts of g1 and 4 of g2 are 12 rows; both: 1; institutional: 2.
    rule: 'partition_rows',
    is: { unit: 'partitions', checked: 3, failed: 2, outcome: 'warned' },
  },
  {
    what: 'coordinates at 0/0, half a coordinate, and a place elsewhere',
    changes: {
      'dims/dim_npi_address_geolocation': [
        goodPlace(NPI_A, { latitude: 0, longitude: 0 }),
        goodPlace(NPI_B, { longitude: null }),
      ],
    },
    rule: 'coordinates',
    is: { checked: 15, failed: 15, outcome: 'warned' },
  },
  {
    what: 'a place that is on earth, but not in the United States',
    changes: {
      'dims/dim_npi_address_geolocation': [
        goodPlace(NPI_A, { latitude: 48.85, longitude: 2.35 }),
        goodPlace(NPI_B, { latitude: 13.44, longitude: 144.79 }),
      ],
    },
    rule: 'coordinates',
    is: { checked: 15, failed: 10, outcome: 'warned' },
    examples: ['about 48.9, 2.4 (NPI 1234…, 10 rows)'],
  },
  {
    what: 'months in the future and months that are too old, counted from the month of the run',
    changes: {
      'gold/fact_rate': goodFacts({
        0: { year_month: '2026-02' },
        1: { year_month: '2026-01' },
        2: { year_month: '2022-12' },
        3: { year_month: '2023-01' },
        4: { year_month: 'never' },
      }),
    },
    rule: 'freshness',
    is: { kind: 'freshness', checked: 9, failed: 2, outcome: 'warned' },
    examples: ['f…: year_month 2026-02', 'f…: year_month 2022-12'],
  },
  {
    what: 'agreements that have ended, set aside where that is asked for',
    changes: { 'gold/fact_rate': goodFacts({ 7: { expiration_date: '2019-12-31' } }) },
    options: {
      rules: {
        ended: {
          kind: 'freshness',
          column: 'expiration_date',
          max_months_ahead: 12_000,
          on_violation: 'quarantine',
          max_share: 0.2,
        },
      },
    },
    rule: 'ended',
    is: { failed: 1, quarantined: 1, outcome: 'passed' },
  },
  {
    what: 'a rate far from the median of its code',
    // 100 … 119 and 1000: the median is 110, the median deviation from it 5, so 20 of them reach from 10 to 210.
    changes: { 'gold/fact_rate': rated([...Array.from({ length: 20 }, (_, i) => 100 + i), 1000]) },
    options: { rules: { rate_outliers: { max_share: 0.01, deviations: 20 } } },
    rule: 'rate_outliers',
    is: { kind: 'outliers', checked: 21, failed: 1, outcome: 'warned' },
    examples: ['r…: negotiated_rate 1000.0 where 10.0 to 210.0 are usual for code X1'],
  },
  {
    what: "a statement of one's own that returns rows",
    changes: { 'gold/fact_rate': goodFacts({ 1: { negotiated_rate: 500 } }) },
    options: {
      rules: {
        cheap: {
          kind: 'sql',
          sql: 'SELECT fact_uid, negotiated_rate FROM fact_rates WHERE negotiated_rate > 400',
          meaning: 'rates are low',
        },
      },
    },
    rule: 'cheap',
    is: { kind: 'sql', checked: 10, failed: 1, share: 0.1, outcome: 'warned', meaning: 'rates are low' },
    examples: ['fact_uid f…, negotiated_rate 500.0'],
  },
  {
    what: "the facts that a statement of one's own returns, set aside where that is asked for",
    changes: {},
    options: {
      rules: {
        odd: {
          kind: 'sql',
          sql: "SELECT fact_row FROM facts f JOIN groups g USING (group_id) WHERE pg_uid = 'g2' -- odd ones",
          on_violation: 'quarantine',
          ...NO_WARN,
        },
      },
    },
    rule: 'odd',
    is: { checked: 10, failed: 5, quarantined: 5, outcome: 'passed' },
  },
]

describe('a rule', () => {
  it.each(CASES)('finds $what', async ({ changes, options, rule, subject, is, examples }) => {
    const { result, quarantine, screen, table } = await judged(goodStar(changes), options)
    const found = result(rule, subject)
    expect(found).toMatchObject(is)
    if (examples !== undefined) expect(found.examples.toSorted()).toEqual(examples.toSorted())
    // The ledger: what is read is written or set aside, and each fact that is set aside names the rule that did so.
    expect(screen.facts).toBe(table.facts + screen.quarantined)
    expect(quarantine.length).toBe(screen.quarantined)
    expect(quarantine.filter((row) => row['rule'] === rule).length).toBe(found.quarantined)
  })

  it('finds the orphans of each foreign key of the facts, by table', async () => {
    const { result } = await judged(
      goodStar({
        'gold/fact_rate': goodFacts({
          0: { payer_slug: 'nobody' },
          1: { code: 'X9' },
          2: { code_type: 'HCPCS' },
          3: { pos_set_id: 'p9' },
          4: { pg_uid: 'g9' },
          5: { pg_uid: null, pos_set_id: null },
        }),
      }),
    )
    const counts = (table: string) => {
      const { kind, unit, checked, failed, outcome } = result('references', table)
      return { kind, unit, checked, failed, outcome }
    }
    const orphans = (checked: number, failed: number) => ({
      kind: 'reference',
      unit: 'facts',
      checked,
      failed,
      outcome: 'warned',
    })
    expect(counts('dim_payer')).toEqual(orphans(10, 1))
    expect(counts('dim_code')).toEqual(orphans(10, 2))
    expect(counts('dim_code_cat')).toEqual(orphans(10, 1))
    expect(counts('dim_pos_set')).toEqual(orphans(9, 1))
    for (const table of ['dim_provider_group', 'xref_pg_member_npi', 'xref_pg_member_tin'])
      expect(counts(table), table).toEqual(orphans(9, 1))
  })

  it('finds nothing in a good star, whatever its kind', async () => {
    const { results, violated, screen, table } = await judged(goodStar(), {
      rules: { own: { kind: 'sql', sql: 'SELECT * FROM facts WHERE negotiated_rate > 1000' } },
    })
    expect(violated).toEqual([])
    expect(results.filter((r) => r.failed > 0 && r.name !== 'sparse_value')).toEqual([])
    expect(new Set(results.map((r) => r.kind)).size).toBe(16)
    expect(screen).toMatchObject({ facts: 10, quarantined: 0 })
    expect(table).toMatchObject({ facts: 10, figures: { rows: 15, partitions: 1 } })
  })

  it('names each column whose texts hold what nobody sees, and the characters, whatever else is in order', async () => {
    const star = goodStar({
      'gold/fact_rate': goodFacts({
        0: { negotiation_arrangement: '\ufeffffs' },
        1: { negotiation_arrangement: 'ffs\u200b\u2060' },
        2: { fact_uid: '\ufefff2' },
        3: { expiration_date: '2030-01-01\0' },
      }),
      'dims/dim_pos_set': [{ pos_set_id: 'p1', pos_members: ['11', '\ufeff22'] }],
    })
    const { results, violated } = await judged(star, { rules: { references: { severity: 'off' } } })
    const marks = results.filter((r) => r.name === 'invisible_marks')
    expect(marks.map(({ subject, outcome, unit }) => [subject, outcome, unit])).toEqual(
      ['fact_uid', 'negotiation_arrangement', 'expiration_date', 'pos_members'].map((c) => [c, 'warned', 'rows']),
    )
    expect(violated.filter((name) => name.startsWith('invisible_marks'))).toHaveLength(4)
    expect(marks.map(({ failed }) => failed)).toEqual([2, 3, 1, 15])
    const examples = marks.flatMap((r) => r.examples)
    expect(examples.join()).not.toMatch(/[\ufeff\u200b\u2060\0]/)
    expect(marks.map((r) => r.examples)).toEqual([
      ['\\ufeff… holds U+FEFF (2 rows)'],
      ['\\ufeffffs holds U+FEFF (2 rows)', 'ffs\\u200b\\u2060 holds U+200B U+2060 (1 rows)'],
      ['2030-01-01\\u0000 holds U+0000 (1 rows)'],
      ['11, \\ufeff22 holds U+FEFF (15 rows)'],
    ])
  })

  it('sets a fact aside once, by the first rule that it breaks, and counts it in each', async () => {
    const facts = goodFacts({ 0: { payer_slug: null, negotiated_rate: -1 }, 1: { negotiated_rate: -1 } })
    const { result, quarantine } = await judged(goodStar({ 'gold/fact_rate': facts }))
    expect(result('required')).toMatchObject({ failed: 1, quarantined: 1 })
    expect(result('rate_range')).toMatchObject({ failed: 2, quarantined: 1 })
    expect(quarantine.map((row) => [row['rule'], row['found'], row['negotiated_rate']])).toEqual(
      expect.arrayContaining([
        ['required', 'payer_slug is missing', -1],
        ['rate_range', 'negotiated_rate -1.0', -1],
      ]),
    )
  })

  it('is not evaluated when its severity is off; then its facts stay', async () => {
    const star = goodStar({ 'gold/fact_rate': goodFacts({ 0: { negotiated_rate: 0 } }) })
    const { results, screen } = await judged(star, { rules: { zero_rate: { severity: 'off' } } })
    expect(results.some((r) => r.name === 'zero_rate')).toBe(false)
    expect(screen.quarantined).toBe(0)
  })

  it('stops the run with on_violation: fail, also when it only warns', async () => {
    const star = goodStar({ 'gold/fact_rate': goodFacts({ 0: { billing_class: 'other' } }) })
    const { result } = await judged(star, { rules: { billing_class: { on_violation: 'fail' } } })
    expect(result('billing_class')).toMatchObject({ severity: 'warn', outcome: 'failed', quarantined: 0 })
  })

  it('always requires what nothing can stand without', async () => {
    const star = goodStar({ 'gold/fact_rate': goodFacts({ 0: { negotiated_rate: null }, 1: { fact_uid: '' } }) })
    const { result } = await judged(star, { rules: { required: { columns: ['code'] } } })
    expect(result('required')).toMatchObject({
      failed: 2,
      quarantined: 2,
      meaning: 'each fact has fact_uid, negotiated_rate, code',
    })
  })

  it('masks identities and shows at most ten examples, without control characters', async () => {
    const facts = Array.from({ length: 30 }, (_, i) =>
      goodFact(i, { fact_uid: `identity-${i}`, billing_class: `\u001b[31m${i}` }),
    )
    const { result } = await judged(goodStar({ 'gold/fact_rate': facts }))
    const { examples, failed } = result('billing_class')
    expect(failed).toBe(30)
    expect(examples.length).toBe(10)
    for (const example of examples) expect(example).toMatch(/^iden…: billing_class \\u001b\[31m\d+$/)
  })
})

describe('outliers', () => {
  it('are not looked for where half of the rates are equal, where facts are few, and among percentages', async () => {
    const equal = rated([...Array.from({ length: 20 }, () => 100), 100_000])
    const few = rated([100, 101, 102, 100_000], { code: 'X2' })
    const percentages = rated([...Array.from({ length: 20 }, (_, i) => 10 + i), 900], {
      code: 'X3',
      negotiated_type: 'percentage',
    })
    const facts = [...equal, ...few, ...percentages].map((fact, i) => ({ ...fact, fact_uid: `u${i}` }))
    const { result } = await judged(goodStar({ 'gold/fact_rate': facts }))
    expect(result('rate_outliers')).toMatchObject({ checked: 0, failed: 0, outcome: 'passed' })
  })
})

describe('the volume', () => {
  const before = { rows: 20, partitions: 1, meanRate: 104 }

  it('is compared with the last published run, measure by measure', async () => {
    const { result } = await judged(goodStar(), { before })
    expect(result('volume', 'rows')).toMatchObject({
      share: 0.25,
      failed: 1,
      outcome: 'warned',
      examples: ['20 before, 15 now'],
    })
    expect(result('volume', 'partitions')).toMatchObject({ share: 0, outcome: 'passed' })
    expect(result('volume', 'mean_rate').outcome).toBe('passed')
  })

  it('knows the mean of dollars over rows, and leaves percentages out', async () => {
    // f0 … f9 have 100 … 109; even ones count twice. Without f9, which is a percentage: 2·(100+…+108) + 101+103+105+107.
    const facts = goodFacts({ 9: { negotiated_type: 'percentage', negotiated_rate: 90 } })
    const { table } = await judged(goodStar({ 'gold/fact_rate': facts }))
    expect(table.figures.meanRate).toBeCloseTo((2 * (100 + 102 + 104 + 106 + 108) + 101 + 103 + 105 + 107) / 14, 12)
  })

  it('is not judged without a run before', async () => {
    const { result } = await judged(goodStar())
    expect(result('volume', 'rows')).toMatchObject({ outcome: 'skipped', checked: 0, failed: 0 })
  })
})

describe('a rule that cannot be applied', () => {
  it.each([
    [{ own: { kind: 'allowed', column: 'colour', values: ['red'] } }, /own: there is no column "colour"/],
    [{ own: { kind: 'allowed', column: 'benchmark_type', values: ['a'] } }, /depends on fact and provider/],
    [{ own: { kind: 'range', column: 'city', min: 0, max: 1 } }, /holds no numbers but string/],
    [{ own: { kind: 'pattern', column: 'latitude', pattern: '.*' } }, /holds no texts but double/],
    [{ own: { kind: 'required', columns: ['city'] } }, /a column of providers/],
    [{ own: { kind: 'null_ratio', columns: ['colour'] } }, /there is no column "colour"/],
    [{ provider_state: { on_violation: 'quarantine' } }, /cannot quarantine facts, because it looks at providers/],
    [{ references: { on_violation: 'quarantine' } }, /looks at providers \(dim_npi\)/],
    [{ volume: { on_violation: 'quarantine' } }, /looks at the table as a whole/],
  ])('%j is refused before anything is read', (rules, message) => {
    const config = configSchema.parse({ data_quality: { rules } })
    expect(() => ruleSetOf(config.data_quality, AS_OF)).toThrow(message)
    expect(() => ruleSetOf(config.data_quality, AS_OF)).toThrow(expect.objectContaining({ code: 'ETL3-CF-13' }))
  })

  it('a pattern that is none of RE2 is refused', async () => {
    const rules = { own: { kind: 'pattern', column: 'city', pattern: '(?<=a)b' } }
    await expect(judged(goodStar(), { rules })).rejects.toMatchObject({ code: 'ETL3-CF-13' })
  })
})

describe('the work of a run', () => {
  const clock = (rules: object, at: string) =>
    clockOfWork(configSchema.parse({ data_quality: { rules } }).data_quality, new Date(at))

  it('hangs on the clock only where the clock decides which facts are written, and then by the month', () => {
    expect(clock({}, '2026-01-15T00:00:00Z')).toEqual({})
    const rules = { freshness: { on_violation: 'quarantine' } }
    expect(clock(rules, '2026-01-15T00:00:00Z')).toEqual({ freshness: { earliest: '2023-01', latest: '2026-01' } })
    expect(clock(rules, '2026-01-31T23:59:59Z')).toEqual(clock(rules, '2026-01-01T00:00:00Z'))
    expect(clock(rules, '2026-02-01T00:00:00Z')).not.toEqual(clock(rules, '2026-01-31T23:59:59Z'))
    expect(clock({ freshness: { on_violation: 'quarantine', severity: 'off' } }, '2026-01-15T00:00:00Z')).toEqual({})
  })
})
