/** Publishes one unit: moves its objects to their keys. Leaves `published/<n>.json`. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { ObjectContent, PublishCondition } from '../lake/object-store.js'
import { type PlannedPartition, readUnit } from '../partition-files/read-plan.js'
import { fetchPlan } from '../records/plan.js'
import { findPublished, savePublished } from '../records/published.js'
import { markStale } from '../records/stale-run.js'
import { type LedgerEntry, objectName, parseUnitRecord, unitRecordName } from '../records/unit.js'
import { ConflictError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { plainText } from '../runtime/plain-text.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import type { ActivityDeps } from './deps.js'
import { fromReserve } from './publication-reserve.js'
import { keyOfOwnBytes, NEXT_RUN_MENDS, publicationState } from './publication-state.js'
import { foreseenPlace, openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

type Answer = Omit<UnitDone, keyof Measured>

/** Objects between two looks at the cancellation and signs of life. */
const OBJECTS_PER_BREATH = 500

/** Publishes a unit. What an earlier attempt moved is recognised by its bytes. */
export function publishPartitions(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return fromReserve(async ({ run, unit }, { signal, heartbeat }) => {
    const context = await openContext(run, deps, signal)
    const { records } = context
    const ledger = await records.find(unitRecordName(unit), parseUnitRecord, signal)
    if (!ledger) throw new Error(`unit ${unit} was not written`)
    const answer = { unit, partitions: ledger.partitions, rows: ledger.rows, bytes: ledger.bytes }
    if (await findPublished(context, unit, signal)) return answer

    const plan = await fetchPlan(context, signal)
    const partitions = await withEngine(deps, context.scratch, signal, (engine) => readUnit(engine, plan, unit))
    const planned = new Map(partitions.map((p) => [p.ordinal, p]))
    let published = 0
    const etags = await severalAtOnce(ledger.entries, records.store.atOnce, async (entry) => {
      const partition = planned.get(entry.ordinal)
      if (!partition)
        throw new Error(`the ledger of unit ${unit} has a partition that the plan has not: ${entry.ordinal}`)
      const { etag } = await publish(context, unit, entry, partition, () => published, signal)
      failPoint('publish:partition')
      published += 1
      if (published % OBJECTS_PER_BREATH === 0) {
        await nextTurn()
        heartbeat({ unit, partitions: published })
        signal.throwIfAborted()
      }
      return etag
    })
    const keys = ledger.entries.map(({ key }) => key)
    await context.table.settle(keys, signal)
    failPoint('publish:before-record')
    await savePublished(context, unit, etags, signal)
    return answer
  })
}

/**
 * Moves one object to its key. What an earlier attempt moved is recognised by its bytes, and so is an object that was
 * published before and has only another mark now: copied, or restored from a backup.
 * @throws ConflictError ETL3-PU-01 when something else lies under the key than the plan saw
 */
async function publish(
  context: RunContext,
  unit: number,
  entry: LedgerEntry,
  partition: PlannedPartition,
  inPlace: () => number,
  signal: AbortSignal,
): Promise<{ readonly etag: string }> {
  const { records, table } = context
  const source = records.store.locate(records.key(objectName(unit, entry.ordinal)))
  const condition: PublishCondition =
    partition.observedEtag === undefined
      ? { expect: 'absent', foreseen: foreseenPlace(records) }
      : { expect: 'etag', etag: partition.observedEtag }
  const result = await table.publish(source, partition.key, condition, signal)
  if (result.outcome === 'moved') return result
  const { found } = result
  const content = found && (await table.digest(partition.key, signal))
  if (found && content?.sha256 === entry.sha256) return found
  if (found && result.outcome === 'mismatch' && content?.sha256 === partition.publishedSha256) {
    const again = await table.publish(source, partition.key, { expect: 'etag', etag: found.etag }, signal)
    if (again.outcome === 'moved') return again
  }
  if (result.outcome === 'mismatch') await markStale(records, table.locate(partition.key), signal)
  const why =
    result.outcome === 'sourceMissing'
      ? 'the object to be moved there is gone, as when a newer run takes over'
      : await whatLiesThere(context, partition, content, signal)
  const state = await publicationState(context, { unit, partitions: inPlace() }, signal)
  throw new ConflictError('ETL3-PU-01', `${table.locate(partition.key)} cannot be published: ${why}; ${state}`, {
    hint: NEXT_RUN_MENDS,
  })
}

async function whatLiesThere(
  context: RunContext,
  partition: PlannedPartition,
  content: ObjectContent | undefined,
  signal: AbortSignal,
): Promise<string> {
  const before = partition.observedEtag === undefined ? 'nothing was there' : 'another object was there'
  const planned = `when the run was planned, ${before}`
  if (!content) return `nothing is there now; ${planned}`
  const found = `what is there now has ${content.bytes} bytes and SHA-256 ${content.sha256}; ${planned}`
  const own = await keyOfOwnBytes(context, content.sha256, signal)
  return own === undefined ? found : `${found}; this run itself wrote these bytes, for ${plainText(own)}`
}
