/** Publishes one unit: moves its objects to their keys. Leaves `published/<n>.json`. */
import { z } from 'zod'
import type { Measured, UnitDone, UnitInput } from '../contract/activities.js'
import type { PublishCondition } from '../lake/object-store.js'
import { type PlannedPartition, readUnit } from '../plan/read-plan.js'
import { markStale } from '../records/stale-run.js'
import { type LedgerEntry, objectName, parseUnitRecord, unitRecordName } from '../records/unit.js'
import { ConflictError } from '../runtime/errors.js'
import { failPoint } from '../runtime/fail-point.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import type { ActivityDeps } from './deps.js'
import { PLAN } from './plan-partitions.js'
import { foreseenPlace, openContext, type RunContext, withEngine } from './run-context.js'
import type { ActivityScope } from './scope.js'

const publishedRecordSchema = z.object({
  formatVersion: z.literal(1),
  unit: z.number(),
  /** Mark of each object in its place, in the order of the ledger. */
  etags: z.array(z.string()).readonly(),
})

type Answer = Omit<UnitDone, keyof Measured>

/** Objects between two looks at the cancellation and signs of life. */
const OBJECTS_PER_BREATH = 500

/** Publishes a unit. What an earlier attempt moved is recognised by its bytes. */
export function publishPartitions(deps: ActivityDeps): (input: UnitInput, scope: ActivityScope) => Promise<Answer> {
  return async ({ run, unit }, { signal, heartbeat }) => {
    const context = await openContext(run, deps, signal)
    const { records } = context
    const ledger = await records.find(unitRecordName(unit), parseUnitRecord, signal)
    if (!ledger) throw new Error(`unit ${unit} was not written`)
    const answer = { unit, partitions: ledger.partitions, rows: ledger.rows, bytes: ledger.bytes }
    if (await findPublished(context, unit, signal)) return answer

    const plan = await records.store.fetchLocal(records.key(PLAN), context.scratch, signal)
    const partitions = await withEngine(deps, context.scratch, signal, (engine) => readUnit(engine, plan, unit))
    const planned = new Map(partitions.map((p) => [p.ordinal, p]))
    let published = 0
    const etags = await severalAtOnce(ledger.entries, records.store.atOnce, async (entry) => {
      const partition = planned.get(entry.ordinal)
      if (!partition)
        throw new Error(`the ledger of unit ${unit} has a partition that the plan has not: ${entry.ordinal}`)
      const { etag } = await publish(context, unit, entry, partition, signal)
      failPoint('publish:partition')
      published += 1
      if (published % OBJECTS_PER_BREATH === 0) {
        await new Promise((resolve) => setImmediate(resolve))
        heartbeat({ unit, partitions: published })
        signal.throwIfAborted()
      }
      return etag
    })
    const keys = ledger.entries.map(({ key }) => key)
    await context.table.settle(keys, signal)
    failPoint('publish:before-record')
    await records.save(publishedName(unit), { formatVersion: 1, unit, etags }, signal)
    return answer
  }
}

/** Marks of a unit's objects in their places, or undefined before it was published. */
export async function findPublished(
  { records }: RunContext,
  unit: number,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  return (await records.find(publishedName(unit), (value) => publishedRecordSchema.parse(value), signal))?.etags
}

function publishedName(unit: number): string {
  return `published/${unit}.json`
}

/** @throws ConflictError ETL3-PU-01 when something else lies under the key than the plan saw */
async function publish(
  { records, table }: RunContext,
  unit: number,
  entry: LedgerEntry,
  partition: PlannedPartition,
  signal: AbortSignal,
): Promise<{ readonly etag: string }> {
  const source = records.store.locate(records.key(objectName(unit, entry.ordinal)))
  const condition: PublishCondition =
    partition.observedEtag === undefined
      ? { expect: 'absent', foreseen: foreseenPlace(records) }
      : { expect: 'etag', etag: partition.observedEtag }
  const result = await table.publish(source, partition.key, condition, signal)
  if (result.outcome === 'moved') return result
  const { found } = result
  // Our own bytes in place: an earlier attempt got this far. Anything else is somebody else's.
  if (found?.bytes === entry.bytes) {
    const content = await table.digest(partition.key, signal)
    if (content?.sha256 === entry.sha256) return found
  }
  if (result.outcome === 'mismatch') await markStale(records, table.locate(partition.key), signal)
  const why = result.outcome === 'sourceMissing' ? 'a newer run has taken over' : 'another writer has changed it'
  throw new ConflictError('ETL3-PU-01', `${table.locate(partition.key)} cannot be published: ${why}`, {
    hint: 'Start the run again: it plans anew from what lies there now. Where it happens again: on a disk that takes upper and lower case for the same, values that differ only in case share a place (docs/operations.md).',
  })
}
