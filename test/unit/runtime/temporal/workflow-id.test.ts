import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { workflowIdOf } from '../../../../src/runtime/temporal/workflow-id.js'
import { normalisedUri } from '../../../../src/runtime/uri.js'

function idOf(uri: string): string {
  return workflowIdOf({ output: { uri } })
}

describe('the workflow id', () => {
  it('is a digest of the normalised output URI', () => {
    const digest = createHash('sha256').update('s3://bucket/table').digest('hex')
    expect(idOf('s3://bucket/table/')).toBe(`etl3:${digest.slice(0, 16)}`)
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
