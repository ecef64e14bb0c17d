import { describe, expect, it } from 'vitest'
import { verdictOf } from '../../../src/report/verdict.js'
import { sampleReport } from './sample-report.js'

const [RULE] = sampleReport().rules
const warned = (name: string, subject: string) => ({ ...RULE!, name, subject, outcome: 'warned' as const })
const PASSED = { ...RULE!, name: 'other', outcome: 'passed' as const }

describe('the verdict', () => {
  it('has the number of warnings that the run tells, and says where they come from', () => {
    const { result } = sampleReport()
    const report = sampleReport(undefined, {
      result: { ...result, warnings: 2 },
      rules: [PASSED, warned('null_ratio', 'npi'), warned('null_ratio', 'tin'), warned('null_ratio', 'zip')],
      inputWarnings: ['benchmark_lookup is missing'],
    })
    expect(verdictOf(report).text).toContain(
      '1 of 4 checks passed, 2 warnings (1 rule broken in 3 checks, 1 about the input).',
    )
  })

  it('speaks of no warnings where there are none', () => {
    const { result } = sampleReport()
    const report = sampleReport(undefined, { result: { ...result, warnings: 0 }, rules: [PASSED], inputWarnings: [] })
    expect(verdictOf(report)).toMatchObject({ grade: 'good', text: expect.stringContaining('1 of 1 check passed. ') })
  })
})
