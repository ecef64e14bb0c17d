import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { s3SettingsOf } from '../../../src/lake/s3/settings.js'
import { openStore } from '../../../src/lake/stores.js'

const s3 = s3SettingsOf(loadConfig({ env: {} }).config)

describe('an address', () => {
  it('that is a path is a folder, from where paths start', () => {
    expect(openStore('lake/x/', { baseFolder: '/base', s3 }).uri).toBe('/base/lake/x')
    expect(openStore('/lake', { baseFolder: '/base', s3 }).uri).toBe('/lake')
    expect(openStore('lake', { s3 }).uri).toBe(join(process.cwd(), 'lake'))
    expect(openStore('s3:/lake', { baseFolder: '/base', s3 }).uri).toBe('/base/s3:/lake')
  })

  it('that begins with s3:// is a bucket, with or without a prefix', () => {
    expect(openStore('s3://bucket/a/b/', { s3 }).uri).toBe('s3://bucket/a/b')
    expect(openStore('S3://bucket', { s3 }).uri).toBe('s3://bucket')
    expect(openStore('s3://bucket/a', { s3 }).locate('x/y z')).toBe('s3://bucket/a/x/y z')
  })

  it.each(['s3://', 's3:///a', 's3://a', 's3://bucket//a', 's3://bucket/a/../b', 's3://bu cket/a'])(
    '%s names no place in a bucket',
    (uri) => {
      expect(() => openStore(uri, { s3 })).toThrow(expect.objectContaining({ code: 'ETL3-ST-02', exitCode: 2 }))
    },
  )

  it.each(['gs://x', 'file:///x'])('%s has no adapter', (uri) => {
    expect(() => openStore(uri, { s3 })).toThrow(
      expect.objectContaining({ code: 'ETL3-ST-01', exitCode: 2, message: expect.stringContaining(uri) }),
    )
  })
})
