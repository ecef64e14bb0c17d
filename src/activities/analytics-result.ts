/** What the result of a run says of the analytics table. */
import { isInGlue } from '../analytics/open-analytics-table.js'
import { analyticsTableName } from '../config/analytics-place.js'
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
  const place = {
    table: `${config.athena.database}.${analyticsTableName(config)}`,
    uri: plan.uri,
    inGlue: isInGlue(config, plan.uri),
  }
  const committed = status === 'published' ? await findCommittedAnalytics(context, signal) : undefined
  if (!committed) return { ...place, ...planned }
  const { rows, bytes, files, added, removed, snapshotId, metadataFile, timestampMs } = committed
  return {
    ...place,
    rows,
    files: files.length,
    added,
    addedRows: added === 0 ? 0 : planned.addedRows,
    committed: { bytes, removed, snapshotId, metadataFile, at: new Date(timestampMs).toISOString() },
  }
}

function plannedResult(plan: AnalyticsPlan): Pick<AnalyticsResult, 'rows' | 'files' | 'added' | 'addedRows'> {
  const { files: added, rows: addedRows } = filesToWrite(plan)
  return { rows: plan.rows, files: plan.files.length, added, addedRows }
}
