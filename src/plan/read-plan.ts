/** Reading a plan back, unit by unit. */
import { type Engine, readParquet } from '../engine/engine.js'
import type { PlanAction } from './plan-action.js'

/** One partition of a plan. */
export interface PlannedPartition {
  /** Place in the plan; also the name of its object in the run's folder. */
  readonly ordinal: number
  readonly action: PlanAction
  readonly block: number
  readonly slice: number
  readonly cell: number
  readonly key: string
  readonly rows: number
  readonly facts: number
  readonly fingerprint: string
  /** Mark of the object that lay under the key when the plan was made, undefined when there was none. */
  readonly observedEtag: string | undefined
}

/** Partitions of one unit, by block, slice, cell. */
export async function readUnit(engine: Engine, plan: string, unit: number): Promise<PlannedPartition[]> {
  return await read(engine, plan, `unit = ${unit}`)
}

/** Partitions that the plan removes. */
export async function readRemovals(engine: Engine, plan: string): Promise<PlannedPartition[]> {
  return await read(engine, plan, "action = 'remove'")
}

async function read(engine: Engine, plan: string, where: string): Promise<PlannedPartition[]> {
  const rows =
    await engine.rows(`SELECT ordinal, action, block, slice_id, cell_id, key, rows, facts, fingerprint, observed_etag
    FROM ${readParquet([plan])} WHERE ${where} ORDER BY ordinal, key`)
  return rows.map((row) => ({
    ordinal: Number(row['ordinal']),
    action: actionOf(row['action']),
    block: Number(row['block']),
    slice: Number(row['slice_id']),
    cell: Number(row['cell_id']),
    key: String(row['key']),
    rows: Number(row['rows']),
    facts: Number(row['facts']),
    fingerprint: String(row['fingerprint']),
    observedEtag: row['observed_etag'] === null ? undefined : String(row['observed_etag']),
  }))
}

function actionOf(value: unknown): PlanAction {
  if (value === 'add' || value === 'replace' || value === 'keep' || value === 'remove') return value
  throw new Error(`a plan has no action '${String(value)}'`)
}
