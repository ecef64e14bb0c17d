/** The name and the place of the analytics table, as the configuration has them. */
import { ConfigError } from '../runtime/errors.js'
import { isS3Address, normalisedUri } from '../runtime/uri.js'
import type { Config } from './schema.js'

/** Bytes of the analytics table as a multiple of the input's: the real star's 26 MB become 69 MB. */
export const ANALYTICS_DISK_FACTOR = 3

/** The name of the analytics table in the database of the other one (`athena.analytics_table`). */
export function analyticsTableName({ athena }: Pick<Config, 'athena'>): string {
  return athena.analytics_table ?? `${athena.table}_iceberg`
}

/**
 * The root of the analytics table, a folder or an `s3://` prefix: `output.analytics.uri`, or a place of its name beside the
 * other table. Runs may have left one there and keep none any more.
 * @throws ConfigError `ETL3-CF-18` where the other table takes a whole bucket, so that nothing lies beside it
 */
export function analyticsUri(config: Pick<Config, 'output' | 'athena'>): string {
  const { analytics, uri } = config.output
  return analytics.uri === undefined ? beside(uri, analyticsTableName(config)) : normalisedUri(analytics.uri)
}

/** The same, or undefined where runs keep no analytics table. @throws as {@link analyticsUri} */
export function keptAnalyticsUri(config: Pick<Config, 'output' | 'athena'>): string | undefined {
  return config.output.analytics.enabled ? analyticsUri(config) : undefined
}

/** The place of that name in the folder or prefix in which another place lies. */
function beside(uri: string, name: string): string {
  const place = normalisedUri(uri)
  const cut = place.lastIndexOf('/')
  if (isS3Address(place) && cut < 's3://'.length) {
    throw new ConfigError('ETL3-CF-18', `nothing lies beside a whole bucket [output.uri=${uri}]`, {
      hint:
        'Name the place of the analytics table in output.analytics.uri, give the table a prefix in output.uri, ' +
        'or keep no analytics table: output.analytics.enabled: false.',
    })
  }
  return `${place.slice(0, cut)}/${name}`
}
