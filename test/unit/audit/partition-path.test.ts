import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partitionPath } from '../../../src/audit/partition-path.js'
import { partitionKey } from '../../../src/lake/keys.js'
import { nastyText } from '../../stars/random-star.js'

describe("the audit's own partition paths", () => {
  it('are those of the table, for any values', () => {
    fc.assert(
      fc.property(fc.array(fc.option(nastyText), { minLength: 1, maxLength: 3 }), (values) => {
        const columns = values.map((_, i) => `column_${i}`)
        expect(`${partitionPath(columns, values)}/fact_rate_enriched.parquet`).toBe(partitionKey(columns, values))
      }),
    )
  })
})
