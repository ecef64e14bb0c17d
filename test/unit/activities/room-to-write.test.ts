import { expect, it } from 'vitest'
import { lacksOfRoom } from '../../../src/activities/room-to-write.js'
import { configSchema } from '../../../src/config/schema.js'

/** What a plan of so many new partitions lacks, with all places at an address. */
function lacksAt(uri: string, partitions: number): readonly string[] {
  const config = configSchema.parse({ output: { uri: `${uri}/table`, metadata_uri: `${uri}/etl3` } })
  const plan = {
    formatVersion: 1 as const,
    units: 1,
    rows: partitions,
    sha256: '',
    bytesToWrite: 1,
    rowsToWrite: partitions,
    partitions: { total: partitions, added: partitions, replaced: 0, kept: 0, removed: 0 },
  }
  return lacksOfRoom({ config }, { plan, analytics: undefined }, 1024)
}

it('more partitions than Glue takes by default are told with both numbers', () => {
  expect(lacksAt('s3://lake', 10_000_000)).toEqual([])
  const [text, ...others] = lacksAt('s3://lake', 10_000_001)
  expect(text).toMatch(/^Glue takes 10,000,000 .* and 10,000,001 are planned \(fewer partition columns/)
  expect(others).toEqual([])
})

it('of a table in a folder Glue takes nothing', () => {
  expect(lacksAt('/tmp', 10_000_001).join('\n')).not.toContain('Glue')
})
