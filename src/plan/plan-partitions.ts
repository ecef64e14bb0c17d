/**
 * The plan: every partition with its key, rows, facts and fingerprint, what happens to it, and in which unit. It is put
 * together in the engine, so that its memory does not grow with the number of partitions.
 */

import type { Engine } from '../engine/engine.js'
import { readParquet } from '../engine/parquet-scan.js'
import { sqlIdentifier } from '../engine/sql.js'
import { partitionKey } from '../lake/keys.js'
import { type ManifestColumn, manifestRelation } from '../partition-files/manifest-file.js'
import {
  joinPartitionFile,
  PIECE_PARTITIONS,
  partitionSelectList,
  writePieceOfPartitions,
} from '../partition-files/partition-file.js'
import { PLAN_FORMAT, planRelation } from '../partition-files/plan-file.js'
import { ConflictError, IntegrityError } from '../runtime/errors.js'
import type { Layout } from '../star/layout.js'
import type { StagedPaths } from '../star/staged-files.js'
import type { InventoryEntry } from './inventory.js'
import { partitionValuesInSql, type ValuesInSql, type ValuesOfPartition } from './partition-values.js'
import { refuseSharedPlaces } from './shared-places.js'

/** An object under the table's prefix, as one listing saw it. */
export interface ObservedObject {
  readonly key: string
  readonly bytes: number
  readonly etag: string
}

/** What the plan is made from. */
export interface PlanInput {
  readonly engine: Engine
  readonly paths: StagedPaths
  readonly layout: Layout
  /** Entries of all blocks. */
  readonly inventory: AsyncIterable<InventoryEntry>
  readonly valuesOf: ValuesOfPartition
  /** Local manifest of the published run, if there is one. */
  readonly manifest: string | undefined
  /** Local plans of other runs of ours: what an unfinished publication may have left behind. */
  readonly otherPlans: readonly string[]
  readonly observed: AsyncIterable<ObservedObject>
  /** @throws InputError when the store can hold no object under the key */
  readonly requireStorable: (key: string) => void
  /** Whether two names of one folder are two places in the table's store. */
  readonly tellsApart: (first: string, second: string) => Promise<boolean>
  /** SHA-256 (hex) of a published object, read again; undefined where it has gone meanwhile. */
  readonly checksumOf: (key: string) => Promise<string | undefined>
  /** About how long the writing of a unit is to take. */
  readonly unitSeconds: number
  /** Local path of the plan to be written. */
  readonly target: string
}

/** Figures of a plan. */
export interface PlanFigures {
  readonly rows: number
  readonly rowsToWrite: number
  readonly units: number
  readonly partitions: {
    readonly total: number
    readonly added: number
    readonly replaced: number
    readonly kept: number
    readonly removed: number
  }
}

/** Measured: a file costs about 150 µs and a row 1 µs on one thread. */
const FILE_COST_US = 150
const ROW_COST_US = 1

/**
 * Makes the plan.
 *
 * @throws InputError ETL3-KE-05 when two partitions would share a place
 * @throws ConflictError ETL3-PL-01 when something lies under the table's prefix that no record of ours knows
 * @throws IntegrityError ETL3-PL-02 when the inventory disagrees with a count of the staged star made another way
 */
export async function planPartitions(input: PlanInput): Promise<PlanFigures> {
  const { engine } = input
  await loadInventory(input)
  await requireComplete(engine, input.paths)
  await loadKnown(input)
  const values = await partitionValuesInSql(engine, input.paths, input.layout)
  await refuseSharedPlaces({ engine, partitionColumns: input.layout.columns, values, tellsApart: input.tellsApart })
  await refuseStrangers(engine)
  await verifyMoved(input)
  await judge(input)
  await write(input, values)
  return await figures(engine, input.target)
}

/** What happens to each partition, and in which unit: by numbers alone, so that no key is sorted or held twice. */
async function judge({ engine, unitSeconds }: PlanInput): Promise<void> {
  const unitCostUs = Math.round(unitSeconds * 1_000_000)
  await engine.run(`CREATE TABLE judged AS
    WITH acted AS (
      SELECT i.ordinal, i.rows, CASE WHEN o.bytes IS NULL THEN 'add'
          WHEN m.fingerprint = i.fingerprint AND m.bytes = o.bytes AND (m.etag = o.etag OR v.key IS NOT NULL) THEN 'keep'
          ELSE 'replace' END AS action
      FROM inventory i LEFT JOIN observed o ON ${sameKey('o', 'i')} LEFT JOIN manifest m ON ${sameKey('m', 'i')}
      LEFT JOIN verified v ON ${sameKey('v', 'i')}),
    costed AS (
      SELECT ordinal, action, action IN ('add', 'replace') AS written,
        (sum(CASE WHEN action IN ('add', 'replace') THEN ${FILE_COST_US} + ${ROW_COST_US} * rows ELSE 0 END)
          OVER (ORDER BY ordinal ROWS UNBOUNDED PRECEDING) // ${unitCostUs})::BIGINT AS bucket FROM acted)
    SELECT ordinal, action,
      CASE WHEN written THEN (dense_rank() OVER (PARTITION BY written ORDER BY bucket) - 1)::INTEGER ELSE -1 END AS unit FROM costed`)
}

