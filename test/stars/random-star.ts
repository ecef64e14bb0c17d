/** Small random stars that hold every trap of real files, for properties: keys from small pools, values that bite. */
import fc from 'fast-check'
import { anyText, TRAPS } from './any-text.js'
import { COLUMNS, type Star, type StarFileName, type StarTable, type StarValue } from './star.js'

type Row = Readonly<Record<string, StarValue>>

/** What a random star may hold. */
export interface RandomStarOptions {
  readonly maxFacts?: number
  /** Whether optional columns may be missing, and the optional table. Default: true. */
  readonly missingParts?: boolean
}

const NASTY = [
  ...TRAPS,
  '',
  ' ',
  'a',
  'A',
  'ä',
  'a,b',
  "Coeur d'Alene, ID Metro Area",
  'x/y',
  'x\\y',
  '"quoted"',
  '%2F',
  '100%',
  'a=b',
  '__NULL__',
  '__null__',
  '__HIVE_DEFAULT_PARTITION__',
  '%5F_NULL__',
  'NULL',
  'null',
  '..',
  '.',
  'tab\tnewline\nreturn\r',
  '\u007f',
  '[a-z]*?',
  '{x}^',
  '#:',
  '\u{1f3e5} 東部',
  // Two spellings of one letter, and the order of UTF-16 against that of UTF-8.
  'e\u0301',
  '\u00e9',
  '\uffee',
  '\u{10000}',
]

