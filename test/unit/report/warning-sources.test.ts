import { describe, expect, it } from 'vitest'
import type { ReportedRule } from '../../../src/report/run-report.js'
import { warningSources } from '../../../src/report/warning-sources.js'
import { sampleReport } from './sample-report.js'

/** A violated rule on facts. */
function warned(
  name: string,
  first: NonNullable<ReportedRule['sources']>['first'],
  others = { sources: 0, failed: 0 },
) {
  const [rule] = sampleReport({ payers: ['p'], states: ['TX'], categories: ['c'] }).rules
  if (!rule) throw new Error('the sample has rules')
  const failed = first.reduce((sum, source) => sum + source.failed, others.failed)
  const about = { name, subject: null, outcome: 'warned' as const, failed, share: 0.5, threshold: 0 }
  return { ...rule, ...about, sources: { first, others } }
}

const source = (payer: string | null, file: string | null, failed: number) => ({ payer, file, failed })

describe('the lines that say where warnings come from', () => {
  it('name payer and file of the first sources, and count the others', () => {
    const rules = [
      warned('one', [source('aetna', '/in/a.parquet', 1200)]),
      warned('two', [source(null, '/in/a.parquet', 5), source('b\u001b[2J', '/in/a.parquet', 2)]),
      warned('many', [source('a', null, 9), source('b', '/in/b.parquet', 8), source('c', '/in/c.parquet', 7)], {
        sources: 2,
        failed: 6,
      }),
    ]
    expect(warningSources(rules)).toEqual([
      'one: 1,200 facts of aetna in /in/a.parquet',
      'two: 7 facts: 5 of no payer in /in/a.parquet, 2 of b\\u001b[2J in the same file',
      'many: 30 facts: 9 of a in a file that is not known, 8 of b in /in/b.parquet, 13 of 3 other sources',
    ])
  })

  it('are one for each rule, that of its worst check, and few', () => {
    const check = (subject: string, share: number, failed: number): ReportedRule => ({
      ...warned('references', [source('a', '/f', failed)]),
      subject,
      share,
    })
    const others = Array.from({ length: 6 }, (_, i) => warned(`rule_${i}`, [source('a', '/f', 1)]))
    const lines = warningSources([check('dim_code', 0.1, 10), check('dim_npi', 0.2, 20), ...others])
    expect(lines).toHaveLength(6)
    expect(lines[0]).toBe('references [dim_npi]: 20 facts of a in /f')
    expect(lines.at(-1)).toBe('2 more rules, see the report')
  })

  it('are none for rules that hold, or are not about facts', () => {
    const held = { ...warned('held', [source('a', '/f', 1)]), outcome: 'passed' as const }
    const { sources: _, ...about } = warned('rows', [])
    expect(warningSources([held, about])).toEqual([])
  })
})
