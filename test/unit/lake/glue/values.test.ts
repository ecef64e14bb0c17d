import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromGlueValue, HIVE_NULL, toGlueValue } from '../../../../src/lake/glue/values.js'

const nearNull = fc
  .tuple(
    fc.constantFrom('_', '%5F', '%255F', '%25255F', '%25', '%', ''),
    fc.constantFrom(HIVE_NULL.slice(1), HIVE_NULL, 'x'),
  )
  .map((parts) => parts.join(''))

describe("a partition's value in Glue", () => {
  it('is the raw value, and Hive’s word for NULL', () => {
    expect(toGlueValue(null)).toBe('__HIVE_DEFAULT_PARTITION__')
    for (const value of ['TX', "Coeur d'Alene, ID", 'a/b=c%20', '__NULL__', '__hive_default_partition__', '%5F', '']) {
      expect(toGlueValue(value)).toBe(value)
    }
  })

  it('is never NULL where the data holds Hive’s word for it', () => {
    expect(toGlueValue('__HIVE_DEFAULT_PARTITION__')).toBe('%5F_HIVE_DEFAULT_PARTITION__')
    expect(toGlueValue('%5F_HIVE_DEFAULT_PARTITION__')).toBe('%255F_HIVE_DEFAULT_PARTITION__')
  })

  it('gives back every value, and two values never become one', () => {
    fc.assert(
      fc.property(fc.oneof(nearNull, fc.string({ unit: 'binary' })), (value) => {
        expect(fromGlueValue(toGlueValue(value))).toBe(value)
        expect(toGlueValue(value)).not.toBe(HIVE_NULL)
      }),
      { examples: [[HIVE_NULL], ['%5F_HIVE_DEFAULT_PARTITION__'], ['%255F_HIVE_DEFAULT_PARTITION__']] },
    )
    expect(fromGlueValue(HIVE_NULL)).toBeNull()
  })
})