/** Text that trips quoting, escaping, decoding, normalising and sorting. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 1, arbitrary: anyText() },
)

const filledText = nastyText.filter((s) => s !== '')
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 5 })
const maybeText = maybe(nastyText)
const from = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

// Keys come from pools this small, so that most of them meet.
const group = from('g0', 'g1', "g'2", 'g,3', 'G4', '\ufeffg0', 'g0\0', '')
const npi = from('9000000001', '9000000002', '9000000003', '9', '10', '0009', '\ufeff9')
const noNpi = from<string | null>('0', '0000000000', '', null)
const codeType = from('CPT', 'HCPCS', 'cpt')
const code = from('X1', 'X2', '0X1', 'x1', '100', 'é', 'e\u0301', '\ufeffX1')
// What the words of a column may look like; docs/vocabulary.md says what they mean.
const state = from('TX', 'TX', 'ID', 'ID', "S'T", '', ' tx', 'tx', '\ufeffTX', 'Idaho', 'PR', 'ON')
const benchState = from('TX', 'ID', "S'T", 'id\u00a0', '\ufeffTX', 'PR')
// Words that are read as one make one key of what else would be two.
const LOCATIONS = ['LOCATION', 'location', 'Location\u00a0', '\ufeffPRIMARY']
const ONE_KEY: ReadonlyMap<string, string> = new Map([
  ...LOCATIONS.map((word) => [word, 'LOCATION'] as const),
  ['id\u00a0', 'ID'],
  ['\ufeffTX', 'TX'],
])
const payer = from('payer-a', 'Payer, B', "p/c'", '\ufeffpayer-a', 'payer-a\u200b')
const posSet = from('p0', 'p1', 'p2', '\ufeffp2')
const yearMonth = from(
  '2025-06',
  '2025-12',
  '2024-01',
  '2023-07',
  '2025-13',
  '2025-00',
  '202506',
  '2025-06-01',
  '2025-6',
  '',
  ' 2025-06',
)
const rate = fc.oneof(
  fc.double({ min: 0.01, max: 1_000_000, noNaN: true }),
  from(0.01, 1_000_000, 100, 0.1 + 0.2, 33.33),
)
const money = fc.oneof(fc.double({ min: -10, max: 5_000, noNaN: true }), from(0, -0, 100, 33.33, 5e-324, Number.NaN))

const rowOf = (values: Record<string, fc.Arbitrary<StarValue>>): fc.Arbitrary<Row> => fc.record(values)

const factRow = rowOf({
  state: maybe(state),
  year_month: maybe(yearMonth),
  payer_slug: payer,
  billing_class: maybe(from('professional', 'institutional', 'both, really', '')),
  code_type: maybe(codeType),
  code: maybe(code),
  pg_uid: maybe(group),
  pos_set_id: maybe(posSet),
  negotiated_type: maybe(
    from(
      ...[
        'negotiated',
        'negotiated',
        'fee schedule',
        ' Fee_Schedule\u00a0',
        'deri\u200bved',
        'percentage',
        'PERCENTAGE',
      ],
      ...[
        'percentage ',
        '%',
        'percent of total billed charges',
        'per diem',
        'case rate',
        'algorithm',
        'negotiated?',
        '',
      ],
    ),
  ),
  negotiation_arrangement: maybe(from('ffs', 'bundle')),
  negotiated_rate: rate,
  expiration_date: maybe(from('2025-12-31', '9999-12-31', 'never')),
  provider_group_id_raw: maybe(from('1', '690.64462', 'EIN-NPI', '')),
  reporting_entity_name: maybeText,
})

const addressValues = {
  address_1: maybeText,
  address_2: maybeText,
  city: maybeText,
  state: maybe(state),
  postal_code: maybe(from('83835', '838351234')),
  country_code: maybe(from('US', 'US', 'US', ' usa', 'United States', 'CA', 'PR', 'Germany', '')),
  telephone_number: maybeText,
  fax_number: maybeText,
  last_updated: maybe(from('2025-01-01', '2024-01-01')),
}
const addressKey = {
  npi: maybe(npi),
  address_purpose: fc.oneof(
    { weight: 4, arbitrary: from(...LOCATIONS) },
    { weight: 1, arbitrary: from('MAILING', 'SECONDARY', 'HOME', '') },
  ),
  address_hash: from('a', 'b', 'B', 'é'),
}

/** Rows by file; a lookup's key columns, whose rows are kept unique and then partly doubled. */
const TABLES: readonly {
  readonly name: StarFileName
  readonly key: readonly string[]
  readonly rows: number
  readonly row: fc.Arbitrary<Row>
}[] = [
  {
    name: 'dims/dim_code',
    key: ['code_type', 'code'],
    rows: 10,
    row: rowOf({ code_type: maybe(codeType), code: maybe(code), code_description: maybeText, code_name: maybeText }),
  },
  {
    name: 'dims/dim_code_cat',
    key: [],
    rows: 10,
    row: rowOf({ proc_cd: maybe(code), proc_set: maybeText, proc_class: maybeText, proc_group: maybeText }),
  },
  {
    name: 'dims/dim_payer',
    key: ['payer_slug'],
    rows: 3,
    row: rowOf({ payer_slug: maybe(payer), reporting_entity_name: maybeText, version: from('1', '2') }),
  },
  {
    name: 'dims/dim_provider_group',
    key: ['pg_uid'],
    rows: 4,
    row: rowOf({ pg_uid: maybe(group), payer_slug: maybe(payer), provider_group_id_raw: maybeText }),
  },
  {
    name: 'dims/dim_pos_set',
    key: ['pos_set_id'],
    rows: 4,
    row: rowOf({
      pos_set_id: maybe(posSet),
      pos_members: maybe(
        fc.array(maybe(from('11', '22', '', "2'4", '\ufeff11', '2\0', '\u00e9', 'e\u0301', '"\\\n')), { maxLength: 3 }),
      ),
    }),
  },
  {
    name: 'dims/dim_npi',
    key: ['npi'],
    rows: 7,
    row: rowOf({
      npi: maybe(npi),
      first_name: maybeText,
      last_name: maybeText,
      organization_name: maybeText,
      enumeration_type: maybe(
        from('NPI-1', 'NPI-2', 'npi-1', '', '1', '2', '2.0', 'NPI 2 ', 'Organization', 'facility'),
      ),
      status: maybe(from('A', 'D')),
      primary_taxonomy_code: maybeText,
      primary_taxonomy_desc: maybeText,
      primary_taxonomy_state: maybe(state),
      primary_taxonomy_license: maybeText,
      credential: maybeText,
      sole_proprietor: maybe(from('YES', 'NO', 'X', 'yes', 'Y', ' n', 'true', '0', 'perhaps')),
      enumeration_date: maybe(from('2006-01-02')),
      last_updated: maybe(from('2025-01-01', '2024-01-01')),
    }),
  },
  {
    name: 'dims/dim_npi_address',
    key: ['npi', 'address_purpose', 'address_hash'],
    rows: 10,
    row: rowOf({ ...addressKey, ...addressValues }),
  },
  {
    name: 'dims/dim_npi_address_geolocation',
    key: ['npi', 'address_purpose', 'address_hash'],
    rows: 10,
    row: rowOf({
      ...addressKey,
      ...addressValues,
      latitude: maybe(fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), from(-0, 47.76))),
      longitude: maybe(fc.double({ min: -180, max: 180, noNaN: true })),
      county_name: maybeText,
      county_fips: maybe(from('16055', '01001')),
      stat_area_name: maybeText,
      stat_area_code: maybe(from('17660')),
      matched_address: maybeText,
    }),
  },
  {
    name: 'xrefs/xref_pg_member_npi',
    key: [],
    rows: 20,
    row: fc.oneof(
      { weight: 5, arbitrary: rowOf({ pg_uid: group, npi }) },
      { weight: 1, arbitrary: rowOf({ pg_uid: maybe(group), npi: noNpi }) },
      { weight: 1, arbitrary: rowOf({ pg_uid: from(null), npi }) },
    ),
  },
  {
    name: 'xrefs/xref_pg_member_tin',
    key: [],
    rows: 10,
    row: rowOf({
      pg_uid: maybe(group),
      tin_type: from('ein', 'npi'),
      tin_value: maybe(from('11', '2', '10', '', "3'", '\ufeff11', '\ufeff')),
    }),
  },
  {
    name: 'bench_medicare_professional',
    // Without the modifier: NULL and '' both mean none, and would be two rows of one key.
    key: ['state', 'code_type', 'code', 'data_year', 'year_month'],
    rows: 40,
    row: rowOf({
      state: maybe(benchState),
      code_type: maybe(codeType),
      code: maybe(code),
      modifier: from(null, null, null, '', ' ', 'none', '26', '2', 'TC'),
      data_year: from(2023, 2024, 2025, 2026),
      year_month: from('2024-07', '2025-01', '2025-07'),
      benchmark_type: maybe(from('professional')),
      medicare_prof_national: maybe(money),
      medicare_prof_stateavg: maybe(money),
      work_rvu: maybe(money),
      practice_expense_rvu: maybe(money),
      malpractice_rvu: maybe(money),
      total_rvu: maybe(money),
      conversion_factor: maybe(money),
    }),
  },
]

