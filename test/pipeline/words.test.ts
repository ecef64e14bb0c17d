/** What the words of the input decide, seen in the rows of the written table. Expectations are those of docs/vocabulary.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { text } from '../oracle/sql.js'
import { type Changes, goodFact, goodPlace, goodProvider, goodStar } from '../stars/good-star.js'
import { type StarValue, writeStar } from '../stars/star.js'
import { runInProcess } from './run-in-process.js'

let root: string
let run = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'etl3-words-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Columns of the rows of the table that a star gives, in the order of the facts. */
async function table(
  changes: Changes,
  columns: string,
  partitionColumns: readonly string[] = ['payer_slug'],
): Promise<unknown[][]> {
  const folder = join(root, String(run++))
  await writeStar(folder, goodStar(changes))
  await runInProcess({ star: folder, partitionColumns, out: join(folder, 'table'), scratch: join(folder, 'scratch') })
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const files = text(join(folder, 'table/**/*.parquet'))
    const rows = await connection.runAndReadAll(
      `SELECT ${columns} FROM read_parquet(${files}, hive_partitioning = false) ORDER BY substr(fact_uid, 2)::INTEGER, npi`,
    )
    return rows.getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const RATES = { TX: 50, DE: 200, CA: 400, PR: 25, AE: 10 }

/** A Medicare row of the code X1. */
function medicare(
  state: string,
  values: Readonly<Record<string, StarValue>> = {},
): Readonly<Record<string, StarValue>> {
  const rate = new Map(Object.entries(RATES)).get(state) ?? 1
  return { state, code_type: 'CPT', code: 'X1', data_year: 2025, medicare_prof_stateavg: rate, ...values }
}

const npiOf = (i: number): string => String(1_000_000_000 + i)

/** One fact for each provider, in groups of one. */
function eachAlone(count: number): Changes {
  const numbers = Array.from({ length: count }, (_, i) => i)
  return {
    'gold/fact_rate': numbers.map((i) => goodFact(i, { pg_uid: `p${i}`, negotiated_rate: 100 })),
    'xrefs/xref_pg_member_npi': numbers.map((i) => ({ pg_uid: `p${i}`, npi: npiOf(i) })),
    'dims/dim_npi': numbers.map((i) => goodProvider(npiOf(i))),
    'dims/dim_npi_address': [],
    'dims/dim_npi_address_geolocation': [],
    bench_medicare_professional: Object.keys(RATES).map((state) => medicare(state)),
  }
}

async function ratiosOf(words: readonly (string | null)[]): Promise<unknown[]> {
  const facts = words.map((negotiated_type, i) =>
    goodFact(i, { pg_uid: 'none', negotiated_type, negotiated_rate: 100 }),
  )
  const changes = { 'gold/fact_rate': facts, bench_medicare_professional: [medicare('TX')] }
  const rows = await table(changes, 'negotiated_type, rate_to_medicare_ratio, is_above_medicare, medicare_state_rate')
  expect(rows.map(([word]) => word)).toEqual(words)
  expect(rows.map(([, , , rate]) => rate)).toEqual(words.map(() => 50))
  expect(rows.map(([, ratio, above]) => (ratio === null ? above : above === true))).toEqual(
    rows.map(([, ratio]) => (ratio === null ? null : true)),
  )
  return rows.map(([, ratio]) => ratio)
}

const DOLLARS = [
  ...['negotiated', 'NEGOTIATED', 'Negotiated', ' negotiated ', 'negotiated\u00a0', 'nego\u200btiated', 'negotiated\n'],
  ...['derived', 'fee schedule', 'Fee Schedule', 'fee_schedule', 'FEE-SCHEDULE', 'feeschedule', 'fee  schedule'],
  ...['negotiated rate', 'derived amount', 'underlying fee schedule rate'],
  ...['per diem', 'Per-Diem', 'perdiem', 'case rate', 'Case Rate'],
]

const NO_RATIO = [
  ...['percentage', 'Percentage', 'percentage ', 'percentage\u00a0', 'percent', 'Per Cent', '%', ' % ', 'pct'],
  ...['percent of total billed charges', 'Percentage of Billed Charges', 'percent_of_total_billed_charges'],
  ...['algorithm', 'other', 'capitation', 'unknown'],
  ...[
    'negotiated?',
    'negotiate',
    'negotiatedrates',
    '"negotiated"',
    'n\u00e9gotiated',
    'not negotiated',
    '35%',
    '0',
    '-',
    ' ',
    '',
  ],
]

describe('negotiated_type', () => {
  it('gives a ratio for dollars of any unit, in any spelling, and keeps the value as given', async () => {
    const ratios = await ratiosOf(DOLLARS)
    expect(ratios).toEqual(DOLLARS.map(() => 2))
  })

  it('gives none for per cent and for words that nobody knows', async () => {
    expect(await ratiosOf([...NO_RATIO, null])).toEqual([...NO_RATIO, null].map(() => null))
  })

  it('gives none for any text that is not one of the words', async () => {
    const known = new Set(DOLLARS.map(bare))
    const word = fc
      .oneof(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc
          .tuple(fc.constantFrom(...DOLLARS, ...NO_RATIO), fc.string({ unit: 'grapheme-ascii', maxLength: 3 }))
          .map(([a, b]) => a + b),
      )
      .filter((w) => !w.includes('\u0000') && !w.startsWith('\ufeff') && !known.has(bare(w)))
      .filter((w) => !/^(negotiatedamount|feeschedulerate)$/.test(bare(w)))
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 30, maxLength: 60 }), async (words) => {
        expect(await ratiosOf(words)).toEqual(words.map(() => null))
      }),
      { numRuns: 6 },
    )
  }, 120_000)
})

