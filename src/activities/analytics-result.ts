/** What the result of a run says of the analytics table. */
import { isInGlue } from '../analytics/open-analytics-table.js'
import { toldSetAside } from '../analytics/told-set-aside.js'
import { analyticsTableName } from '../config/analytics-place.js'
import type { Config } from '../config/schema.js'
import type { AnalyticsResult, RunStatus } from '../contract/messages.js'
import { type AnalyticsPlan, filesToWrite, findAnalyticsPlan, findCommittedAnalytics } from '../records/analytics.js'
import type { RunContext } from './run-context.js'

/** Of a published run what was committed, of any other what would be; undefined where runs keep none. */
export async function analyticsResult(
  context: RunContext,
  status: RunStatus,
  signal: AbortSignal,
): Promise<AnalyticsResult | undefined> {
  const { config } = context
  const plan = await findAnalyticsPlan(context, signal)
  if (!plan) return undefined
  const planned = plannedResult(plan)
  const place = analyticsPlace(config, plan.uri)
  const committed = status === 'published' ? await findCommittedAnalytics(context, signal) : undefined
  if (!committed) return { ...place, ...planned }
  const { rows, bytes, files, added, removed, snapshotId, metadataFile, timestampMs, setAside = [] } = committed
  const told = toldSetAside(setAside, place)
  return {
    ...place,
    rows,
    files: files.length,
    added,
    addedRows: added === 0 ? 0 : planned.addedRows,
    committed: {
      bytes,
      removed,
      snapshotId,
      metadataFile,
      at: new Date(timestampMs).toISOString(),
      ...(told.length === 0 ? {} : { setAside: told }),
    },
  }
}

/** Where the table is and what it is called. @param uri its root */
export function analyticsPlace(config: Config, uri: string): Pick<AnalyticsResult, 'table' | 'uri' | 'inGlue'> {
  return {
    table: `${config.athena.database}.${analyticsTableName(config)}`,
    uri,
    inGlue: isInGlue(config, uri),
  }
}

function plannedResult(plan: AnalyticsPlan): Pick<AnalyticsResult, 'rows' | 'files' | 'added' | 'addedRows'> {
  const { files: added, rows: addedRows } = filesToWrite(plan)
  return { rows: plan.rows, files: plan.files.length, added, addedRows }
}