// What a star may lack (its columns are NULL then, and the run lists it). Written down here, not read from the contract.
const OPTIONAL_PARTS = [
  ...['pos_set_id', 'negotiation_arrangement', 'expiration_date', 'reporting_entity_name'].map(of('gold/fact_rate')),
  ...['code_description', 'code_name'].map(of('dims/dim_code')),
  ...['proc_group'].map(of('dims/dim_code_cat')),
  ...['reporting_entity_name', 'version'].map(of('dims/dim_payer')),
  ...['first_name', 'enumeration_type', 'credential', 'sole_proprietor', 'last_updated'].map(of('dims/dim_npi')),
  ...['address_2', 'fax_number'].map(of('dims/dim_npi_address')),
  ...['city', 'latitude', 'county_name', 'matched_address'].map(of('dims/dim_npi_address_geolocation')),
  ...['modifier', 'benchmark_type', 'medicare_prof_national', 'work_rvu'].map(of('bench_medicare_professional')),
  { name: 'bench_medicare_professional' } as const,
]

type OptionalPart = (typeof OPTIONAL_PARTS)[number]

function of<N extends StarFileName>(name: N): (column: string) => { readonly name: N; readonly column: string } {
  return (column) => ({ name, column })
}

/** A random star of at most `maxFacts` (30) facts. A part of the facts may lie in a second file with numeric group ids. */
export function randomStar(options: RandomStarOptions = {}): fc.Arbitrary<Star> {
  const { maxFacts = 30, missingParts = true } = options
  const facts = fc
    .uniqueArray(filledText, { minLength: 1, maxLength: maxFacts, size: 'max' })
    .chain((uids) =>
      fc.tuple(...uids.map((fact_uid) => factRow.map((row): Row => ({ fact_uid, ...row })))).map((rows): Row[] => rows),
    )
  const lookups = TABLES.map(({ name, key, rows, row }) =>
    fc
      .uniqueArray(row, {
        maxLength: rows,
        // Without it fast-check prefers tables so small that nothing meets.
        size: 'max',
        ...(key.length > 0 ? { selector: (r: Row) => keyOf(r, key) } : { selector: textOf }),
      })
      .chain((unique) => fc.subarray(unique).map((again) => ({ name, rows: [...unique, ...again] }))),
  )
  const nothing = fc.constant<OptionalPart[]>([])
  const missing = missingParts ? fc.oneof(nothing, fc.subarray(OPTIONAL_PARTS, { maxLength: 6 })) : nothing
  return fc.record({ facts, inSecondFile: fc.nat(10), lookups: fc.tuple(...lookups), missing }).map((drawn) => {
    const star: Record<string, StarTable> = {}
    for (const { name, rows } of drawn.lookups) star[name] = { columns: COLUMNS[name], rows }
    const first = drawn.facts.slice(0, Math.max(1, drawn.facts.length - drawn.inSecondFile))
    star['gold/fact_rate'] = { columns: COLUMNS['gold/fact_rate'], rows: first }
    if (first.length < drawn.facts.length) star['gold/fact_rate_2'] = numericGroups(drawn.facts.slice(first.length))
    for (const part of drawn.missing) takeAway(star, part)
    return star
  })
}

/** The random star of a seed: the same one every time. */
export function seededStar(seed: number, options: RandomStarOptions = {}): Star {
  const [star] = fc.sample(randomStar(options), { seed, numRuns: 1 })
  if (!star) throw new Error('fast-check gave no star')
  return star
}

function numericGroups(rows: readonly Row[]): StarTable {
  const { reporting_entity_name: _, ...columns } = COLUMNS['gold/fact_rate']
  return {
    columns: { ...columns, provider_group_id_raw: 'BIGINT' },
    rows: rows.map((row, i) => ({ ...row, provider_group_id_raw: i % 3 === 0 ? null : i })),
  }
}

function takeAway(star: Record<string, StarTable>, part: OptionalPart): void {
  const table = star[part.name]
  if (!table) return
  if (!('column' in part)) {
    delete star[part.name]
    return
  }
  const columns = Object.fromEntries(Object.entries(table.columns).filter(([column]) => column !== part.column))
  // Without its modifiers the benchmark would hold modified rows as if they were plain ones.
  const rows = part.column === 'modifier' ? table.rows.filter((row) => (row['modifier'] ?? '') === '') : table.rows
  star[part.name] = { columns, rows }
}

function keyOf(row: Row, key: readonly string[]): string {
  return JSON.stringify(key.map((column) => ONE_KEY.get(String(row[column])) ?? row[column]))
}

function textOf(row: Row): string {
  return JSON.stringify(row)
}