/** Another way to say which spellings are one: what remains without everything but letters, digits and other signs. */
function bare(word: string): string {
  return [...word]
    .filter((c) => !/[\p{Z}\p{C}\p{Pd}_\u2212]/u.test(c))
    .join('')
    .toLowerCase()
}

describe('dim_npi', () => {
  it.each<[string, string, readonly (readonly [StarValue, StarValue])[]]>([
    [
      'enumeration_type',
      'provider_type',
      [
        ...['NPI-1', '1', 'npi-1', 'NPI 1', 'NPI1', ' 1', '1.0', 'Individual', 'INDIVIDUAL ', '1 - Individual'].map(
          (word) => [word, 'Individual'] as const,
        ),
        ...['NPI-2', '2', 'NPI-2 ', 'npi\u20112', '2.0', 'Organization', 'organisation', 'Non-Individual'].map(
          (word) => [word, 'Organization'] as const,
        ),
        ...[null, '', ' ', '3', '12', 'NPI', 'NPI-3', 'facility', '1,0', 'true'].map((word) => [word, null] as const),
      ],
    ],
    [
      'sole_proprietor',
      'is_sole_proprietor',
      [
        ...['YES', 'yes', 'Y', 'y ', 'true', 'TRUE', 't', '1'].map((word) => [word, true] as const),
        ...['NO', 'No', 'N', '\u00a0n', 'false', 'F', '0'].map((word) => [word, false] as const),
        ...[null, '', 'X', 'x', 'not answered', 'maybe', 'yes?', '2', '10'].map((word) => [word, null] as const),
      ],
    ],
  ])('%s decides %s, and stays as given', async (column, computed, due) => {
    const star = {
      ...eachAlone(due.length),
      'dims/dim_npi': due.map(([word], i) => goodProvider(npiOf(i), { [column]: word })),
    }
    expect(await table(star, `${column}, ${computed}`)).toEqual(due)
  })
})

describe('address_purpose', () => {
  const purposes = [
    'LOCATION',
    'location',
    ' Location',
    'PRIMARY',
    'Practice Location',
    'practice_location',
    'LOCATION\ufeff',
  ]
  const others = [null, '', 'MAILING', 'SECONDARY', 'mail', 'HOME', 'LOCATIONS', 'DOM']

  it('says which addresses count', async () => {
    const words = [...purposes, ...others]
    const star = {
      ...eachAlone(words.length),
      'dims/dim_npi_address': words.map((address_purpose, i) =>
        goodPlace(npiOf(i), { address_purpose, city: `c${i}`, latitude: null, longitude: null }),
      ),
    }
    const cities = words.map((_, i) => (i < purposes.length ? `c${i}` : null))
    expect(await table(star, 'city')).toEqual(cities.map((city) => [city]))
  })

  it('is one key in all spellings of LOCATION: equal rows count once', async () => {
    const places = purposes.map((address_purpose) => goodPlace(npiOf(0), { address_purpose }))
    const rows = await table(
      { ...eachAlone(1), 'dims/dim_npi_address': places, 'dims/dim_npi_address_geolocation': places },
      'npi, city',
    )
    expect(rows).toEqual([[npiOf(0), 'Austin']])
  })
})

