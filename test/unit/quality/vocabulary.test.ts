import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { VOCABULARIES, wordsOf } from '../../../src/star/vocabulary.js'
import { foldedSql, foldedWord } from '../../../src/star/vocabulary-sql.js'
import { goodFact, goodFacts, goodPlace, goodProvider, goodStar, NPI_A, NPI_B } from '../../stars/good-star.js'
import { judged } from './judged-star.js'

async function factsWith(words: readonly (string | null)[]) {
  return await judged(
    goodStar({ 'gold/fact_rate': words.map((negotiated_type, i) => goodFact(i, { negotiated_type })) }),
  )
}

describe('the rule vocabulary', () => {
  it('is content with the words of a specification, NULL and nothing', async () => {
    const words = ['negotiated', 'Derived', 'FEE SCHEDULE', 'percentage', 'Per Diem', null, '']
    const { result } = await factsWith(words)
    expect(result('vocabulary', 'negotiated_type')).toMatchObject({
      unit: 'facts',
      checked: 5,
      failed: 0,
      outcome: 'passed',
    })
  })

  it('tells other spellings and unknown words with counts, and what they are read as', async () => {
    const { result, violated } = await factsWith([
      ...['%', '%', '%', 'percentage ', 'per\u00a0diem', '\u200bnegotiated', 'algorithm', 'algorithm', 'case rate'],
      ...['negotiated', null],
    ])
    expect(violated).toContain('vocabulary: negotiated_type')
    const found = result('vocabulary', 'negotiated_type')
    expect(found).toMatchObject({ checked: 10, failed: 9, outcome: 'warned', severity: 'warn', quarantined: 0 })
    expect(found.examples).toEqual([
      '"%" in 3 facts: read as per cent',
      '"algorithm" in 2 facts: not known: neither dollars nor per cent',
      '"case rate" in 1 fact: read as dollars for one case',
      '"percentage " in 1 fact: read as per cent',
      '"per\\u{00a0}diem" in 1 fact: read as dollars for one day',
      '"\\u{200b}negotiated" in 1 fact: read as dollars for one service',
    ])
  })

  it('tells any text that is none of the published words', async () => {
    const published = new Set(['negotiated', 'derived', 'fee schedule', 'percentage', 'per diem'])
    const word = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
      .filter((w) => !w.includes('\u0000') && !published.has(w.toLowerCase()))
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 10, maxLength: 30 }), async (words) => {
        const { result } = await factsWith([...words, 'negotiated'])
        const { checked, failed, outcome } = result('vocabulary', 'negotiated_type')
        expect([checked, failed, outcome]).toEqual([words.length + 1, words.length, 'warned'])
      }),
      { numRuns: 4 },
    )
  }, 60_000)

  it('judges providers by their rows, and words that choose rows by the rows of the input', async () => {
    const places = [
      goodPlace(NPI_A, { country_code: 'Canada' }),
      goodPlace(NPI_B, { country_code: 'CA' }),
      goodPlace(NPI_B, { address_purpose: 'HOME', address_hash: 'z' }),
    ]
    const medicare = ['26', '', 'none', '-26-'].map((modifier, i) => ({
      ...{ state: 'TX', code_type: 'CPT', code: 'X1', data_year: 2020 + i, medicare_prof_stateavg: 1 },
      modifier,
    }))
    const { result } = await judged(
      goodStar({
        'gold/fact_rate': goodFacts({ 0: { code_type: 'cpt' } }),
        'dims/dim_npi': [
          goodProvider(NPI_A, { enumeration_type: 'Individual', sole_proprietor: 'X' }),
          goodProvider(NPI_B, { enumeration_type: '1', sole_proprietor: 'perhaps' }),
        ],
        'dims/dim_npi_address': places,
        'dims/dim_npi_address_geolocation': places,
        bench_medicare_professional: medicare,
      }),
    )
    const found = (column: string): unknown[] => {
      const { unit, checked, failed, examples } = result('vocabulary', column)
      return [unit, checked, failed, ...examples]
    }
    expect(found('enumeration_type')).toEqual(['rows', 15, 10, '"Individual" in 10 rows: read as Individual'])
    expect(found('sole_proprietor')).toEqual(['rows', 15, 5, '"perhaps" in 5 rows: not known: NULL'])
    expect(found('country_code')).toEqual([
      ...['rows', 15, 10],
      '"Canada" in 10 rows: not known to be the United States: no Medicare rate',
    ])
    expect(found('address_purpose')).toEqual(['input rows', 6, 2, '"HOME" in 2 input rows: not a LOCATION address'])
    expect(found('modifier')).toEqual([
      ...['input rows', 3, 2],
      '"-26-" in 1 input row: a modifier: not the plain rate',
      '"none" in 1 input row: read as no modifier: the plain rate',
    ])
    expect(found('code_type')).toEqual(['facts', 10, 1, '"cpt" in 1 fact: joins only with the same text'])
  })

  it('can be turned off, and asked for single columns under another name', async () => {
    const star = goodStar({ 'gold/fact_rate': goodFacts({ 0: { negotiated_type: '%' } }) })
    const { results } = await judged(star, {
      rules: {
        vocabulary: { severity: 'off' },
        strict: { kind: 'vocabulary', severity: 'error', columns: ['negotiated_type'] },
      },
    })
    expect(results.filter((r) => r.kind === 'vocabulary').map((r) => [r.name, r.subject, r.outcome])).toEqual([
      ['strict', 'negotiated_type', 'failed'],
    ])
  })
})

describe('the vocabularies', () => {
  it('hold each word once', () => {
    for (const { column, terms } of VOCABULARIES) {
      const words = Object.values(terms).flatMap((term) => [...new Set(wordsOf(term).map(foldedWord))])
      expect([column, words.toSorted()]).toEqual([column, [...new Set(words)].toSorted()])
    }
  })

  it('compare words as the engine compares texts', async () => {
    const engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: '/nonexistent' })
    try {
      const words = VOCABULARIES.flatMap(({ terms }) => Object.values(terms).flatMap(wordsOf))
      const folded = await engine.column(
        `SELECT ${foldedSql('word')} FROM (VALUES ${words.map((w) => `(${sqlString(w)})`).join(', ')}) t(word)`,
      )
      expect(folded).toEqual(words.map(foldedWord))
    } finally {
      engine.close()
    }
  })
})
