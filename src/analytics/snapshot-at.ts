/** An earlier state of the table, as people name it. */
import { analyticsUri } from '../config/analytics-place.js'
import type { Config } from '../config/schema.js'
import { type AsOf, openSnapshot } from '../iceberg/open-snapshot.js'
import { ownKeyOf } from '../iceberg/table-files.js'
import type { PublishedAnalytics } from '../lake/catalog.js'
import { UsageError } from '../runtime/errors.js'
import { openAnalyticsTable } from './open-analytics-table.js'

const RUN_ID = /^[0-9a-f]{16}$/
const DAY = /^\d{4}-\d\d-\d\d$/
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * The files of the analytics table as a run left it, or as they were at an instant.
 *
 * @param asOf a run's id, or a day or time of ISO 8601: without a zone it is UTC
 * @throws UsageError `ETL3-IC-07` for a text that is neither, and where there is no such state (any more)
 */
export async function snapshotAt(
  config: Config,
  asOf: string,
  signal: AbortSignal,
): Promise<Pick<PublishedAnalytics, 'uri' | 'files'>> {
  const table = await openAnalyticsTable(config, analyticsUri(config))
  const { uri } = table.store
  const snapshot = await openSnapshot(table, parseAsOf(asOf), signal)
  if (!snapshot) {
    throw new UsageError('ETL3-IC-07', `there is no analytics table, which holds the earlier states [${uri}]`, {
      hint: 'Set output.analytics.enabled: earlier states can be asked for from the next run on.',
    })
  }
  const files = snapshot.files.map(({ path, rows, bytes }) => ({ key: ownKeyOf(table.store, path), rows, bytes }))
  return { uri, files }
}

/** @throws UsageError `ETL3-IC-07` */
export function parseAsOf(text: string): Exclude<AsOf, 'now'> {
  if (RUN_ID.test(text)) return { runId: text }
  const zone = TIME.exec(text)?.[1]
  const isTime = zone !== undefined || TIME.test(text)
  const timestampMs =
    DAY.test(text) || isTime ? Date.parse(isTime && zone === undefined ? `${text}Z` : text) : Number.NaN
  if (!Number.isNaN(timestampMs)) return { timestampMs }
  throw new UsageError('ETL3-IC-07', `'${text}' is neither the id of a run nor a time`, {
    hint: 'Name a run (16 hexadecimal digits, as the report shows it), or a time such as 2026-08-01T12:00Z.',
  })
}
