import { describe, expect, it } from 'vitest'
import type { ObservedPartitions } from '../../../../src/lake/glue/observed-values.js'
import {
  decideProjection,
  isSafeValue,
  projectedKeys,
  projectedProperties,
} from '../../../../src/lake/glue/projection.js'

const ROOT = 's3://lake/table/'

function observed(
  columns: Readonly<Record<string, readonly (string | null)[]>>,
  partitions: number,
): ObservedPartitions {
  return { columns: Object.entries(columns).map(([name, values]) => ({ name, values })), partitions }
}

const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)

describe('a value that a projection can list', () => {
  it.each(['TX', 'North Carolina', 'a;b&c(d)', 'Zürich 東京', null])('%j is safe', (value) => {
    expect(isSafeValue(value)).toBe(true)
  })
  it.each(['Dallas, TX', ' TX', 'TX ', 'a\tb', '$x', 'a\\b', 'a/b', 'a=b', "d'Alene", '100%', '__NULL__', '__null__'])(
    '%j is not safe',
    (value) => {
      expect(isSafeValue(value)).toBe(false)
    },
  )
})

describe('the keys of the projected table', () => {
  it('are those of the longest prefix whose values are all safe, NULL among them', () => {
    const keys = projectedKeys(
      observed({ payer: ['a', 'b'], state: [null, 'TX'], area: ['Dallas, TX'], year: ['2025'] }, 4),
    )
    expect(keys).toEqual([
      { column: 'payer', key: 'payer_key', values: ['a', 'b'] },
      { column: 'state', key: 'state_key', values: ['__NULL__', 'TX'] },
    ])
    expect(projectedProperties(keys, ROOT)).toEqual({
      'projection.enabled': 'true',
      'projection.payer_key.type': 'enum',
      'projection.payer_key.values': 'a,b',
      'projection.state_key.type': 'enum',
      'projection.state_key.values': '__NULL__,TX',
      'storage.location.template': `s3://lake/table/payer=\${payer_key}/state=\${state_key}/`,
    })
  })

  it('are four at most', () => {
    const keys = projectedKeys(observed({ a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'] }, 1))
    expect(keys.map(({ column }) => column)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('stay below a million combinations', () => {
    const keys = projectedKeys(observed({ a: many(1000), b: many(1000), c: many(2) }, 10))
    expect(keys.map(({ column }) => column)).toEqual(['a', 'b'])
  })

  it('stay the same where a table has no partitions', () => {
    expect(projectedKeys(observed({ a: [], b: [] }, 0)).map(({ key, values }) => [key, values])).toEqual([
      ['a_key', ['__NULL__']],
      ['b_key', ['__NULL__']],
    ])
  })

  it('are none where the first column is not safe; the table is read as a whole then', () => {
    const keys = projectedKeys(observed({ payer: ['a,b'] }, 1))
    expect(keys).toEqual([])
    expect(projectedProperties(keys, ROOT)).toEqual({ 'projection.enabled': 'false' })
  })
})

describe('the projection of the exact table', () => {
  it('is on where every value is safe and half of the combinations are in use', () => {
    const decision = decideProjection(observed({ state: ['GA', 'TX'], year: ['2025'], month: ['07', '08'] }, 2), ROOT)
    expect(decision).toEqual({
      enabled: true,
      reason: 'every value is safe, and 2 of 4 combinations of values are in use',
      properties: {
        'projection.enabled': 'true',
        'projection.state.type': 'enum',
        'projection.state.values': 'GA,TX',
        'projection.year.type': 'integer',
        'projection.year.range': '2025,2025',
        'projection.year.digits': '4',
        'projection.month.type': 'integer',
        'projection.month.range': '7,8',
        'projection.month.digits': '2',
        'storage.location.template': `s3://lake/table/state=\${state}/year=\${year}/month=\${month}/`,
      },
    })
  })

  it('counts the months that a range holds, not those that were seen', () => {
    const decision = decideProjection(observed({ month: ['01', '12'] }, 2), ROOT)
    expect(decision).toMatchObject({ enabled: false, reason: 'only 2 of 12 combinations of values are in use' })
  })

  it.each([
    [{ state: [null, 'TX'] }, 2, /^state is NULL in some partitions/],
    [{ state: ['TX'], area: ['Dallas, TX'] }, 1, /^area holds 'Dallas, TX'/],
    [{ a: many(1001), b: many(1000) }, 1_001_000, /^1,001,000 combinations of values, and at most 1,000,000/],
    [{ a: many(10), b: many(10) }, 49, /^only 49 of 100 combinations/],
    [{ a: [] }, 0, /^the table has no partitions/],
    [{ a: ['x'.repeat(512_001)] }, 1, /^a has more values than a property can list/],
  ])('is off for %#', (columns, partitions, reason) => {
    const decision = decideProjection(observed(columns, partitions), ROOT)
    expect(decision.enabled).toBe(false)
    expect(decision.reason).toMatch(reason)
    expect(decision.properties['projection.enabled']).toBe('false')
  })

  it('is complete where it is off, and asks for a value where a list would lose rows', () => {
    const { properties } = decideProjection(observed({ state: [null, 'TX'], month: ['08'] }, 2), ROOT)
    expect(properties['projection.state.type']).toBe('injected')
    expect(properties['projection.month.digits']).toBe('2')
  })

  it('shows no control characters in its reason', () => {
    expect(decideProjection(observed({ a: ['x\u001b[2J'] }, 1), ROOT).reason).toContain('x\\u001b[2J')
  })
})
