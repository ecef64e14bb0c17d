/** The analytics table of a configuration: the same rows in few large files, as an Iceberg table beside the other one. */
import { analyticsTableName, keptAnalyticsUri } from '../config/analytics-place.js'
import type { Config } from '../config/schema.js'
import { projectedTableName } from '../lake/glue/projected-table-name.js'
import { ConfigError } from '../runtime/errors.js'
import { normalisedUri } from '../runtime/uri.js'
import type { Layout } from '../star/layout.js'
import type { FileTarget } from './cut-files.js'

/** Where the table lies and how its files are made. */
export interface AnalyticsTable {
  /** In the database of the other one. */
  readonly name: string
  /** Its root: a folder or an `s3://` prefix. */
  readonly uri: string
  /** Some of the partition columns that a fact's attributes decide, in the order of the configuration. */
  readonly partitionColumns: readonly string[]
  /** The rows of a file ascend by these, NULLs last. */
  readonly sortColumns: readonly string[]
  /** A file has between half of it and twice as much; a slice is never cut. */
  readonly target: FileTarget
}

const DEFAULT_PARTITION_COLUMNS = ['payer_slug', 'year', 'month']

/**
 * The analytics table that a configuration asks for, or undefined where it asks for none.
 *
 * @throws ConfigError `ETL3-CF-17` for a partition column that cannot be one here, `ETL3-CF-18` where the table would
 *   lie in the other one or among the records of the runs, or have a name that is taken
 */
export function analyticsTableOf(config: Config, layout: Layout): AnalyticsTable | undefined {
  const uri = keptAnalyticsUri(config)
  if (uri === undefined) return undefined
  const { partition_columns: asked, target_file_rows: rows, target_file_bytes: bytes } = config.output.analytics
  const impossible = asked?.find((column) => !layout.attr.includes(column))
  if (impossible !== undefined) {
    throw new ConfigError('ETL3-CF-17', `output.analytics.partition_columns: '${impossible}' cannot be one`, {
      hint:
        layout.attr.length === 0
          ? 'No column of partitioning.partition_columns can be one: leave the list empty.'
          : `Possible are those of partitioning.partition_columns that the fact itself has: ${layout.attr.join(', ')}.`,
    })
  }
  const partitionColumns = asked ?? DEFAULT_PARTITION_COLUMNS.filter((column) => layout.attr.includes(column))
  const name = analyticsTableName(config)
  requireOwnName(name, config)
  requireApart(uri, config.output)
  return {
    name,
    uri,
    partitionColumns,
    sortColumns: [...layout.attr.filter((c) => !partitionColumns.includes(c)), ...layout.code, ...layout.group],
    target: { rows, bytes: bytes ?? Number.POSITIVE_INFINITY },
  }
}

function requireOwnName(name: string, { athena }: Config): void {
  if (name !== athena.table && name !== projectedTableName(athena.table)) return
  throw new ConfigError('ETL3-CF-18', `athena.analytics_table: '${name}' is the name of another table of ETL3`, {
    hint: 'Choose another name, or leave it out.',
  })
}

function requireApart(root: string, { uri, metadata_uri: metadata }: Config['output']): void {
  const analytics = `${normalisedUri(root)}/`
  for (const [key, place] of [
    ['output.uri', uri],
    ['output.metadata_uri', metadata],
  ] as const) {
    const other = `${normalisedUri(place)}/`
    if (!analytics.startsWith(other) && !other.startsWith(analytics)) continue
    throw new ConfigError(
      'ETL3-CF-18',
      `the analytics table and ${key} lie within each other [${analytics}, ${other}]`,
      {
        hint: 'Give output.analytics.uri a place of its own: what lies in one of them would be taken for a part of the other.',
      },
    )
  }
}
