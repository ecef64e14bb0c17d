import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { providerType } from '../../../src/audit/vocabulary.js'
import { providerTypeSql } from '../../../src/star/vocabulary-sql.js'

it('staging and the audit of the input pass over the same characters of a word', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const answer = await connection.runAndReadAll(
      `SELECT i FROM (SELECT i, 'NPI' || chr(i::INTEGER) || '1' AS word FROM (FROM range(1, 55296) UNION ALL FROM range(57344, 65536)) r(i))
       WHERE ${providerTypeSql('word')} = 'Individual' ORDER BY i`,
    )
    const staged = answer.getRows().map(([i]) => Number(i))
    const audited = Array.from({ length: 65_535 }, (_, i) => i + 1).filter(
      (i) => (i < 0xd800 || i > 0xdfff) && providerType(`NPI${String.fromCodePoint(i)}1`) === 'Individual',
    )
    expect(audited).toEqual(staged)
    expect(staged).toContain(0xfeff)
    expect(staged).not.toContain(0xffff)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
})
