import type { Measured, Registered, RunRef, UnitDone } from '../contract/activities.js'
import { ownKeyOf } from '../iceberg/table-files.js'
import type { CatalogColumn, PublishedAnalytics } from '../lake/catalog.js'
import { isOnAws, openCatalog } from '../lake/catalogs.js'
import type { ObjectKey } from '../lake/object-store.js'
import { openStore } from '../lake/stores.js'
import type { ColumnType } from '../parquet/factorised.js'
import { MANIFEST_FORMAT, manifestRelation } from '../partition-files/manifest-file.js'
import { readRemovals } from '../partition-files/read-plan.js'
import { findCommittedAnalytics } from '../records/analytics.js'
import { fetchManifest } from '../records/manifest.js'
import { QUARANTINE } from '../records/names.js'
import { fetchPlan, findPlan } from '../records/plan.js'
import { markStale } from '../records/stale-run.js'
import { ConflictError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { DICTIONARY } from '../star/dictionary.js'
import { beginCount } from './ask-catalog.js'
import type { ActivityDeps } from './deps.js'
import { localRates } from './keep-rates.js'
import { saveManifest } from './manifest.js'
import { fromReserve } from './publication-reserve.js'
import { NEXT_RUN_MENDS, publicationState } from './publication-state.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

/** What registering changed and what people should know of it, relative to the run. */
const REGISTERED = 'registered.json'

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'string',
  double: 'double',
  int32: 'int',
  date: 'date',
  boolean: 'boolean',
  list: 'array<string>',
}

/** Columns of the table for catalogs, from the data dictionary. */
export const CATALOG_COLUMNS: readonly CatalogColumn[] = DICTIONARY.map(({ name, type, meaning }) => ({
  name,
  type: SQL_TYPES[type],
  comment: meaning,
}))

/**
 * Registers the published partitions, and begins to ask the table as a user would.
 * @throws IntegrityError ETL3-CA-01 when the catalog gives other counts than the ledger
 */
export function registerTables(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<Registered, keyof Measured>> {
  return fromReserve(async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const { records, config, scratch, layout, table } = context
    const local = (name: string): Promise<string> => records.store.fetchLocal(records.key(name), scratch, signal)
    const { manifest, totals } = await withEngine(deps, scratch, signal, async (engine) => {
      await withScratchFolder(scratch, 'register', (folder) => saveManifest(context, engine, folder, signal))
      const manifest = await fetchManifest(records.store, records.key(MANIFEST_FORMAT.name), scratch, signal)
      const totals = await engine.row(
        `SELECT count(*) AS partitions, coalesce(sum(rows), 0)::BIGINT AS rows FROM ${manifestRelation([manifest], { columns: ['rows'] })}`,
      )
      return { manifest, totals }
    })
    failPoint('register:before')
    await keepLock(context, signal)
    const analytics = await publishedAnalytics(context, signal)
    const catalog = await openCatalog(config)
    const { notes = [], ...outcome } = await catalog.register(
      {
        table: config.athena.table,
        columns: CATALOG_COLUMNS,
        partitionColumns: layout.columns,
        tableUri: table.uri,
        manifestPath: manifest,
        ...(isOnAws(config)
          ? {}
          : { quarantinePath: await local(QUARANTINE), rates: await localRates(context, deps, signal) }),
        runId: ref.runId,
        lockNumber: ref.lockNumber,
        figures: { partitions: Number(totals['partitions']), rows: Number(totals['rows']) },
        ...(analytics ? { analytics } : {}),
      },
      signal,
    )
    failPoint('register:after')
    for (const note of notes) deps.log.info(note)
    if (notes.length > 0) {
      await records.save(REGISTERED, { formatVersion: 1, catalogUri: catalog.uri, ...outcome, notes }, signal)
    }
    const { count_rows: countRows, poll_ms: pollMs, query_timeout_ms: timeoutMs } = config.athena
    const query = countRows ? await beginCount(catalog, context, deps, signal) : undefined
    return {
      catalogUri: catalog.uri,
      ...outcome,
      ...(query === undefined ? {} : { counting: { query, pollMs, timeoutMs } }),
    }
  })
}

async function publishedAnalytics(context: RunContext, signal: AbortSignal): Promise<PublishedAnalytics | undefined> {
  const committed = await findCommittedAnalytics(context, signal)
  if (!committed) return undefined
  const { uri, snapshotId, timestampMs, files } = committed
  const store = openStore(uri, context.ref)
  return {
    uri,
    snapshotId,
    timestampMs,
    files: files.map(({ file: { path, rows, bytes } }) => ({ key: ownKeyOf(store, path), rows, bytes })),
  }
}

/** A worker that slept may be late by any time: it looks again right before it does what cannot be undone. */
async function keepLock({ lock, ref }: RunContext, signal: AbortSignal): Promise<void> {
  await lock.renew({ number: ref.lockNumber, owner: ref.lockOwner }, signal)
}

/** Deletes the objects of partitions that vanished, key by key, after nobody is led there any more. */
export function removePartitions(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<UnitDone, keyof Measured>> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const { table, scratch } = context
    const none = { unit: 0, partitions: 0, rows: 0, bytes: 0 }
    if ((await findPlan(context, signal))?.partitions.removed === 0) return none
    const plan = await fetchPlan(context, signal)
    const removals = await withEngine(deps, scratch, signal, (engine) => readRemovals(engine, plan))
    failPoint('remove:before')
    const found = await table.stat(
      removals.map((p) => p.key),
      signal,
    )
    const strange = removals.find((p, i) => found[i] && found[i].etag !== p.observedEtag)
    if (strange) throw await cannotRemove(context, strange.key, signal)
    const [changed] = await table.deleteUnchanged(
      found.filter((object) => object !== undefined),
      () => keepLock(context, signal),
      signal,
    )
    if (changed !== undefined) throw await cannotRemove(context, changed, signal)
    return { ...none, partitions: removals.length }
  }
}

async function cannotRemove(context: RunContext, key: ObjectKey, signal: AbortSignal): Promise<ConflictError> {
  const { records, table } = context
  const address = table.locate(key)
  await markStale(records, address, signal)
  const content = await table.digest(key, signal)
  const found = content ? `it has ${content.bytes} bytes and SHA-256 ${content.sha256} now` : 'it is gone now'
  const state = await publicationState(context, undefined, signal)
  return new ConflictError(
    'ETL3-PU-02',
    `${address} cannot be removed: it is not the object that the plan saw (${found}); ${state} and registered, ` +
      'and no reader is led to what is to be removed',
    { hint: NEXT_RUN_MENDS },
  )
}
