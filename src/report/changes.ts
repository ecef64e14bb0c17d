/** What a run changes against the table that was there before, from its plan and the manifest of the last run. */
import type { Engine } from '../engine/engine.js'
import { sqlIdentifier, sqlString } from '../engine/sql.js'
import { MANIFEST_FORMAT, manifestRelation } from '../partition-files/manifest-file.js'
import { partitionColumnsOf } from '../partition-files/partition-file.js'
import { planRelation } from '../partition-files/plan-file.js'
import type { ChangedValue, Changes } from './run-report.js'

/** Columns by which changes are told, where they are partition columns. */
const TOLD = { byPayer: 'payer_slug', byState: 'state' } as const

/** Values that are told one by one, those with the most changed rows first. */
const MOST_VALUES = 200

/** Local paths. */
export interface ChangesInput {
  readonly plan: string
  /** Manifest of the run that was published before; undefined for the first. */
  readonly manifestBefore: string | undefined
  readonly partitionColumns: readonly string[]
}

/** Compares plan and last manifest, partition by partition. */
export async function takeChanges(engine: Engine, input: ChangesInput): Promise<Changes> {
  await loadMoves(engine, input)
  const rows =
    await engine.rows(`SELECT action, count(*) AS partitions, coalesce(sum(rows_before), 0)::BIGINT AS before,
    coalesce(sum(rows_after), 0)::BIGINT AS after FROM moves GROUP BY action`)
  const of = (action: string): Changes['added'] => {
    const row = rows.find((r) => r['action'] === action)
    return {
      partitions: Number(row?.['partitions'] ?? 0),
      rowsBefore: Number(row?.['before'] ?? 0),
      rowsAfter: Number(row?.['after'] ?? 0),
    }
  }
  return {
    added: of('add'),
    replaced: of('replace'),
    kept: of('keep'),
    removed: of('remove'),
    byPayer: await byValue(engine, input, TOLD.byPayer),
    byState: await byValue(engine, input, TOLD.byState),
  }
}

/** One row per partition of the plan: what happens, its rows before and after, its values. */
async function loadMoves(engine: Engine, { plan, manifestBefore, partitionColumns }: ChangesInput): Promise<void> {
  const told = Object.values(TOLD).filter((column) => partitionColumns.includes(column))
  const before = manifestBefore === undefined ? [] : await partitionColumnsOf(engine, MANIFEST_FORMAT, manifestBefore)
  // What is removed stands without values in the plan; the last manifest has them, if it had the same columns.
  const values = told.map((column) => {
    const name = sqlIdentifier(column)
    return `, CASE WHEN p.action <> 'remove' THEN p.${name} ELSE ${before.includes(column) ? `m.${name}` : 'NULL'} END AS ${name}`
  })
  const planned = planRelation([plan], { columns: ['key', 'action', 'rows'], partitionColumns: told })
  const known = manifestRelation(manifestBefore === undefined ? [] : [manifestBefore], {
    columns: ['key', 'rows'],
    partitionColumns: told.filter((column) => before.includes(column)),
  })
  await engine.run(`CREATE TEMP TABLE moves AS
    SELECT p.action, coalesce(m.rows, 0) AS rows_before, CASE WHEN p.action = 'remove' THEN 0 ELSE p.rows END AS rows_after ${values.join('')}
    FROM ${planned} p LEFT JOIN ${known} m ON m.key = p.key`)
}

/** Undefined where the column is no partition column: then a partition has no one value. */
async function byValue(
  engine: Engine,
  { partitionColumns }: ChangesInput,
  column: string,
): Promise<readonly ChangedValue[] | null> {
  if (!partitionColumns.includes(column)) return null
  const count = (action: string): string => `count(*) FILTER (action = ${sqlString(action)})`
  const rows =
    await engine.rows(`SELECT ${sqlIdentifier(column)} AS value, ${count('add')} AS added, ${count('replace')} AS replaced,
      ${count('keep')} AS kept, ${count('remove')} AS removed, sum(rows_before)::BIGINT AS before, sum(rows_after)::BIGINT AS after
    FROM moves GROUP BY 1
    ORDER BY sum(CASE WHEN action = 'keep' THEN 0 ELSE greatest(rows_before, rows_after) END) DESC, sum(rows_after) DESC, value NULLS FIRST
    LIMIT ${MOST_VALUES}`)
  return rows.map((row) => ({
    value: row['value'] === null || row['value'] === undefined ? null : String(row['value']),
    added: Number(row['added']),
    replaced: Number(row['replaced']),
    kept: Number(row['kept']),
    removed: Number(row['removed']),
    rowsBefore: Number(row['before']),
    rowsAfter: Number(row['after']),
  }))
}
