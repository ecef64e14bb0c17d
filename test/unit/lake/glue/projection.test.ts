import { describe, expect, it } from 'vitest'
import type { ObservedPartitions } from '../../../../src/lake/glue/observed-values.js'
import {
  decideKeys,
  decideProjection,
  isSafeValue,
  type ProjectedKey,
  projectedProperties,
} from '../../../../src/lake/glue/projection.js'

const ROOT = 's3://lake/table/'

/** @param inUse combinations of the first column, the first two …; by default all that the partitions can be */
function observed(
  columns: Readonly<Record<string, readonly (string | null)[]>>,
  partitions: number,
  inUse?: readonly number[],
): ObservedPartitions {
  let combinations = 1
  const all = Object.values(columns).map(({ length }) => {
    combinations *= length
    return Math.min(combinations, partitions)
  })
  return {
    columns: Object.entries(columns).map(([name, values]) => ({ name, values })),
    partitions,
    inUse: inUse ?? all,
  }
}

const projectedKeys = (table: ObservedPartitions): readonly ProjectedKey[] => decideKeys(table).keys

const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)

describe('a value that a projection can list', () => {
  it.each(['TX', 'North Carolina', 'a;b&c(d)', 'Zürich 東京', null])('%j is safe', (value) => {
    expect(isSafeValue(value)).toBe(true)
  })
  it.each([
    '\ufeffTX',
    'TX\ufeff',
    'TX\u0085',
    '\u200bTX',
    '\u00a0TX',
    '\u3000TX',
    'Dallas, TX',
    ' TX',
    'TX ',
    'a\tb',
    '$x',
    'a\\b',
    'a/b',
    'a=b',
    "d'Alene",
    '100%',
    '__NULL__',
    '__null__',
  ])('%j is not safe', (value) => {
    expect(isSafeValue(value)).toBe(false)
  })
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
    const keys = projectedKeys(observed({ a: many(1000), b: many(1000), c: many(2) }, 1_000_000))
    expect(keys.map(({ column }) => column)).toEqual(['a', 'b'])
  })

  it('stay the same where a table has no partitions', () => {
    expect(projectedKeys(observed({ a: [], b: [] }, 0)).map(({ key, values }) => [key, values])).toEqual([
      ['a_key', ['__NULL__']],
      ['b_key', ['__NULL__']],
    ])
  })

  it('end where less than half of the combinations are in use', () => {
    const table = observed({ a: many(10), b: many(10), c: ['x'] }, 60, [10, 49, 49])
    expect(decideKeys(table)).toEqual({
      keys: [{ column: 'a', key: 'a_key', values: many(10) }],
      reason: 'keys a_key: with b_key, only 49 of 100 combinations of values are in use',
      warning: undefined,
    })
    expect(projectedKeys({ ...table, inUse: [10, 50, 50] }).map(({ column }) => column)).toEqual(['a', 'b', 'c'])
  })

  it('are listed in at most 512,000 bytes each, however many characters these are', () => {
    const [ascii, wide] = ['x'.repeat(512_000), 'é'.repeat(256_001)]
    expect(projectedKeys(observed({ a: [ascii] }, 1))).toHaveLength(1)
    expect(decideKeys(observed({ a: [wide] }, 1))).toMatchObject({
      keys: [],
      reason: expect.stringContaining('a has more values than a property can list: 512,002 bytes'),
    })
  })

  it('have lists that stay below what Athena reads of a table', () => {
    const list = (bytes: number): string[] => ['x'.repeat(bytes)]
    expect(projectedKeys(observed({ a: list(450_000), b: list(450_000) }, 1))).toHaveLength(2)
    expect(decideKeys(observed({ a: list(450_000), b: list(450_001) }, 1))).toMatchObject({
      keys: [{ column: 'a' }],
      reason: expect.stringContaining('the lists of values up to b have 900,001 bytes'),
      warning: undefined,
    })
  })

  it('that one value costs are warned about, with the value in a form that moves no cursor', () => {
    expect(decideKeys(observed({ payer: ['aetna', 'acme, inc./west 100%\u001b[2J'], state: ['TX'] }, 2))).toEqual({
      keys: [],
      reason: "no keys: payer holds 'acme, inc./west 100%\\u001b[2J', which a projection cannot list as it stands",
      warning:
        "no keys: payer holds 'acme, inc./west 100%\\u001b[2J', which a projection cannot list as it stands (1 of its 2 values); " +
        'queries of it cannot pass over files by payer or what follows',
    })
    const later = decideKeys(observed({ payer: ['aetna'], state: ['GA', 'N,M', 'TX', 'U,T', 'WA'] }, 5))
    expect(later.warning).toMatch(/^keys payer_key: state holds 'N,M', .* \(2 of its 5 values\); /)
  })

  it('that the values of a later column are not made for are no warning', () => {
    const decision = decideKeys(observed({ payer: ['aetna'], area: [null, 'Dallas, TX', 'Boise, ID'] }, 3))
    expect(decision.warning).toBeUndefined()
    expect(decision.reason).toContain("keys payer_key: area holds 'Dallas, TX'")
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
    [{ a: ['é'.repeat(256_001)] }, 1, /^a has more values than a property can list/],
    [{ a: ['x'.repeat(450_000)], b: ['y'.repeat(450_001)] }, 1, /^the lists of values up to b have 900,001 bytes/],
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

  it('never has lists that Athena cannot read, also where it is off', () => {
    const { properties } = decideProjection(observed({ a: ['x'.repeat(450_000)], b: ['y'.repeat(450_001)] }, 1), ROOT)
    expect([properties['projection.a.type'], properties['projection.b.type']]).toEqual(['enum', 'injected'])
  })

  it('shows no control characters in its reason', () => {
    expect(decideProjection(observed({ a: ['x\u001b[2J'] }, 1), ROOT).reason).toContain('x\\u001b[2J')
  })
})
