/** Asks the registered table as a user would, and compares with the ledger. Where the engine takes its time nobody waits. */

import type { CountInput, CountLook, Measured } from '../contract/activities.js'
import { sqlIdentifier } from '../engine/sql.js'
import type { Catalog, RowCount, SmokeCount } from '../lake/catalog.js'
import { isOnAws, openCatalog } from '../lake/catalogs.js'
import { MANIFEST_FORMAT, manifestRelation } from '../partition-files/manifest-file.js'
import { fetchManifest } from '../records/manifest.js'
import { markStale } from '../records/stale-run.js'
import { IntegrityError } from '../runtime/errors.js'
import type { ActivityDeps } from './deps.js'
import { NEXT_RUN_MENDS, publicationState } from './publication-state.js'
import { differingObject } from './published-table.js'
import { openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

/** Columns of the question: the first two partition columns, payer and state. */
const ASKED_COLUMNS = 2

/** Begins to count; compares at once where the catalog answers at once. @returns the query of a count that is under way */
export async function beginCount(
  catalog: Catalog,
  context: RunContext,
  deps: ActivityDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  return await settle(await catalog.countRows(askedColumns(context), signal), catalog, { context, deps, signal })
}

/**
 * Looks whether a count that is under way is done, and compares it.
 * @throws IntegrityError ETL3-CA-01 when the catalog gives other counts than the ledger
 */
export function lookAtCount(
  deps: ActivityDeps,
): (input: CountInput, scope: ActivityScope) => Promise<Omit<CountLook, keyof Measured>> {
  return async ({ run, query }, { signal }) => {
    const context = await openContext(run, deps, signal)
    const catalog = await openCatalog(context.config)
    const count = await catalog.lookAtCount(query, askedColumns(context), signal)
    return { done: (await settle(count, catalog, { context, deps, signal })) === undefined }
  }
}

/** Stops a count that nobody waits for any more. */
export function stopCount(deps: ActivityDeps): (input: CountInput, scope: ActivityScope) => Promise<object> {
  return async ({ run, query }, { signal }) => {
    const { config } = await openContext(run, deps, signal)
    await (await openCatalog(config)).stopCount(query, signal)
    return {}
  }
}

interface Surroundings {
  readonly context: RunContext
  readonly deps: ActivityDeps
  readonly signal: AbortSignal
}

async function settle(count: RowCount, { uri }: Catalog, surroundings: Surroundings): Promise<string | undefined> {
  if (count.state === 'counting') return count.query
  const difference = differenceOf(count.counts, await readLedger(surroundings), askedColumns(surroundings.context))
  if (difference === undefined) return undefined
  if (count.counts.length === 0 && isOnAws(surroundings.context.config)) throw await noAnswer(uri, surroundings)
  const changed = await changedObject(surroundings)
  const state = await publicationState(surroundings.context, undefined, surroundings.signal)
  const why =
    changed === undefined
      ? 'each object is still as it was published, so nobody needs to have changed the table'
      : `${changed} is not what was published`
  throw new IntegrityError(
    'ETL3-CA-01',
    `the catalog counts other rows than the ledger [${uri}]: ${difference}; ${state}; ${why}`,
    {
      hint:
        changed === undefined
          ? 'Run again: it registers and counts anew. If it stays, report it with the run folder.'
          : `${NEXT_RUN_MENDS} If it happens again, find out what else writes there.`,
    },
  )
}

/** Not a row of a table that has some: more likely nobody has looked. */
async function noAnswer(uri: string, { context, signal }: Surroundings): Promise<IntegrityError> {
  const state = await publicationState(context, undefined, signal)
  return new IntegrityError(
    'ETL3-CA-01',
    `the catalog counts no row at all, and the ledger has some [${uri}]: either it does not find the table's objects, or it answers no query, as servers that only stand in for Athena do (moto); ${state}`,
    {
      hint: "'etl3 doctor' asks SELECT 1 and tells which it is. Where no engine answers Athena, set athena.count_rows: false and run again.",
    },
  )
}

/** The address of an object that somebody changed or took away after it was published; the run is stale then. */
async function changedObject({ context, deps, signal }: Surroundings): Promise<string | undefined> {
  const { records, table, scratch } = context
  const manifest = await fetchManifest(records.store, records.key(MANIFEST_FORMAT.name), scratch, signal)
  const key = await differingObject({ table, manifest, scratch }, deps, signal)
  if (key === undefined) return undefined
  await markStale(records, table.locate(key), signal)
  return table.locate(key)
}

async function readLedger({ context, deps, signal }: Surroundings): Promise<readonly SmokeCount[]> {
  const { records, scratch } = context
  const manifest = await fetchManifest(records.store, records.key(MANIFEST_FORMAT.name), scratch, signal)
  const columns = askedColumns(context)
  const names = columns.map(sqlIdentifier).join(', ')
  const published = manifestRelation([manifest], { columns: ['rows'], partitionColumns: columns })
  const rows = await withEngine(deps, scratch, signal, (engine) =>
    engine.rows(`SELECT ${names}, sum(rows)::BIGINT AS counted FROM ${published} GROUP BY ALL`),
  )
  return rows.map((row) => ({
    values: columns.map((name) => (row[name] === null ? null : String(row[name]))),
    rows: Number(row['counted']),
  }))
}

/** How many groups have other rows, and the first one; undefined where all agree. */
function differenceOf(
  counts: readonly SmokeCount[],
  ledger: readonly SmokeCount[],
  columns: readonly string[],
): string | undefined {
  const [counted, due] = [byGroup(counts), byGroup(ledger)]
  const groups = new Map([...counted, ...due])
  const differing = [...groups.keys()].filter((group) => counted.get(group)?.rows !== due.get(group)?.rows).toSorted()
  const [first] = differing
  if (first === undefined) return undefined
  const place = groups.get(first)?.values.map((value, i) => `${columns[i]} ${value === null ? 'NULL' : `'${value}'`}`)
  return (
    `${differing.length} of ${groups.size} groups; first: ${place?.join(', ')}: ` +
    `${counted.get(first)?.rows ?? 0} rows, ${due.get(first)?.rows ?? 0} in the ledger`
  )
}

function byGroup(counts: readonly SmokeCount[]): ReadonlyMap<string, SmokeCount> {
  return new Map(counts.map((count) => [JSON.stringify(count.values), count]))
}

function askedColumns({ layout }: RunContext): readonly string[] {
  return layout.columns.slice(0, ASKED_COLUMNS)
}
