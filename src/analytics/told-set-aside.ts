/** What a commit has set aside, as people are told it: with the way back to it. */
import type { AnalyticsResult, SetAside } from '../contract/messages.js'
import type { SetAsideChange } from '../iceberg/set-aside.js'

type Place = Pick<AnalyticsResult, 'table' | 'uri' | 'inGlue'>

/** Each change with the way back to it, in their order. */
export function toldSetAside(changes: readonly SetAsideChange[], place: Place): SetAside[] {
  return changes.map((change) => {
    const { what, snapshotId, operation, timestampMs } = change
    return {
      what,
      wayBack: wayBack(change, place),
      ...(snapshotId === undefined ? {} : { snapshotId }),
      ...(operation === undefined ? {} : { operation }),
      ...(timestampMs === undefined ? {} : { at: new Date(timestampMs).toISOString() }),
    }
  })
}

function wayBack({ kind, snapshotId = '', file = '' }: SetAsideChange, place: Place): string {
  switch (kind) {
    case 'snapshot':
      return `It can be read for as long as this run's snapshot is kept: ${readingLine(snapshotId, place)}. ${rollingBack(snapshotId, place)}, and set output.analytics.foreign_commits to stop.`
    case 'columns':
      return 'The former columns are one of the earlier schemas in the metadata of the table. To bring them back, change the columns again.'
    case 'catalog':
      return `Its file stays: StaticTable.from_metadata(${JSON.stringify(`${place.uri.replace(/\/+$/, '')}/metadata/${file}`)}) of pyiceberg reads it for as long as the runs keep what it names. To go on from it, give the runs another output.analytics.uri.`
    case 'moved':
      return 'It was made where the table lay before, and cannot be read from here. To bring it back, restore the table in that place.'
  }
}

function readingLine(snapshotId: string, { table, uri, inGlue }: Place): string {
  if (inGlue) return `SELECT * FROM ${table} FOR VERSION AS OF ${snapshotId}`
  return `FROM iceberg_scan('${uri.replaceAll("'", "''")}', snapshot_from_id = ${snapshotId}) in DuckDB`
}

function rollingBack(snapshotId: string, { table, inGlue }: Place): string {
  if (inGlue) return `To bring it back, ALTER TABLE ${table} EXECUTE rollback_to_snapshot(${snapshotId}) in Trino`
  return `To bring it back, make ${snapshotId} the current snapshot again with the engine that made it (set_current_snapshot in Spark)`
}
