import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyList } from '../../../../src/lake/duckdb/key-list.js'

async function evaluated(expression: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const [row] = (await connection.runAndReadAll(`SELECT ${expression} AS paths`)).getRowsJson()
    return row?.[0]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function listOf(keys: readonly string[]): KeyList {
  const list = new KeyList()
  for (const key of keys) list.add(key)
  return list
}

/** Whatever may stand between two slashes of a key: `keys.ts` lets no line break and no slash through. */
const segment = fc.oneof(
  fc.constantFrom('a=1', "b='", 'c=%2F', 'd=1.2,3', 'e=$1 {} [*?]', 'f=\\', 'key', ''),
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/[/\n\0]/g, '_')),
)

describe('a list of keys', () => {
  it('is in SQL what was added, in its order', async () => {
    const someKeys = fc
      .integer({ min: 1, max: 12 })
      .chain((depth) => fc.array(fc.array(segment, { minLength: depth, maxLength: depth }), { minLength: 1 }))
    await fc.assert(
      fc.asyncProperty(someKeys, fc.constantFrom('/lake', "/it's/1.2,3"), async (keys, folder) => {
        const list = listOf(keys.map((segments) => segments.join('/')))
        expect(list.size).toBe(keys.length)
        expect(await evaluated(list.paths(folder))).toEqual(keys.map((segments) => `${folder}/${segments.join('/')}`))
      }),
      { numRuns: 60 },
    )
  })

  it('says which texts occur in one place', () => {
    const list = listOf(['a=1/b=1/f', 'a=2/b=1/f', 'a=1/b=2/f'])
    expect([0, 1, 2, 3].map((position) => [...list.segments(position)])).toEqual([
      ['a=1', 'a=2'],
      ['b=1', 'b=2'],
      ['f'],
      [],
    ])
  })

  it('takes keys of one depth only', () => {
    expect(() => listOf(['a=1/f', 'f'])).toThrow('1 segments instead of 2 [f]')
  })

  it('names 50,000 keys of nine columns in a seventh of their text', () => {
    const keys = Array.from({ length: 50_000 }, (_, i) =>
      Array.from({ length: 9 }, (_, column) => `column_of_the_table_${column}=value ${(i >> column) % 200}`).join('/'),
    )
    expect(listOf(keys).paths('/lake').length).toBeLessThan(keys.join().length / 7)
  })
})