describe('the Medicare rate', () => {
  const { TX, DE, CA, PR, AE } = RATES
  const places: readonly (readonly [country: string | null, state: string | null, rate: number | null])[] = [
    // The market of every fact is TX.
    ...['US', 'us', ' US\u00a0', 'USA', 'United States', 'U.S.', null, '', ' '].map((c) => [c, 'DE', DE] as const),
    ...['US', null].flatMap((c) => [[c, null, TX] as const, [c, '', TX] as const, [c, ' ', TX] as const]),
    ...['tx', ' TX', 'Tx\u00a0', 'Texas', 'TEXAS '].map((s) => ['US', s, TX] as const),
    ['US', 'ON', null],
    ...['CA', 'ca', 'Canada', 'CAN'].flatMap((c) => [[c, 'ON', null] as const, [c, 'CA', null] as const]),
    ...['DE', 'Germany', 'XX', '??', 'unknown'].flatMap((c) => [[c, 'DE', null] as const, [c, null, null] as const]),
    ...['PR', 'Puerto Rico'].flatMap((c) => [[c, 'PR', PR] as const, [c, null, PR] as const, [c, '', PR] as const]),
    ['DE', 'AE', AE],
    ['US', 'AE', AE],
    ['US', 'California', CA],
  ]

  it.each([[['payer_slug']], [['state', 'payer_slug']], [['country_code']]])(
    'is that of a state of the United States, whatever the partitions (%s)',
    async (partitionColumns) => {
      const star = {
        ...eachAlone(places.length),
        'dims/dim_npi_address': places.map(([country_code, state], i) =>
          goodPlace(npiOf(i), { country_code, state, latitude: null, longitude: null }),
        ),
      }
      const rows = await table(
        star,
        "coalesce(country_code, ''), coalesce(state, ''), medicare_state_rate",
        partitionColumns,
      )
      expect(rows).toEqual(places.map(([country, state, rate]) => [country ?? '', state ?? '', rate]))
      const ratios = await table(star, 'rate_to_medicare_ratio', partitionColumns)
      expect(ratios).toEqual(places.map(([, , rate]) => [rate === null ? null : 100 / rate]))
    },
  )

  it('is each member of a group its own, also in one cell of the partitions', async () => {
    const star = {
      'gold/fact_rate': [goodFact(0, { pg_uid: 'g', negotiated_rate: 100 })],
      'xrefs/xref_pg_member_npi': places.map((_, i) => ({ pg_uid: 'g', npi: npiOf(i) })),
      'dims/dim_npi': [],
      'dims/dim_npi_address': places.map(([country_code, state], i) =>
        goodPlace(npiOf(i), { country_code, state, latitude: null, longitude: null }),
      ),
      'dims/dim_npi_address_geolocation': [],
      bench_medicare_professional: Object.keys(RATES).map((state) => medicare(state)),
    }
    const rows = await table(star, 'medicare_state_rate', ['state', 'payer_slug'])
    expect(rows).toEqual(places.map(([, , rate]) => [rate]))
  })

  it('is looked for by the state in any spelling of market and Medicare row', async () => {
    const facts = ['TX', 'tx', ' Tx', 'Texas', 'T X', 'XT', 'TXX'].map((state, i) =>
      goodFact(i, { state, pg_uid: 'none' }),
    )
    const star = {
      'gold/fact_rate': facts,
      bench_medicare_professional: [medicare('texas ', { medicare_prof_stateavg: 50 })],
    }
    expect(await table(star, 'market_state, medicare_state_rate')).toEqual([
      ['TX', 50],
      ['tx', 50],
      [' Tx', 50],
      ['Texas', 50],
      ['T X', 50],
      ['XT', null],
      ['TXX', null],
    ])
  })

  it('is, of rows that differ and are all to count, the lowest by type and by each number in turn', async () => {
    const one = { 'gold/fact_rate': [goodFact(1, { negotiated_rate: 100 })] }
    const rates = [9, 100, 20].map((medicare_prof_stateavg) => ({ medicare_prof_stateavg }))
    for (const rows of [rates, rates.toReversed()]) {
      const changes = { ...one, bench_medicare_professional: rows.map((row) => medicare('TX', row)) }
      const found = await table(changes, 'medicare_state_rate')
      expect(new Set(found.map(([rate]) => rate))).toEqual(new Set([9]))
    }
    const typed = [
      medicare('TX', { benchmark_type: 'b', medicare_prof_stateavg: 1 }),
      medicare('TX', { benchmark_type: 'a', medicare_prof_stateavg: 2 }),
    ]
    const found = await table({ ...one, bench_medicare_professional: typed }, 'medicare_state_rate')
    expect(new Set(found.map(([rate]) => rate))).toEqual(new Set([2]))
  })

  it('is that of a row without a modifier: NULL, blanks and words for none', async () => {
    const modifiers: readonly (readonly [string | null, boolean])[] = [
      ...[null, '', ' ', '\u00a0', 'none', 'None', 'N/A', 'null', 'NaN', 'no modifier'].map((m) => [m, true] as const),
      ...['26', 'TC', 'tc ', '0', 'NA', '26,TC', 'all', '[]', '*', 'nonesuch'].map((m) => [m, false] as const),
    ]
    const facts = modifiers.map((_, i) => goodFact(i, { code: `M${i}`, pg_uid: 'none' }))
    const rows = modifiers.map(([modifier], i) => medicare('TX', { code: `M${i}`, modifier }))
    const star = { 'gold/fact_rate': facts, bench_medicare_professional: rows }
    expect(await table(star, 'medicare_state_rate')).toEqual(modifiers.map(([, plain]) => [plain ? 50 : null]))
  })
})
