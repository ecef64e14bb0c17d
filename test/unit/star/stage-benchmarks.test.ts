import { expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { readParquet } from '../../../src/engine/parquet-scan.js'
import { goodFact, goodPlace, goodProvider, goodStar } from '../../stars/good-star.js'
import { withJudged } from '../quality/judged-star.js'

/** More than the bits of two whole numbers. */
const STATES = 130

const stateOf = (i: number): string => `S${i % STATES}`
const npiOf = (i: number): string => String(1_000_000_000 + (i % STATES))

it('a group meets the Medicare rows of the states of all of its providers, however many states there are', async () => {
  const numbers = Array.from({ length: STATES }, (_, i) => i)
  const star = goodStar({
    'gold/fact_rate': numbers.map((i) => goodFact(i, { state: null, code: `C${i}`, pg_uid: `g${i}` })),
    'dims/dim_code': numbers.map((i) => ({ code_type: 'CPT', code: `C${i}`, code_description: 'd', code_name: 'n' })),
    'dims/dim_npi': numbers.map((i) => goodProvider(npiOf(i))),
    'dims/dim_npi_address': numbers.map((i) => goodPlace(npiOf(i), { state: stateOf(i) })),
    'dims/dim_npi_address_geolocation': [],
    'dims/dim_provider_group': numbers.map((i) => ({ pg_uid: `g${i}`, payer_slug: 'payer' })),
    // Each group has providers in two states, far apart.
    'xrefs/xref_pg_member_npi': numbers.flatMap((i) => [i, i + 67].map((n) => ({ pg_uid: `g${i}`, npi: npiOf(n) }))),
    bench_medicare_professional: numbers.flatMap((i) =>
      [0, 1, 66, 67, 68].map((step) => ({
        state: stateOf(i + step),
        code_type: 'CPT',
        code: `C${i}`,
        year_month: '2025-01',
        data_year: 2025,
        medicare_prof_stateavg: 1,
      })),
    ),
  })
  await withJudged(star, {}, async ({ staged, root }) => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: root })
    try {
      const met =
        await engine.column(`SELECT c.key_code || ' ' || s.state FROM ${readParquet([staged.benchmark_keys])} k
        JOIN ${readParquet([staged.codes])} c ON c.code_id = k.code_id JOIN ${readParquet([staged.states])} s ON s.state_id = k.state_id`)
      expect(met.toSorted()).toEqual(
        numbers.flatMap((i) => [0, 67].map((step) => `C${i} ${stateOf(i + step)}`)).toSorted(),
      )
    } finally {
      engine.close()
    }
  })
})
