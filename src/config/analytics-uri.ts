/** Where the analytics table lies. */
import { ConfigError } from '../runtime/errors.js'
import type { Config } from './schema.js'
import { isS3Address, normalisedUri } from './uri.js'

/**
 * The root of the analytics table: `output.analytics.uri`, or `<table>_iceberg` beside the table.
 * @throws ConfigError `ETL3-CF-17` where the table takes a whole bucket, so that nothing lies beside it
 */
export function analyticsUri({ output, athena }: Pick<Config, 'output' | 'athena'>): string {
  if (output.analytics.uri !== undefined) return normalisedUri(output.analytics.uri)
  const table = normalisedUri(output.uri)
  const cut = table.lastIndexOf('/')
  if (isS3Address(table) && cut < 's3://'.length) {
    throw new ConfigError('ETL3-CF-17', `nothing lies beside a whole bucket [output.uri=${output.uri}]`, {
      hint: 'Name the place of the analytics table in output.analytics.uri, or give the table a prefix in output.uri.',
    })
  }
  return `${table.slice(0, cut)}/${athena.table}_iceberg`
}
