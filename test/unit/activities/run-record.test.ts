import { describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { parseRunRecord } from '../../../src/records/run.js'

const FILE = { path: '/star/gold/fact_rate.parquet', bytes: 1, modifiedMs: 2, sha256: 'x' }
const recordOf = (inputs: unknown): unknown => ({
  formatVersion: 1,
  runId: 'run',
  work: 'work',
  replaces: null,
  engine: '0.1.0',
  startedAt: '2025-06-01T00:00:00.000Z',
  config: configSchema.parse({}),
  inputs,
})

describe('the record of a run', () => {
  it('is read as it was written, with what was found in paths and passed over', () => {
    const inputs = [
      {
        name: 'fact_rate',
        files: [{ ...FILE, pathColumns: { year_month: '2025-06', state: null } }],
        notices: ['fact_rate passes over _x.parquet'],
      },
    ]
    expect(parseRunRecord(recordOf(inputs)).inputs).toEqual(inputs)
  })

  it('is also read where an older version wrote it, which knew neither', () => {
    const inputs = [{ name: 'fact_rate', files: [FILE] }]
    expect(parseRunRecord(recordOf(inputs)).inputs).toEqual(inputs)
  })
})