/** Writes the plan piece by piece, so that memory does not grow with the table. */
async function write(input: PlanInput, values: ValuesInSql): Promise<void> {
  const { engine, target } = input
  const removed = `${target}.removals`
  await writePieceOfPartitions(engine, removals(input), removed)
  const parts = [removed]
  const planned = await engine.count('SELECT count(*) FROM inventory')
  for (let from = 0; from < planned; from += PIECE_PARTITIONS) {
    const part = `${target}.${from}`
    // A table of its own, so that the engine knows how few these are and builds its joins over them.
    await engine.run(`CREATE OR REPLACE TABLE piece AS FROM inventory
      WHERE ordinal >= ${from} AND ordinal < ${from + PIECE_PARTITIONS}`)
    await writePieceOfPartitions(engine, pieceOfPlan(values), part)
    parts.push(part)
  }
  await joinPartitionFile(engine, PLAN_FORMAT, parts, target)
}

function pieceOfPlan(values: ValuesInSql): string {
  const columns = {
    ordinal: 'i.ordinal',
    unit: 'j.unit',
    action: 'j.action',
    block: 'i.block',
    slice_id: 'i.slice_id',
    cell_id: 'i.cell_id',
    key: 'i.key',
    rows: 'i.rows',
    facts: 'i.facts',
    fingerprint: 'i.fingerprint',
    observed_etag: 'o.etag',
    published_sha256: 'm.sha256',
  }
  return `SELECT ${partitionSelectList(PLAN_FORMAT, columns, values.columns)}
    FROM piece i JOIN judged j ON j.ordinal = i.ordinal ${values.joins}
    LEFT JOIN observed o ON ${sameKey('o', 'i')} LEFT JOIN manifest m ON ${sameKey('m', 'i')}
    ORDER BY i.ordinal`
}

/** What lies in the table, or should, and is in no partition any more. */
function removals({ layout }: PlanInput): string {
  const goneOf = (table: string): string =>
    `SELECT t.key, t.digest FROM ${table} t ANTI JOIN inventory i ON ${sameKey('i', 't')}`
  const noValues = layout.columns.map((column) => `NULL::VARCHAR AS ${sqlIdentifier(column)}`).join(', ')
  const columns = {
    ordinal: '-1',
    unit: '-1',
    action: "'remove'",
    block: '-1',
    slice_id: '-1',
    cell_id: '-1',
    key: 'k.key',
    rows: 'coalesce(m.rows, 0)',
    facts: '0',
    fingerprint: "''",
    observed_etag: 'o.etag',
    published_sha256: 'm.sha256',
  }
  return `SELECT ${partitionSelectList(PLAN_FORMAT, columns, noValues)}
    FROM (${goneOf('manifest')} UNION ${goneOf('observed')}) k
    LEFT JOIN observed o ON ${sameKey('o', 'k')} LEFT JOIN manifest m ON ${sameKey('m', 'k')}
    ORDER BY k.key`
}

/** Keys are hundreds of characters: joins over their digests hold a tenth of it. */
function sameKey(one: string, other: string): string {
  return `${one}.digest = ${other}.digest`
}

/** Makes a table of rows that have a key, with its digest: computed once, because every piece of the plan is joined by it. */
async function digestKeys(engine: Engine, table: string, source: string): Promise<void> {
  await engine.run(`CREATE TABLE ${table} AS SELECT *, md5_number(key) AS digest FROM ${source}`)
}

async function loadInventory(input: PlanInput): Promise<void> {
  const { engine } = input
  await engine.run(`CREATE TABLE taken (ordinal INTEGER, block INTEGER, slice_id INTEGER, cell_id INTEGER, rows BIGINT, facts BIGINT,
    fingerprint VARCHAR, key VARCHAR)`)
  await engine.append('taken', inventoryRows(input))
  await digestKeys(engine, 'inventory', 'taken')
  await engine.run('DROP TABLE taken')
}

async function* inventoryRows({
  layout,
  inventory,
  valuesOf,
  requireStorable,
}: PlanInput): AsyncGenerator<(string | number | null)[]> {
  let ordinal = 0
  for await (const { block, slice, cell, rows, facts, fingerprint } of inventory) {
    const key = partitionKey(layout.columns, valuesOf(slice, cell))
    requireStorable(key)
    yield [ordinal, block, slice, cell, rows, facts, fingerprint, key]
    ordinal += 1
  }
}

