/** About how many bytes the files of a plan will take: known before any of them is written. */
import type { Engine } from '../engine/engine.js'
import { planRelation } from '../partition-files/plan-file.js'
import { sizeCurve, sizeInSql } from './size-curve.js'

/**
 * Estimates the files that a plan adds or replaces, by their rows, from the sizes of those that are published.
 *
 * @param plan local path of the plan
 * @param manifest local path of the published run's manifest; undefined where nothing is published
 */
export async function bytesToWrite(engine: Engine, plan: string, manifest: string | undefined): Promise<number> {
  const size = sizeInSql(await sizeCurve(engine, manifest), 'rows')
  return await engine.count(`SELECT coalesce(sum(${size}), 0)::BIGINT FROM ${planRelation([plan], { columns: ['rows', 'action'] })}
    WHERE action IN ('add', 'replace')`)
}
