/** `manifest.parquet` of a run: from its plan, its ledgers and its published marks. */
import { join } from 'node:path'
import type { Reference } from '../contract/activities.js'
import type { Engine } from '../engine/engine.js'
import { MANIFEST_FORMAT } from '../partition-files/manifest-file.js'
import { type WrittenObject, writeManifest } from '../plan/write-manifest.js'
import { readCurrent } from '../records/current.js'
import { fetchManifest } from '../records/manifest.js'
import { fetchPlan, findPlan } from '../records/plan.js'
import { findPublished } from '../records/published.js'
import { parseUnitRecord, unitRecordName } from '../records/unit.js'
import type { RunContext } from './run-context.js'

/** Leaves the manifest. @param folder local, for what is under construction */
export async function saveManifest(
  context: RunContext,
  engine: Engine,
  folder: string,
  signal: AbortSignal,
): Promise<Reference> {
  const { records, layout, scratch } = context
  const current = await readCurrent(records.store, signal)
  const target = join(folder, MANIFEST_FORMAT.name)
  await writeManifest({
    engine,
    partitionColumns: layout.columns,
    plan: await fetchPlan(context, signal),
    written: writtenObjects(context, signal),
    before: current && (await fetchManifest(records.store, current.manifest, scratch, signal)),
    runId: records.runId,
    target,
  })
  return await records.putFile(MANIFEST_FORMAT.name, target, signal)
}

async function* writtenObjects(context: RunContext, signal: AbortSignal): AsyncGenerator<WrittenObject> {
  const { records } = context
  const plan = await findPlan(context, signal)
  for (let unit = 0; unit < (plan?.units ?? 0); unit++) {
    const ledger = await records.find(unitRecordName(unit), parseUnitRecord, signal)
    const etags = await findPublished(context, unit, signal)
    if (!ledger || !etags) throw new Error(`unit ${unit} was not published`)
    for (const [i, { ordinal, bytes, sha256 }] of ledger.entries.entries())
      yield { ordinal, bytes, sha256, etag: etags[i] ?? '' }
  }
}
