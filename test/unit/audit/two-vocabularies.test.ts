import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { providerType } from '../../../src/audit/vocabulary.js'
import { providerTypeSql } from '../../../src/star/vocabulary-sql.js'

/** The planes that hold more than ideographs, without surrogates: the first two, and the tags of the fifteenth. */
const RANGES = [
  [1, 0xd800],
  [0xe000, 0x20000],
  [0xe0000, 0xe1000],
] as const

it('staging and the audit of the input pass over the same characters of a word', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const answer = await connection.runAndReadAll(
      `SELECT i FROM (SELECT i, 'NPI' || chr(i::INTEGER) || '1' AS word FROM (${RANGES.map(([from, to]) => `FROM range(${from}, ${to})`).join(' UNION ALL ')}) r(i))
       WHERE ${providerTypeSql('word')} = 'Individual' ORDER BY i`,
    )
    const staged = answer.getRows().map(([i]) => Number(i))
    const audited = RANGES.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i)).filter(
      (i) => providerType(`NPI${String.fromCodePoint(i)}1`) === 'Individual',
    )
    expect(audited).toEqual(staged)
    expect(staged).toContain(0xfeff)
    expect(staged).toContain(0x10d6e)
    expect(staged).not.toContain(0xffff)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
})
