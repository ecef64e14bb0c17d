/**
 * The audit of one unit: ledger against plan, then what lies in the store, read again by other implementations
 * (docs/architecture.md, The audit). A difference names the partitions.
 */
import type { Engine } from '../engine/engine.js'
import type { DuePartition } from '../partition-files/due-partition.js'
import { type PlannedPartition, readUnit } from '../partition-files/read-plan.js'
import { both } from '../runtime/both.js'
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { severalAtOnce } from '../runtime/several-at-once.js'
import type { StagedPaths } from '../star/staged-files.js'
import { compareBytes } from './compare-bytes.js'
import { compareChecksums } from './compare-checksums.js'
import { type AuditDepth, compareFooters } from './compare-footers.js'
import { compareLedger } from './compare-ledger.js'
import { BATCH_ROWS, compareRows } from './compare-rows.js'
import { sampleOf } from './sample.js'
import type { UnitObjects } from './unit-objects.js'
import type { WrittenPartition } from './written-partition.js'

/** Files that are fetched and read together. */
const BATCH_PARTITIONS = 200

/** What is audited. */
export interface UnitAudit {
  readonly engine: Engine
  readonly paths: StagedPaths
  /** Local path of the plan. */
  readonly plan: string
  readonly unit: number
  readonly ledger: readonly WrittenPartition[]
  /** What its rows are due to be; with `anew` joined again, whatever was computed before. */
  readonly dueRows: (anew: boolean) => Promise<readonly DuePartition[]>
  readonly objects: UnitObjects
  readonly depth: AuditDepth
  /** Local folder for copies of objects. */
  readonly scratch: string
  /** Called after each statement with the partitions of which all rows have been read since the last call. */
  readonly progress: (partitions: number) => void
  readonly signal: AbortSignal
}

/** What an audit looked at. */
export interface UnitAuditFigures {
  readonly partitions: number
  readonly rows: number
  /** Objects of which every row was read again. */
  readonly readAgain: number
  readonly bytes: number
}

/**
 * Audits a unit.
 *
 * @throws IntegrityError ETL3-AU-01 … 04 and 08 on any difference
 */
export async function auditUnit(audit: UnitAudit): Promise<UnitAuditFigures> {
  const { engine, plan, unit, ledger, dueRows, objects, depth, progress, signal } = audit
  const due = await readUnit(engine, plan, unit)
  compareLedger(due, ledger)
  const chosen = depth === 'full' ? due : sampleOf(due)
  const values = async (): Promise<void> => {
    await compareChecksums(due, ledger, dueRows)
    progress(0)
    await compareContent(audit, chosen)
  }
  // At once, because the engine reads rows on a thread of its own. Where both differ, the bytes are the reason.
  await both(compareBytes(objects, ledger, signal), values())
  return {
    partitions: due.length,
    rows: due.reduce((sum, p) => sum + p.rows, 0),
    readAgain: chosen.length,
    bytes: ledger.reduce((sum, e) => sum + e.bytes, 0),
  }
}

/** Footers and rows of some partitions of the unit, batch by batch. */
async function compareContent(audit: UnitAudit, chosen: readonly PlannedPartition[]): Promise<void> {
  const { engine, paths, objects, depth, scratch, progress, signal } = audit
  const { store, keyOf } = objects
  for (const partitions of consecutiveGroups(chosen, (p) => p.rows, { weight: BATCH_ROWS, items: BATCH_PARTITIONS })) {
    await withScratchFolder(scratch, 'audit', async (folder) => {
      const files = await severalAtOnce(partitions, store.atOnce, ({ ordinal }) =>
        store.fetchLocal(keyOf(ordinal), folder, signal),
      )
      await both(
        compareFooters(partitions, files, depth),
        compareRows({ engine, paths, partitions, files, progress: () => progress(0) }),
      )
    })
    progress(partitions.length)
  }
}