/** The inventory against a plain join: a fact has one row per member of its group, and one if there is none. */
async function requireComplete(engine: Engine, paths: StagedPaths): Promise<void> {
  const due =
    await engine.row(`SELECT coalesce(sum(m.n), 0)::BIGINT AS rows, count(*)::BIGINT AS facts, count(*) FILTER (m.n IS NULL)::BIGINT AS lost
    FROM (SELECT fact_row, group_id FROM ${readParquet([paths.facts])} WHERE fact_row NOT IN (SELECT fact_row FROM ${readParquet([paths.quarantined])})) f
    LEFT JOIN (SELECT group_id, count(*) AS n FROM ${readParquet([paths.members])} GROUP BY group_id) m ON m.group_id = f.group_id`)
  const planned = await engine.count('SELECT coalesce(sum(rows), 0)::BIGINT FROM inventory')
  if (planned === Number(due['rows']) && Number(due['lost']) === 0) return
  throw new IntegrityError(
    'ETL3-PL-02',
    `the plan has ${planned} rows, the staged star gives ${due['rows']} and ${due['lost']} facts without any row`,
    { hint: 'This is a defect of ETL3: please report it with the run folder.' },
  )
}

async function loadKnown({ engine, manifest, otherPlans, observed }: PlanInput): Promise<void> {
  await engine.run('CREATE TABLE listed (key VARCHAR, bytes BIGINT, etag VARCHAR)')
  await engine.append('listed', observedRows(observed))
  await digestKeys(engine, 'observed', 'listed')
  await engine.run('DROP TABLE listed')
  const columns: readonly ManifestColumn[] = ['key', 'rows', 'bytes', 'sha256', 'etag', 'fingerprint']
  await digestKeys(engine, 'manifest', manifestRelation(manifest === undefined ? [] : [manifest], { columns }))
  await engine.run(`CREATE TABLE other_keys AS
    SELECT DISTINCT md5_number(key) AS digest FROM ${planRelation(otherPlans, { columns: ['key'] })}`)
}

async function* observedRows(observed: AsyncIterable<ObservedObject>): AsyncGenerator<(string | number)[]> {
  for await (const { key, bytes, etag } of observed) yield [key, bytes, etag]
}

async function refuseStrangers(engine: Engine): Promise<void> {
  const strangers = await engine.column(`SELECT key FROM observed o
    ANTI JOIN manifest m ON ${sameKey('m', 'o')} ANTI JOIN other_keys k ON ${sameKey('k', 'o')} ORDER BY key LIMIT 3`)
  if (strangers.length === 0) return
  throw new ConflictError(
    'ETL3-PL-01',
    `something lies under the table's prefix that no run of ETL3 wrote: ${strangers.map((k) => JSON.stringify(k)).join(', ')}`,
    { hint: 'Queries would read it as part of the table. Move it elsewhere, or choose another output.uri.' },
  )
}

/** Objects that look untouched but carry another mark (a lake that was moved) are read again before they are kept. */
async function verifyMoved({ engine, checksumOf }: PlanInput): Promise<void> {
  await engine.run('CREATE TABLE reread (key VARCHAR)')
  const suspects =
    await engine.rows(`SELECT m.key, m.sha256 FROM inventory i JOIN manifest m ON ${sameKey('m', 'i')} JOIN observed o ON ${sameKey('o', 'i')}
    WHERE m.fingerprint = i.fingerprint AND m.bytes = o.bytes AND m.etag <> o.etag`)
  const same: string[][] = []
  for (const { key, sha256 } of suspects) {
    if ((await checksumOf(String(key))) === sha256) same.push([String(key)])
  }
  await engine.append('reread', same)
  await digestKeys(engine, 'verified', 'reread')
}

async function figures(engine: Engine, plan: string): Promise<PlanFigures> {
  const row = await engine.row(`SELECT
    coalesce(sum(rows) FILTER (action <> 'remove'), 0)::BIGINT AS rows,
    coalesce(sum(rows) FILTER (action IN ('add', 'replace')), 0)::BIGINT AS to_write,
    coalesce(max(unit) + 1, 0)::BIGINT AS units,
    count(*) FILTER (action <> 'remove')::BIGINT AS total,
    count(*) FILTER (action = 'add')::BIGINT AS added, count(*) FILTER (action = 'replace')::BIGINT AS replaced,
    count(*) FILTER (action = 'keep')::BIGINT AS kept, count(*) FILTER (action = 'remove')::BIGINT AS removed FROM ${planRelation([plan], { columns: ['rows', 'action', 'unit'] })}`)
  const of = (name: string): number => Number(row[name] ?? 0)
  return {
    rows: of('rows'),
    rowsToWrite: of('to_write'),
    units: of('units'),
    partitions: {
      total: of('total'),
      added: of('added'),
      replaced: of('replaced'),
      kept: of('kept'),
      removed: of('removed'),
    },
  }
}
