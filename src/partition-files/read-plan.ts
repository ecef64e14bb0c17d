/** Reading a plan back, unit by unit. */
import type { Engine } from '../engine/engine.js'
import { type PlanAction, planAction } from './plan-action.js'
import { type PlanColumn, planRelation } from './plan-file.js'

const READ: readonly PlanColumn[] = [
  'ordinal',
  'action',
  'block',
  'slice_id',
  'cell_id',
  'key',
  'rows',
  'facts',
  'fingerprint',
  'observed_etag',
  'published_sha256',
]

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
  /** SHA-256 (hex) of what the published run had under the key, undefined where it had nothing. */
  readonly publishedSha256: string | undefined
}

/** Partitions of one unit, by block, slice, cell. */
export async function readUnit(engine: Engine, plan: string, unit: number): Promise<PlannedPartition[]> {
  return await read(engine, planRelation([plan], { columns: [...READ, 'unit'] }), `unit = ${unit}`)
}

/** Partitions that the plan removes. */
export async function readRemovals(engine: Engine, plan: string): Promise<PlannedPartition[]> {
  return await read(engine, planRelation([plan], { columns: READ }), "action = 'remove'")
}

async function read(engine: Engine, partitions: string, where: string): Promise<PlannedPartition[]> {
  const rows = await engine.rows(`FROM ${partitions} WHERE ${where} ORDER BY ordinal, key`)
  return rows.map((row) => ({
    ordinal: Number(row['ordinal']),
    action: planAction(row['action']),
    block: Number(row['block']),
    slice: Number(row['slice_id']),
    cell: Number(row['cell_id']),
    key: String(row['key']),
    rows: Number(row['rows']),
    facts: Number(row['facts']),
    fingerprint: String(row['fingerprint']),
    observedEtag: textOf(row['observed_etag']),
    publishedSha256: textOf(row['published_sha256']),
  }))
}

function textOf(value: unknown): string | undefined {
  return value === null ? undefined : String(value)
}
