/**
 * Facts by payer, month and class, of two groups with three providers in two states: few rows, but several files of the
 * analytics table in each of its partitions when these are small. Every tenth fact has a rate below 1.
 */
import { goodFact, goodPlace, goodProvider, goodStar, NPI_A, NPI_B } from './good-star.js'
import type { Star, StarValue } from './star.js'

/** A third NPI with a right check digit. */
export const NPI_C = '1679576722'

const PAYERS = ['payer', "p/c'", 'Payer, B']
const MONTHS = ['2025-06', '2025-07']
const CLASSES = ['professional', 'institutional']
const CODES = ['X1', 'X2', 'X3', 'X4', 'X5', 'X6']

/** Fact number `i` of the star. */
export function variedFact(i: number): Readonly<Record<string, StarValue>> {
  return goodFact(i, {
    payer_slug: PAYERS[i % 3] ?? '',
    year_month: MONTHS[Math.floor(i / 3) % 2] ?? '',
    billing_class: CLASSES[Math.floor(i / 6) % 2] ?? '',
    code: CODES[Math.floor(i / 12) % 6] ?? '',
    negotiated_rate: i % 10 === 9 ? 0.5 : 100 + i,
    pg_uid: i % 4 === 0 ? 'g2' : 'g1',
  })
}

/** The star with these facts. Default: {@link variedFact} 0 to 239. */
export function severalFilesStar(facts = Array.from({ length: 240 }, (_, i) => variedFact(i))): Star {
  const far = { city: 'Boise', state: 'ID', postal_code: '837011234', stat_area_name: 'Boise City Metro Area' }
  return goodStar({
    'gold/fact_rate': facts,
    'dims/dim_code': CODES.map((code) => ({
      code_type: 'CPT',
      code,
      code_description: `about ${code}`,
      code_name: code,
    })),
    'dims/dim_code_cat': CODES.map((code, i) => ({
      proc_cd: code,
      proc_set: 'Test',
      proc_class: i % 2 === 0 ? 'Laboratory' : 'Imaging',
      proc_group: 'Chemistry',
    })),
    'dims/dim_npi': [
      goodProvider(NPI_A),
      goodProvider(NPI_B, { first_name: 'Grace' }),
      goodProvider(NPI_C, { first_name: 'Edith', organization_name: null }),
    ],
    'dims/dim_npi_address': [goodPlace(NPI_A), goodPlace(NPI_B, { city: 'Dallas' }), goodPlace(NPI_C, far)],
    'dims/dim_npi_address_geolocation': [goodPlace(NPI_A), goodPlace(NPI_B), goodPlace(NPI_C, far)],
    'xrefs/xref_pg_member_npi': [
      ...[NPI_A, NPI_B, NPI_C].map((npi) => ({ pg_uid: 'g1', npi })),
      ...[NPI_A, NPI_C].map((npi) => ({ pg_uid: 'g2', npi })),
    ],
    bench_medicare_professional: ['TX', 'ID'].flatMap((state, s) =>
      CODES.slice(0, 4).map((code, i) => ({
        state,
        code_type: 'CPT',
        code,
        data_year: 2025,
        year_month: '2025-01',
        benchmark_type: 'professional',
        medicare_prof_stateavg: 120 + 10 * i + s,
        medicare_prof_national: 125 + 10 * i,
      })),
    ),
  })
}
