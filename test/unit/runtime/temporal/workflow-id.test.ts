import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { workflowIdOf } from '../../../../src/runtime/temporal/workflow-id.js'
import { normalisedUri } from '../../../../src/runtime/uri.js'

function idOf(uri: string): string {
  return workflowIdOf({ output: { uri } })
}

describe('the workflow id', () => {
  it('is the end of the normalised output URI, for people, and a digest of all of it', () => {
    const digestOf = (uri: string): string => createHash('sha256').update(uri).digest('hex').slice(0, 16)
    expect(idOf('s3://bucket/table/')).toBe(`etl3:bucket-table:${digestOf('s3://bucket/table')}`)
    const folder = '/home/ann/Rates 2026/lake/partitioned-data'
    expect(idOf(folder)).toBe(`etl3:rates-2026-lake-partitioned-data:${digestOf(folder)}`)
  })

  it('holds letters, digits and dashes whatever the address holds, and is short', () => {
    for (const uri of ['/x/\u001B[31m/$(reboot)/a%2F"b\'', '/данные/ставки', '/', `/${'long/'.repeat(90)}`]) {
      expect(idOf(uri)).toMatch(/^etl3:(?:[a-z0-9][a-z0-9-]{0,47}:)?[0-9a-f]{16}$/)
    }
  })

  it('is the same for all spellings of one place', () => {
    const here = process.cwd()
    expect(new Set(['lake/x', 'lake/x/', './lake//x', 'lake/y/../x', `${here}/lake/x`].map(idOf)).size).toBe(1)
    expect(new Set(['s3://b/x', 'S3://b/x', 's3://b/x/', 's3://b/x//'].map(idOf)).size).toBe(1)
  })

  it('differs for different places', () => {
    const places = ['lake/x', 'lake/X', 'lake/x y', 's3://b/x', 's3://b/X', 's3://b//x', 's3://b/x/../y', 's3://B/x']
    expect(new Set(places.map(idOf)).size).toBe(places.length)
    expect(normalisedUri('s3://b/x/../y')).toBe('s3://b/x/../y')
  })
})
