import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { analyticsTableOf } from '../../../src/analytics/analytics-table.js'
import { configSchema } from '../../../src/config/schema.js'
import { layoutOf } from '../../../src/star/layout.js'

type Output = Readonly<Record<string, unknown>>

function tableOf(analytics: Output, output: Output = {}, columns?: readonly string[]): unknown {
  const config = configSchema.parse({
    output: { ...output, analytics },
    ...(columns ? { partitioning: { partition_columns: columns } } : {}),
  })
  return analyticsTableOf(config, layoutOf(config.partitioning.partition_columns))
}

describe('the analytics table of a configuration', () => {
  it('is none where it is switched off, whatever else is said of it', () => {
    expect(tableOf({ enabled: false })).toBeUndefined()
    expect(tableOf({ enabled: false, partition_columns: ['state', 'city'] })).toBeUndefined()
  })

  it('lies beside the table, by payer, year and month, and its rows ascend by what else partitions the other one', () => {
    expect(tableOf({}, { uri: 'lake/table/' })).toEqual({
      uri: resolve('lake/fact_rate_enriched_iceberg'),
      name: 'fact_rate_enriched_iceberg',
      partitionColumns: ['payer_slug', 'year', 'month'],
      sortColumns: ['billing_class', 'procedure_set', 'procedure_class'],
      target: { rows: 2_000_000, bytes: Number.POSITIVE_INFINITY },
    })
    expect(tableOf({}, { uri: 's3://bucket/lake/table' })).toMatchObject({
      uri: 's3://bucket/lake/fact_rate_enriched_iceberg',
    })
  })

  it('has those of the three columns that the other table has as well, in their usual order', () => {
    expect(tableOf({}, {}, ['month', 'state', 'payer_slug'])).toMatchObject({
      partitionColumns: ['payer_slug', 'month'],
      sortColumns: [],
    })
    expect(tableOf({}, {}, ['state'])).toMatchObject({ partitionColumns: [], sortColumns: [] })
  })

  it('has the partition columns that are asked for, in the order in which they are', () => {
    expect(tableOf({ partition_columns: ['year', 'billing_class'] })).toMatchObject({
      partitionColumns: ['year', 'billing_class'],
      sortColumns: ['payer_slug', 'month', 'procedure_set', 'procedure_class'],
    })
    expect(tableOf({ partition_columns: [] })).toMatchObject({ partitionColumns: [] })
  })

  it('has the place and the size of files that are asked for', () => {
    expect(tableOf({ uri: '/elsewhere/x', target_file_rows: 5 })).toMatchObject({
      uri: '/elsewhere/x',
      target: { rows: 5, bytes: Number.POSITIVE_INFINITY },
    })
    expect(tableOf({ target_file_bytes: 7 })).toMatchObject({ target: { rows: 2_000_000, bytes: 7 } })
  })
})

describe('a partition column that cannot be one is refused with those that can (ETL3-CF-17)', () => {
  it.each([
    ['the provider decides it', 'state'],
    ['the code decides it', 'procedure_class'],
    ['the other table is not partitioned by it', 'negotiated_type'],
    ['it does not exist', 'nonsense'],
  ])('%s', (_, column) => {
    expect(() => tableOf({ partition_columns: ['year', column] })).toThrow(
      expect.objectContaining({
        code: 'ETL3-CF-17',
        message: expect.stringContaining(`'${column}'`),
        hint: expect.stringContaining('payer_slug, billing_class, year, month'),
      }),
    )
  })

  it('where the fact decides none at all, the hint says so', () => {
    expect(() => tableOf({ partition_columns: ['state'] }, {}, ['state'])).toThrow(
      expect.objectContaining({ code: 'ETL3-CF-17', hint: expect.stringContaining('leave the list empty') }),
    )
  })

  it('and a column that stands there twice is no list of columns', () => {
    expect(() => tableOf({ partition_columns: ['year', 'year'] })).toThrow('only once')
  })
})

describe('a place that is not its own is refused (ETL3-CF-18)', () => {
  const place = { uri: '/lake/table', metadata_uri: '/lake/etl3' }
  const inBucket = { uri: 's3://bucket/table', metadata_uri: 's3://bucket/etl3' }

  it.each<[string, string, Output]>([
    ['the table itself', '/lake/table', place],
    ['the table itself, spelled otherwise', '/lake/x/../table//', place],
    ['a folder of the table', '/lake/table/analytics', place],
    ['a folder that holds the table', '/lake', place],
    ['the records of the runs', '/lake/etl3/runs', place],
    ['a prefix that holds the table', 's3://bucket', inBucket],
    ['a prefix below the records', 's3://bucket/etl3/x', inBucket],
  ])('%s', (_, uri, output) => {
    expect(() => tableOf({ uri }, output)).toThrow(
      expect.objectContaining({ code: 'ETL3-CF-18', hint: expect.stringContaining('output.analytics.uri') }),
    )
  })

  it('a table that is a whole bucket has nothing beside it', () => {
    const bucket = { uri: 's3://bucket', metadata_uri: 's3://other/etl3' }
    expect(() => tableOf({}, bucket)).toThrow(expect.objectContaining({ code: 'ETL3-CF-18' }))
    expect(tableOf({ uri: 's3://third/x' }, bucket)).toMatchObject({ uri: 's3://third/x' })
  })

  it('a folder whose name begins like the table is one of its own', () => {
    expect(tableOf({ uri: '/lake/table2' }, place)).toMatchObject({ uri: '/lake/table2' })
  })
})
