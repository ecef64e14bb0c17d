import { describe, expect, it } from 'vitest'
import { goodFact, goodStar } from '../../stars/good-star.js'
import type { Star } from '../../stars/star.js'
import { judged, withJudged } from './judged-star.js'

/** Facts of several payers in several files, of which some break rules. */
function starOfFiles(files: readonly (readonly { payer: string | null; rate: number; month?: string }[])[]): Star {
  const star: Record<string, Star[string]> = { ...goodStar() }
  const facts = star['gold/fact_rate']
  if (!facts) throw new Error('a star has facts')
  let n = 0
  for (const [file, rows] of files.entries()) {
    const name = file === 0 ? 'gold/fact_rate' : `gold/fact_rate_${file}`
    star[name] = {
      columns: facts.columns,
      rows: rows.map(({ payer, rate, month = '2025-06' }) =>
        goodFact(n++, { payer_slug: payer, negotiated_rate: rate, year_month: month }),
      ),
    }
  }
  return star
}

const OLD = '2001-01'
const RULES = { zero_rate: { max_share: 0 }, freshness: {}, required: { max_share: 1 } }

describe('the sources of what broke a rule', () => {
  it('are payers and input files, with the facts of each', async () => {
    const star = starOfFiles([
      [
        { payer: 'a', rate: 0 },
        { payer: 'a', rate: 0 },
        { payer: 'b', rate: 0, month: OLD },
        { payer: 'b', rate: 7 },
      ],
      [
        { payer: 'a', rate: 0 },
        { payer: null, rate: 5, month: OLD },
        { payer: 'b', rate: 5 },
      ],
    ])
    await withJudged(star, { rules: RULES }, ({ root, result }) => {
      const [first, second] = [`${root}/gold/fact_rate.parquet`, `${root}/gold/fact_rate_1.parquet`]
      expect(result('zero_rate')).toMatchObject({ outcome: 'warned', failed: 4 })
      expect(result('zero_rate').sources).toEqual({
        first: [
          { payer: 'a', file: first, failed: 2 },
          { payer: 'a', file: second, failed: 1 },
          { payer: 'b', file: first, failed: 1 },
        ],
        others: { sources: 0, failed: 0 },
      })
      expect(result('freshness').sources?.first).toEqual([
        { payer: null, file: second, failed: 1 },
        { payer: 'b', file: first, failed: 1 },
      ])
      // A fact without a payer is set aside, although that is no violation here.
      expect(result('required')).toMatchObject({ outcome: 'passed', quarantined: 1 })
      expect(result('required').sources?.first).toEqual([{ payer: null, file: second, failed: 1 }])
      expect(result('rate_range').sources).toBeUndefined()
    })
  })

  it('are counted where they are many', async () => {
    const payers = Array.from({ length: 8 }, (_, i) =>
      Array.from({ length: i + 1 }, () => ({ payer: `p${i}`, rate: 0 })),
    )
    const { result } = await judged(starOfFiles([payers.flat()]), { rules: RULES })
    const { first, others } = result('zero_rate').sources ?? {}
    expect(first?.map(({ payer, failed }) => [payer, failed])).toEqual([
      ['p7', 8],
      ['p6', 7],
      ['p5', 6],
      ['p4', 5],
      ['p3', 4],
    ])
    expect(others).toEqual({ sources: 3, failed: 6 })
  })
})
