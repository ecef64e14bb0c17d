/** Brings the catalog to what was published, and asks it as a user would. Leaves `manifest.parquet` and `registered.json`. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CatalogColumn } from '../lake/catalog.js'
import { openCatalog } from '../lake/catalogs.js'
import type { ColumnType } from '../parquet/factorised.js'
import { readRemovals } from '../plan/read-plan.js'
import { readParquet } from '../runtime/engine.js'
import { ConflictError, IntegrityError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { sqlIdentifier } from '../runtime/sql.js'
import { DICTIONARY } from '../star/dictionary.js'
import type { ActivityDeps } from './deps.js'
import { MANIFEST, writeManifest } from './manifest.js'
import { findPlan, PLAN } from './plan-partitions.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'
import type { Measured, Registered, RunRef, UnitDone } from './types.js'

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

/** Registers the published partitions. @throws IntegrityError ETL3-CA-01 when the catalog gives other counts than the ledger */
export function registerTables(
  deps: ActivityDeps,
): (run: RunRef, scope: ActivityScope) => Promise<Omit<Registered, keyof Measured>> {
  return async (ref, { signal }) => {
    const context = await openContext(ref, deps, signal)
    const { records, config, scratch, layout, table } = context
    const folder = join(scratch, `register-${process.pid}-${performance.now()}`)
    mkdirSync(folder, { recursive: true })
    const counts = layout.columns.slice(0, 2).map(sqlIdentifier).join(', ')
    const due = await withEngine(deps, scratch, signal, async (engine) => {
      await writeManifest(context, engine, folder, signal)
      const local = await records.store.fetchLocal(records.key(MANIFEST), scratch, signal)
      return {
        local,
        counts: await engine.rows(
          `SELECT ${counts}, sum(rows)::BIGINT AS rows FROM ${readParquet([local])} GROUP BY ${counts} ORDER BY ${counts}`,
        ),
        totals: await engine.row(
          `SELECT count(*) AS partitions, coalesce(sum(rows), 0)::BIGINT AS rows FROM ${readParquet([local])}`,
        ),
      }
    })
    rmSync(folder, { recursive: true, force: true })
    failPoint('register:before')
    await keepLock(context, signal)
    const catalog = openCatalog(config)
    const outcome = await catalog.register(
      {
        table: config.athena.table,
        columns: CATALOG_COLUMNS,
        partitionColumns: layout.columns,
        tableUri: table.uri,
        manifestPath: due.local,
        runId: ref.runId,
        figures: { partitions: Number(due.totals['partitions']), rows: Number(due.totals['rows']) },
      },
      signal,
    )
    failPoint('register:after')
    const asked = await catalog.countRows(layout.columns.slice(0, 2), signal)
    const told = due.counts.map((row) =>
      JSON.stringify([...layout.columns.slice(0, 2).map((c) => row[c] ?? null), Number(row['rows'])]),
    )
    const found = asked.map((c) => JSON.stringify([...c.values, c.rows]))
    if (told.toSorted().join() !== found.toSorted().join()) {
      throw new IntegrityError('ETL3-CA-01', `the catalog counts other rows than the ledger [${catalog.uri}]`, {
        hint: 'Run again: it registers anew. If it stays, report it with the run folder.',
      })
    }
    return { catalogUri: catalog.uri, ...outcome }
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
    const { records, table, scratch } = context
    const none = { unit: 0, partitions: 0, rows: 0, bytes: 0 }
    if ((await findPlan(context, signal))?.partitions.removed === 0) return none
    const plan = await records.store.fetchLocal(records.key(PLAN), scratch, signal)
    const removals = await withEngine(deps, scratch, signal, (engine) => readRemovals(engine, plan))
    failPoint('remove:before')
    await keepLock(context, signal)
    const found = await table.stat(
      removals.map((p) => p.key),
      signal,
    )
    const strange = removals.find((p, i) => found[i] && found[i].etag !== p.observedEtag)
    if (strange) {
      throw new ConflictError(
        'ETL3-PU-02',
        `${table.locate(strange.key)} cannot be removed: another writer has changed it`,
        {
          hint: 'Start the run again: it plans anew from what lies there now.',
        },
      )
    }
    await table.delete(
      removals.map((p) => p.key),
      signal,
    )
    return { ...none, partitions: removals.length }
  }
}
