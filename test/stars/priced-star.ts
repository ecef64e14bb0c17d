/**
 * Random small stars about prices: few codes, rates that repeat, Medicare rates for most of them, and providers whose
 * state is known, empty or missing, at home, in a territory or abroad.
 */
import fc from 'fast-check'
import { goodFact, goodPlace, goodProvider, goodStar } from './good-star.js'
import type { Star } from './star.js'

const NPIS = Array.from({ length: 7 }, (_, i) => `123456789${i}`)
const GROUPS = ['g1', 'g2', 'g3', 'nobody']
const CODES = ['X1', 'X2', '99213']
const BENCHMARKED = ['TX', 'ID', 'PR']

const from = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const place = fc.record({
  state: from('TX', 'TX', 'ID', 'tx', '', null),
  country_code: from('US', 'US', 'PR', 'CA', null),
})

const fact = fc.record({
  state: from('TX', 'PR', 'ID', null),
  year_month: from('2025-06', '2025-06', '2024-12', 'no month'),
  payer_slug: from('payer', "p/c'"),
  billing_class: from('professional', 'institutional', null),
  code_type: from('CPT', 'CPT', 'CPT', 'HCPCS', null),
  code: from(...CODES, 'X1', '99213', '', null),
  pg_uid: from(...GROUPS),
  negotiated_type: from(
    'negotiated',
    'negotiated',
    'fee schedule',
    'per diem',
    'percentage',
    'case rate',
    'no word',
    null,
  ),
  negotiated_rate: fc.oneof(from(100, 120, 120.5, 0, -5), fc.double({ min: 0.5, max: 500, noNaN: true })),
})

/** A star in which nothing is quarantined, unless by the range of rates. */
export function pricedStar(): fc.Arbitrary<Star> {
  return fc
    .record({
      facts: fc.array(fact, { minLength: 20, maxLength: 60 }),
      places: fc.tuple(...NPIS.map(() => place)),
      links: fc.array(fc.record({ pg_uid: from('g1', 'g2', 'g3'), npi: from(...NPIS) }), {
        minLength: 4,
        maxLength: 16,
      }),
      medicare: fc.array(from(80, 100, 120.5), { minLength: 24, maxLength: 24 }),
    })
    .map(({ facts, places, links, medicare }) => {
      const located = NPIS.map((npi, i) => goodPlace(npi, places[i]))
      return goodStar({
        'gold/fact_rate': facts.map((values, i) => goodFact(i, values)),
        'dims/dim_code': CODES.map((code) => ({ code_type: 'CPT', code, code_name: `name of ${code}` })),
        'dims/dim_provider_group': GROUPS.map((pg_uid) => ({ pg_uid })),
        'dims/dim_npi': NPIS.map((npi) => goodProvider(npi)),
        'dims/dim_npi_address': located,
        'dims/dim_npi_address_geolocation': located,
        'xrefs/xref_pg_member_npi': links,
        bench_medicare_professional: BENCHMARKED.flatMap((state, s) =>
          ['X1', '99213'].flatMap((code, c) =>
            [2023, 2025].map((year, y) => ({
              state,
              code_type: 'CPT',
              code,
              data_year: year,
              year_month: `${year}-01`,
              benchmark_type: 'professional',
              medicare_prof_stateavg: medicare[s * 4 + c * 2 + y] ?? 0,
            })),
          ),
        ),
      })
    })
}
