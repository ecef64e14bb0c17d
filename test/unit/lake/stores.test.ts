import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../../src/lake/stores.js'

describe('an address', () => {
  it('that is a path is a folder, from where paths start', () => {
    expect(openStore('lake/x/', { baseFolder: '/base' }).uri).toBe('/base/lake/x')
    expect(openStore('/lake', { baseFolder: '/base' }).uri).toBe('/lake')
    expect(openStore('lake').uri).toBe(join(process.cwd(), 'lake'))
    expect(openStore('s3:/lake', { baseFolder: '/base' }).uri).toBe('/base/s3:/lake')
  })

  it.each(['s3://bucket/prefix', 'S3://bucket', 'gs://x', 'file:///x'])('%s has no adapter yet', (uri) => {
    expect(() => openStore(uri)).toThrow(
      expect.objectContaining({ code: 'ETL3-ST-01', exitCode: 2, message: expect.stringContaining(uri) }),
    )
  })
})
