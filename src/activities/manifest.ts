/** `manifest.parquet`: every partition of the table as this run leaves it, kept ones included. */
import { join } from 'node:path'
import type { Reference } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { readCurrent } from '../records/current.js'
import { MANIFEST, PLAN } from '../records/names.js'
import { findPlan } from '../records/plan.js'
import { findPublished } from '../records/published.js'
import { parseUnitRecord, unitRecordName } from '../records/unit.js'
import type { RunContext } from './run-context.js'

/** Writes the manifest from the plan, the ledgers and the published marks; kept partitions come from the last manifest. */
export async function writeManifest(
  context: RunContext,
  engine: Engine,
  folder: string,
  signal: AbortSignal,
): Promise<Reference> {
  const { records, layout, scratch } = context
  const plan = readParquet([await records.store.fetchLocal(records.key(PLAN), scratch, signal)])
  await engine.run('CREATE TABLE written (ordinal INTEGER, bytes BIGINT, sha256 VARCHAR, etag VARCHAR)')
  await engine.append('written', writtenRows(context, signal))
  const current = await readCurrent(records.store, signal)
  const before =
    current === undefined
      ? 'SELECT NULL::VARCHAR AS key, NULL::BIGINT AS bytes, NULL::VARCHAR AS sha256, NULL::VARCHAR AS run_id WHERE false'
      : `SELECT key, bytes, sha256, run_id FROM ${readParquet([await records.store.fetchLocal(current.manifest, scratch, signal)])}`
  const columns = layout.columns.map((c) => `p.${sqlIdentifier(c)}`).join(', ')
  const target = join(folder, MANIFEST)
  await engine.run(`COPY (
    SELECT p.key, ${columns}, p.rows, p.facts, coalesce(w.bytes, b.bytes) AS bytes, coalesce(w.sha256, b.sha256) AS sha256,
      p.fingerprint, coalesce(w.etag, p.observed_etag) AS etag,
      CASE WHEN w.ordinal IS NULL THEN b.run_id ELSE ${sqlString(records.runId)} END AS run_id
    FROM ${plan} p LEFT JOIN written w ON w.ordinal = p.ordinal LEFT JOIN (${before}) b ON b.key = p.key
    WHERE p.action <> 'remove' ORDER BY p.key) TO ${sqlString(target)} (FORMAT parquet, ROW_GROUP_SIZE 8192)`)
  return await records.putFile(MANIFEST, target, signal)
}

async function* writtenRows(context: RunContext, signal: AbortSignal): AsyncGenerator<(string | number)[]> {
  const { records } = context
  const plan = await findPlan(context, signal)
  for (let unit = 0; unit < (plan?.units ?? 0); unit++) {
    const ledger = await records.find(unitRecordName(unit), parseUnitRecord, signal)
    const etags = await findPublished(context, unit, signal)
    if (!ledger || !etags) throw new Error(`unit ${unit} was not published`)
    for (const [i, { ordinal, bytes, sha256 }] of ledger.entries.entries())
      yield [ordinal, bytes, sha256, etags[i] ?? '']
  }
}
